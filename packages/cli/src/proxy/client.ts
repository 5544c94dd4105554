import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { HttpClient } from "effect/http"
import type * as Scope from "effect/Scope"
import type { Failure } from "../exitCode.ts"
import { makeAgent } from "../nodeClient.ts"
import { outboundFor } from "../outbound.ts"
import * as Progress from "./progress.ts"

type Agent = NodeHttpClient.HttpAgent["Service"]["http"]
type Socket = NonNullable<ReturnType<Agent["createConnection"]>>

/** In milliseconds. */
const connectTimeout = 10_000

/** Limits the time to connect. Before a connection exists, nothing was sent, and the error can say so. */
const limitConnecting = (socket: Socket): void => {
  if (!("connecting" in socket && socket.connecting)) return
  const timer = setTimeout(() => {
    const error = new Error(`connect ETIMEDOUT: no connection within ${connectTimeout / 1000}s`)
    socket.destroy(Object.assign(error, { code: "ETIMEDOUT", syscall: "connect" }))
  }, connectTimeout)
  const done = () => clearTimeout(timer)
  socket.once("encrypted" in socket ? "secureConnect" : "connect", done).once("close", done)
}

/**
 * Lets a socket continue to read after it can no longer write.
 *
 * A server may answer an upload early and close the connection. Its answer is
 * sent before the connection breaks. But Node destroys a socket at the first
 * failed write, and loses what it has not read by then.
 */
const readOn = (socket: Socket): void => {
  const after = (done: (error?: Error | null) => void) => (error?: Error | null) => {
    // The upload then waits without an error, until there is nothing more to read.
    if (!error || socket.readableEnded) done(error)
    else socket.once("end", () => socket.destroy())
  }
  const write = socket._write.bind(socket)
  const writeAll = socket._writev?.bind(socket)
  socket._write = (chunk, encoding, done) => write(chunk, encoding, after(done))
  if (writeAll !== undefined) socket._writev = (chunks, done) => writeAll(chunks, after(done))
}

/** Makes an agent use such sockets. */
const prepare = (agent: Agent): void => {
  const seen = new WeakSet<Socket>()
  const prepared = (socket: Socket | null | undefined) => {
    if (socket && !seen.has(socket)) {
      seen.add(socket)
      limitConnecting(socket)
      readOn(socket)
    }
    return socket
  }
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (options, created) =>
    prepared(create(options, (error, socket) => {
      prepared(socket)
      created?.(error, socket)
    }))
}

// The other side may be about to close a connection that was idle for long.
const options = { keepAlive: true, timeout: 15_000 }

/** Records the progress of each request. If another attempt follows an answer, the answer was a 401. */
const observed = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.transform(
    client,
    (response) => Progress.reach("sent").pipe(Effect.andThen(response), Effect.tap(() => Progress.reach("rejected")))
  )

/**
 * The client of the API at an address. Not `fetch`, which decompresses but keeps `content-encoding`, and follows
 * redirects.
 */
export const make = Effect.fnUntraced(function*(
  address: string
): Effect.fn.Return<HttpClient.HttpClient, Config.ConfigError | Failure, Scope.Scope> {
  const agents = yield* makeAgent(yield* outboundFor(address), options)
  prepare(agents.http)
  prepare(agents.https)
  return observed(yield* Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agents))
})
