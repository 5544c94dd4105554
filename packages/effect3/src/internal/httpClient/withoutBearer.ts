import * as Headers from "@effect/platform/Headers"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { readShortBody } from "../http/body.ts"
import { changed } from "./sending.ts"

// Responses and errors carry the request that was sent, bearer and all. Asked to print themselves they hide it, but not
// everybody asks: what Node prints of an error that nobody caught it prints field by field. So the bearer is taken off
// what is handed to the caller.

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

const taken = new WeakMap<Request, string>()

/** The `Authorization` that a request was sent with, whether it is still on it or was taken off. */
export const authorizationOf = (request: Request): string | undefined =>
  request.headers.authorization ?? taken.get(request)

const requestWithoutBearer = (request: Request): Request => {
  const authorization = request.headers.authorization
  if (authorization === undefined) return request
  const without = changed(request, { headers: Headers.remove(request.headers, "authorization") })
  taken.set(without, authorization)
  return without
}

/** Where an error of Effect keeps the arguments that it was made with, beside its fields. */
const constructorArguments = Symbol.for("effect/Data/Error/plainArgs")

/** The same error without the bearer. It was made for this one request, and a copy would lose its stack. */
export const errorWithoutBearer = <E>(error: E, response?: Response): E => {
  if (!HttpClientError.isHttpClientError(error)) return error
  const fields = {
    request: requestWithoutBearer(error.request),
    ...("response" in error && { response: response ?? responseWithoutBearer(error.response) })
  }
  Object.assign(error, fields)
  const kept: unknown = Reflect.get(error, constructorArguments)
  if (Predicate.isRecord(kept)) Object.assign(kept, fields)
  return error
}

/** The same response without the bearer. */
export const responseWithoutBearer = (response: Response): Response =>
  response instanceof ResponseWithoutBearer ? response : new ResponseWithoutBearer(response)

/** The response as the platform made it, with the bearer. */
export const originalOf = (response: Response): Response =>
  response instanceof ResponseWithoutBearer ? ResponseWithoutBearer.originalOf(response) : response

/** The same redirect without the bearer, read already: `followRedirects` leaves the connection of a redirect open. */
export const redirectWithoutBearer = (
  response: Response,
  headers: Headers.Headers = response.headers
): Effect.Effect<Response> =>
  Effect.map(readShortBody(response), (body) => {
    const { status } = response
    // A body of no bytes can be read like any other; where there is none, reading fails.
    const content = new Response(status === 304 ? null : new Uint8Array(body), { status, headers })
    const request = requestWithoutBearer(response.request)
    return new ResponseWithoutBearer(response, HttpClientResponse.fromWeb(request, content), headers)
  })

class ResponseWithoutBearer implements HttpClientResponse.HttpClientResponse {
  readonly #original: Response
  /** Has the body. */
  readonly #content: Response
  readonly #headers: Headers.Headers | undefined
  // Kept: a platform's `Response` checks itself whenever it is read.
  readonly status: number
  #request: Request | undefined

  constructor(original: Response, content: Response = original, headers?: Headers.Headers) {
    this.#original = original
    this.#content = content
    this.#headers = headers
    this.status = original.status
  }

  static originalOf(response: ResponseWithoutBearer): Response {
    return response.#original
  }

  get [HttpClientResponse.TypeId](): typeof HttpClientResponse.TypeId {
    return HttpClientResponse.TypeId
  }
  get [HttpIncomingMessage.TypeId](): typeof HttpIncomingMessage.TypeId {
    return HttpIncomingMessage.TypeId
  }
  get request() {
    return this.#request ??= requestWithoutBearer(this.#original.request)
  }

  #withoutBearer<A>(
    effect: Effect.Effect<A, HttpClientError.ResponseError>
  ): Effect.Effect<A, HttpClientError.ResponseError> {
    return Effect.mapError(effect, (error) => errorWithoutBearer(error, this))
  }

  get headers() {
    return this.#headers ?? this.#original.headers
  }
  get cookies() {
    return this.#original.cookies
  }
  get remoteAddress() {
    return this.#original.remoteAddress
  }
  get formData() {
    return this.#withoutBearer(this.#content.formData)
  }
  get text() {
    return this.#withoutBearer(this.#content.text)
  }
  get json() {
    return this.#withoutBearer(this.#content.json)
  }
  get urlParamsBody() {
    return this.#withoutBearer(this.#content.urlParamsBody)
  }
  get arrayBuffer() {
    return this.#withoutBearer(this.#content.arrayBuffer)
  }
  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return Stream.mapError(this.#content.stream, (error) => errorWithoutBearer(error, this))
  }

  // That of the original prints the request of the original.
  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "@effect/platform/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }
  toString(): string {
    return Inspectable.format(this.toJSON())
  }
  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}
