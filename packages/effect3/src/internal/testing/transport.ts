import * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Decide, Sent } from "./application.ts"
import * as Connection from "./connection.ts"
import { bytesOf, MemoryResponse } from "./memoryResponse.ts"

const bytesOfBody = (body: HttpBody.HttpBody): Effect.Effect<Uint8Array, unknown> => {
  switch (body._tag) {
    case "Empty":
      return Effect.succeed(new Uint8Array())
    case "Uint8Array":
      return Effect.succeed(body.body)
    case "Stream":
      return bytesOf(body.stream)
    case "FormData":
      return read(body.formData)
    case "Raw":
      return read(body.body as BodyInit)
  }
}

const read = (body: BodyInit): Effect.Effect<Uint8Array, unknown> =>
  Effect.tryPromise(async () => new Uint8Array(await new Response(body).arrayBuffer()))

/** The application as a client, without a socket and without a promise. */
export const httpClient = (decide: Decide): HttpClient.HttpClient =>
  HttpClient.make((request, url) => {
    const lost = (options: { readonly description: string; readonly cause?: unknown }) =>
      new HttpClientError.RequestError({ request, reason: "Transport", ...options })
    return decide({
      method: request.method,
      url: url.pathname + url.search,
      headers: Headers.set(request.headers, "host", url.host),
      body: bytesOfBody(request.body)
    }).pipe(
      Effect.mapError((cause) => lost({ description: "The request body could not be read", cause })),
      Effect.flatMap((decision) => {
        switch (decision._tag) {
          case "Answer":
            return Effect.succeed(new MemoryResponse(request, decision.answer))
          case "Hang":
            return Effect.never
          case "Drop":
            return Effect.fail(lost({ description: "The connection was dropped" }))
        }
      })
    )
  })

const toResponse = (
  request: HttpServerRequest.HttpServerRequest,
  { body, headers, status }: Sent
): HttpServerResponse.HttpServerResponse => {
  const options = { status, headers: Headers.fromInput(headers), contentType: headers["content-type"] }
  if (body === undefined) return HttpServerResponse.empty({ status, headers: options.headers })
  if (typeof body === "string") return HttpServerResponse.text(body, options)
  if (body instanceof Uint8Array) return HttpServerResponse.uint8Array(body, options)
  // Node's server ends a failed body as if it were complete.
  const broken = Stream.tapErrorCause(body, () => Effect.sync(() => Connection.fromRequest(request)?.destroy()))
  return HttpServerResponse.stream(broken, options)
}

/** The application for a server. A request that hangs must be interruptible. */
export const serverEffect = (decide: Decide): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  HttpServerError.RequestError,
  HttpServerRequest.HttpServerRequest
> =>
  Effect.interruptible(Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const decision = yield* decide({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: Effect.map(request.arrayBuffer, (buffer) => new Uint8Array(buffer))
    })
    switch (decision._tag) {
      case "Answer":
        return toResponse(request, decision.answer)
      case "Hang":
        return yield* Effect.never
      case "Drop":
        return yield* Connection.lose(request)
    }
  }))
