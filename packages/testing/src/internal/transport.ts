import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Decision } from "./application.ts"
import * as Connection from "./connection.ts"

export type Decide = Effect.Effect<
  Decision,
  HttpServerError.HttpServerError,
  HttpServerRequest.HttpServerRequest
>

/**
 * The application for a server. A server runs an application without routes uninterruptibly, but a request that hangs
 * must be interruptible.
 */
export const serverEffect = (decide: Decide): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  HttpServerError.HttpServerError,
  HttpServerRequest.HttpServerRequest
> =>
  Effect.interruptible(Effect.flatMap(decide, (decision) => {
    switch (decision._tag) {
      case "Answer":
        return Effect.succeed(decision.response)
      case "Hang":
        return Effect.never
      case "Drop":
        return Effect.flatMap(HttpServerRequest.HttpServerRequest, Connection.lose)
    }
  }))

/** The application as a client, without a socket and without a promise. */
export const httpClient = (decide: Decide): HttpClient.HttpClient =>
  HttpClient.make((request, url) => {
    const received = HttpServerRequest.fromClientRequest(request)
    const lost = (options: { readonly description?: string; readonly cause?: unknown }) =>
      new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, ...options }) })
    return decide.pipe(
      Effect.provideService(
        HttpServerRequest.HttpServerRequest,
        received.modify({ headers: Headers.set(received.headers, "host", url.host) })
      ),
      Effect.mapError((cause) => lost({ description: "The request body could not be read", cause })),
      Effect.flatMap((decision) => {
        switch (decision._tag) {
          case "Answer":
            return Effect.succeed(HttpServerResponse.toClientResponse(decision.response, { request }))
          case "Hang":
            return Effect.never
          case "Drop":
            return Effect.fail(lost({ description: "The connection was dropped" }))
        }
      })
    )
  })
