import { Cookies, Headers, HttpClientError, HttpClientResponse, HttpIncomingMessage, UrlParams } from "@effect/platform"
import type { HttpClientRequest } from "@effect/platform"
import { Effect, Inspectable, Option, Stream } from "effect"

/** What a server answers. */
export interface Answer {
  readonly status: number
  /** Text and bytes as they are, everything else as JSON. Default: nothing. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>> | undefined
}

const bytesOf = (body: unknown): Uint8Array =>
  body instanceof Uint8Array
    ? body
    : new TextEncoder().encode(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body))

/** A response without promises: reading it takes no turn of the event loop, so that `TestClock` need not wait for it. */
class MemoryResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly status: number
  readonly headers: Headers.Headers
  readonly cookies = Cookies.empty
  readonly remoteAddress = Option.none<string>()
  readonly request: HttpClientRequest.HttpClientRequest
  readonly #bytes: Uint8Array

  constructor(request: HttpClientRequest.HttpClientRequest, { body, headers, status }: Answer) {
    super()
    this.request = request
    this.status = status
    this.headers = Headers.fromInput(headers)
    this.#bytes = bytesOf(body)
  }

  #decoded<A>(decode: () => A): Effect.Effect<A, HttpClientError.ResponseError> {
    return Effect.try({
      try: decode,
      catch: (cause) =>
        new HttpClientError.ResponseError({ request: this.request, response: this, reason: "Decode", cause })
    })
  }
  get text() {
    return this.#decoded(() => new TextDecoder().decode(this.#bytes))
  }
  get json() {
    return Effect.flatMap(this.text, (text) => this.#decoded((): unknown => JSON.parse(text)))
  }
  get urlParamsBody() {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }
  get arrayBuffer() {
    return Effect.succeed(new Uint8Array(this.#bytes).buffer)
  }
  get formData() {
    return this.#decoded((): FormData => {
      throw new Error("no form")
    })
  }
  get stream() {
    return Stream.make(this.#bytes)
  }
  toJSON() {
    return HttpIncomingMessage.inspect(this, {
      _id: "MemoryResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }
}

/** An answer to a request, as a client gets it. */
export const respond = (
  request: HttpClientRequest.HttpClientRequest,
  answer: Answer
): HttpClientResponse.HttpClientResponse => new MemoryResponse(request, answer)
