import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpServer } from "effect/http"
import type * as Scope from "effect/Scope"
import { usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"

type Server = HttpServer.HttpServer["Service"]

export interface Options {
  readonly host: string
  /** 0 chooses a free port. */
  readonly port: number
  /** How long requests in progress may take at the end. */
  readonly drain: Duration.Input
}

/** Not an import, which would also load all of Node's WebSocket code. */
const http = () => process.getBuiltinModule("node:http")

const makeServer = () => {
  const server = http().createServer({
    // A large upload may take long, but the headers may not.
    requestTimeout: 0,
    headersTimeout: 60_000,
    // Longer than most pools keep idle connections, because a client that reuses a connection while it is closed gets
    // an error.
    keepAliveTimeout: 75_000
  })
  // The server ends after the last answer, even if the client would keep its connection.
  const closeAfter = (_: unknown, response: Pick<NodeJS.EventEmitter, "once">) =>
    response.once("close", () => {
      if (!server.listening) server.closeIdleConnections()
    })
  // A request with `Expect: 100-continue` has an event of its own.
  server.on("request", closeAfter).on("checkContinue", closeAfter)
  return server
}

/** An error of the system, with its code. */
interface Refused {
  readonly code: unknown
}

const refused = (error: { readonly cause?: unknown }): Refused => ({
  code: error.cause instanceof Error && "code" in error.cause ? error.cause.code : undefined
})

const whyNot = ({ code }: Refused, { host, port }: Options): Failure => {
  const where = `port ${port} of ${host}`
  switch (code) {
    case "EADDRINUSE":
      return usageFailure(
        `Another program listens on ${where}. Name another port with --port; 0 chooses a free one.`
      )
    case "EACCES":
      return usageFailure(
        `This user may not listen on ${where}. Name a port from 1024 on with --port; 0 chooses a free one.`
      )
    case "EADDRNOTAVAIL":
      return usageFailure(`${host} is not an address of this machine.`)
    default:
      return usageFailure(`It is not possible to listen on ${where}: ${String(code)}.`)
  }
}

const open = (options: Options): Effect.Effect<Server, Refused, Scope.Scope> =>
  Effect.gen(function*() {
    const node = makeServer()
    const server = yield* NodeHttpServer.make(() => node, {
      host: options.host,
      port: options.port,
      gracefulShutdownTimeout: options.drain
    })
    // Java's client offers an upgrade to HTTP/2 with its first request. Without a listener for upgrades, Node answers
    // as if there were no offer. With one, the connection would end after the answer, which does not say so.
    const ignoreOffers = Effect.sync(() => node.removeAllListeners("upgrade"))
    return HttpServer.make({
      address: server.address,
      serve: (app, middleware) => Effect.andThen(server.serve(app, middleware!), ignoreOffers)
    })
  }).pipe(Effect.mapError(refused))

/** A server at an address of this machine, for as long as the scope is open. */
export const listen = (options: Options): Effect.Effect<Server, Failure, Scope.Scope> =>
  Effect.mapError(open(options), (error) => whyNot(error, options))

/** The same, or nothing if the machine has no such address, for example without IPv6. */
export const listenIfPossible = (options: Options): Effect.Effect<Server | undefined, Failure, Scope.Scope> =>
  Effect.catch(open(options), (error) =>
    error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT"
      ? Effect.undefined
      : Effect.fail(whyNot(error, options)))
