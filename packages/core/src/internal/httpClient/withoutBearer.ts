import * as Effect from "effect/Effect"
import { Headers, HttpClientError, HttpClientRequest, HttpClientResponse, HttpIncomingMessage } from "effect/http"
import * as Inspectable from "effect/Inspectable"
import { pipeArguments } from "effect/Pipeable"
import * as Stream from "effect/Stream"

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
  const without = HttpClientRequest.makeWith(
    request.method,
    request.url,
    request.urlParams,
    request.hash,
    Headers.remove(request.headers, "authorization"),
    request.body
  )
  taken.set(without, authorization)
  return without
}

/** The same error without the bearer. It was made for this one request, and a copy would lose its stack. */
export const errorWithoutBearer = <E>(error: E, response?: Response): E => {
  if (!HttpClientError.isHttpClientError(error)) return error
  const { reason } = error
  Reflect.set(reason, "request", requestWithoutBearer(reason.request))
  if ("response" in reason) Reflect.set(reason, "response", response ?? responseWithoutBearer(reason.response))
  return error
}

/** The same response without the bearer. */
export const responseWithoutBearer = (response: Response): Response => {
  if (response instanceof ResponseWithoutBearer) return response
  const { status } = response
  // `followRedirects` tells by the object itself which connection to close.
  return status >= 300 && status < 400 ? response : new ResponseWithoutBearer(response, status)
}

class ResponseWithoutBearer implements Response {
  readonly #original: Response
  // Kept: a platform's `Response` checks itself whenever it is read.
  readonly status: number
  #request: Request | undefined

  constructor(original: Response, status: number) {
    this.#original = original
    this.status = status
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
    effect: Effect.Effect<A, HttpClientError.HttpClientError>
  ): Effect.Effect<A, HttpClientError.HttpClientError> {
    return Effect.mapError(effect, (error) => errorWithoutBearer(error, this))
  }

  get url() {
    return this.#original.url
  }
  get headers() {
    return this.#original.headers
  }
  get cookies() {
    return this.#original.cookies
  }
  get remoteAddress() {
    return this.#original.remoteAddress
  }
  get formData() {
    return this.#withoutBearer(this.#original.formData)
  }
  get text() {
    return this.#withoutBearer(this.#original.text)
  }
  get json() {
    return this.#withoutBearer(this.#original.json)
  }
  get urlParamsBody() {
    return this.#withoutBearer(this.#original.urlParamsBody)
  }
  get arrayBuffer() {
    return this.#withoutBearer(this.#original.arrayBuffer)
  }
  get upgrade() {
    return this.#withoutBearer(this.#original.upgrade)
  }
  get stream(): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> {
    return Stream.mapError(this.#original.stream, (error) => errorWithoutBearer(error, this))
  }

  // Under this name `HttpClientResponse.toWeb` finds the Web `Response`.
  ["~effect/http/HttpClientResponse/WebSource"](): unknown {
    const original = this.#original as { readonly "~effect/http/HttpClientResponse/WebSource"?: () => unknown }
    return original["~effect/http/HttpClientResponse/WebSource"]?.()
  }

  toJSON(): unknown {
    return this.#original.toJSON()
  }
  toString(): string {
    return this.#original.toString()
  }
  [Inspectable.NodeInspectSymbol](): unknown {
    return this.#original[Inspectable.NodeInspectSymbol]()
  }
  pipe() {
    return pipeArguments(this, arguments)
  }
}
