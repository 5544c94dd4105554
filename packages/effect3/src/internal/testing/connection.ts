import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"

/** The part of a Node socket that is needed to break a connection, so that the package does not import Node. */
export interface Connection {
  readonly destroyed?: unknown
  readonly destroy: () => unknown
}

/** The connection of a request, if the platform gives access to it. */
export const fromRequest = (request: HttpServerRequest.HttpServerRequest): Connection | undefined => {
  const { source } = request
  if (!Predicate.hasProperty(source, "socket")) return undefined
  return isConnection(source.socket) ? source.socket : undefined
}

const isConnection = (u: unknown): u is Connection =>
  Predicate.hasProperty(u, "destroy") && Predicate.isFunction(u.destroy)

/**
 * Drops the connection of a request before anything is answered or, if that is not possible, while the body is sent.
 */
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
    // The server interrupts the request when the socket closes. Until then there is nothing to answer.
    return Effect.never
  })

/** The connections of requests, to cut all of them at once. */
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
