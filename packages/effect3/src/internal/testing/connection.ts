import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"

/** As much of a Node socket as is needed to break a connection; no import ties the package to Node. */
export interface Connection {
  readonly destroyed?: unknown
  readonly destroy: () => unknown
}

/** The connection that a request came in on, where the platform shows it. */
export const fromRequest = (request: HttpServerRequest.HttpServerRequest): Connection | undefined => {
  const { source } = request
  if (!Predicate.hasProperty(source, "socket")) return undefined
  return isConnection(source.socket) ? source.socket : undefined
}

const isConnection = (u: unknown): u is Connection =>
  Predicate.hasProperty(u, "destroy") && Predicate.isFunction(u.destroy)

/** Loses the connection of a request before anything is answered, or failing that while the body is answered. */
export const lose = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.suspend(() => {
    const connection = fromRequest(request)
    if (connection === undefined) {
      const broken = Stream.fail("The connection was dropped")
      return Effect.succeed(HttpServerResponse.stream(broken, { contentType: "application/json" }))
    }
    connection.destroy()
    // The server interrupts the request when it sees the socket close; until then there is nothing to answer.
    return Effect.never
  })

/** The connections that requests came in on, to be cut all at once. */
export interface ConnectionSet {
  readonly add: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<void>
  readonly destroy: Effect.Effect<void>
}

export const makeSet = (): ConnectionSet => {
  const open = new Set<Connection>()
  return {
    add: (request) =>
      Effect.sync(() => {
        const connection = fromRequest(request)
        if (connection === undefined || open.has(connection)) return
        for (const other of open) {
          if (other.destroyed === true) open.delete(other)
        }
        open.add(connection)
      }),
    destroy: Effect.sync(() => {
      for (const connection of open) connection.destroy()
    })
  }
}
