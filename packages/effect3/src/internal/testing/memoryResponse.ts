import * as Cookies from "@effect/platform/Cookies"
import * as Headers from "@effect/platform/Headers"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Sent } from "./application.ts"

const concatenated = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  const all = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}

/** The bytes of a stream. */
export const bytesOf = <E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<Uint8Array, E> =>
  Effect.map(Stream.runCollect(stream), (chunks) => concatenated([...chunks]))

/**
 * A response without promises. Reading it takes no turn of the event loop, so `TestClock` does not have to wait for it.
 */
export class MemoryResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly status: number
  readonly headers: Headers.Headers
  readonly cookies: Cookies.Cookies
  readonly remoteAddress: Option.Option<string> = Option.none()
  readonly request: HttpClientRequest.HttpClientRequest
  readonly #body: Sent["body"]

  constructor(request: HttpClientRequest.HttpClientRequest, { body, headers, status }: Sent) {
    super()
    this.request = request
    this.status = status
    this.headers = Headers.fromInput(headers)
    this.cookies = Cookies.fromSetCookie(this.headers["set-cookie"] ?? [])
    this.#body = body
  }

  #failed(cause: unknown): HttpClientError.ResponseError {
    return new HttpClientError.ResponseError({ request: this.request, response: this, reason: "Decode", cause })
  }
  #decoded<A>(decode: (text: string) => A): Effect.Effect<A, HttpClientError.ResponseError> {
    return Effect.flatMap(
      this.text,
      (text) => Effect.try({ try: () => decode(text), catch: (cause) => this.#failed(cause) })
    )
  }
  get #bytes(): Effect.Effect<Uint8Array, HttpClientError.ResponseError> {
    const body = this.#body
    if (typeof body === "string") return Effect.succeed(new TextEncoder().encode(body))
    if (body === undefined || body instanceof Uint8Array) return Effect.succeed(body ?? new Uint8Array())
    return bytesOf(this.stream)
  }
  get text(): Effect.Effect<string, HttpClientError.ResponseError> {
    return Effect.map(this.#bytes, (bytes) => new TextDecoder().decode(bytes))
  }
  get json(): Effect.Effect<unknown, HttpClientError.ResponseError> {
    return this.#decoded((text): unknown => JSON.parse(text))
  }
  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.ResponseError> {
    return this.#decoded((text) => UrlParams.fromInput(new URLSearchParams(text)))
  }
  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.ResponseError> {
    return Effect.map(this.#bytes, (bytes) => new Uint8Array(bytes).buffer)
  }
  get formData(): Effect.Effect<FormData, HttpClientError.ResponseError> {
    return Effect.flatMap(this.#bytes, (bytes) =>
      Effect.tryPromise({
        try: () => new Response(new Uint8Array(bytes), { headers: this.headers }).formData(),
        catch: (cause) => this.#failed(cause)
      }))
  }
  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    const body = this.#body
    return body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array)
      ? Stream.mapError(body, (cause) => this.#failed(cause))
      : Stream.fromEffect(this.#bytes)
  }
  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "@effect/platform/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }
}
