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

/** Gives up in time where nobody answers: until a connection stands, nothing was sent, and that is worth knowing. */
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
 * Has a socket read on where it can write no more.
 *
 * A server that answers an upload early, and closes, has sent its answer before the connection breaks. Node gives a socket
 * up at the first failed write, and what it has not read by then is lost.
 */
const readOn = (socket: Socket): void => {
  const after = (done: (error?: Error | null) => void) => (error?: Error | null) => {
    // Without a word the upload waits, for no longer than there is something to read.
    if (!error || socket.readableEnded) done(error)
    else socket.once("end", () => socket.destroy())
  }
  const write = socket._write.bind(socket)
  const writeAll = socket._writev?.bind(socket)
  socket._write = (chunk, encoding, done) => write(chunk, encoding, after(done))
  if (writeAll !== undefined) socket._writev = (chunks, done) => writeAll(chunks, after(done))
}

/** Has an agent make such sockets. */
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

// A connection that was idle for long may be one that the other side is just closing.
const options = { keepAlive: true, timeout: 15_000 }

/** Tells how far each request has come. Where another attempt follows an answer, that was a 401. */
const observed = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.transform(
    client,
    (response) => Progress.reach("sent").pipe(Effect.andThen(response), Effect.tap(() => Progress.reach("rejected")))
  )

/** The client of the API at an address. `fetch` would decompress and leave `content-encoding` in place, and it follows redirects. */
export const make = Effect.fnUntraced(function*(
  address: string
): Effect.fn.Return<HttpClient.HttpClient, Config.ConfigError | Failure, Scope.Scope> {
  const agents = yield* makeAgent(yield* outboundFor(address), options)
  prepare(agents.http)
  prepare(agents.https)
  return observed(yield* Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agents))
})
