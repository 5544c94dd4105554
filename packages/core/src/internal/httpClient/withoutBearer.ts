import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as Inspectable from "effect/Inspectable"
import { pipeArguments } from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { readShortBody } from "../http/body.ts"

// Responses and errors contain the request that was sent, with its token. Their own print methods hide it, but are not
// always used: Node prints an uncaught error field by field. So the token is removed from everything that the caller
// gets.

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

const taken = new WeakMap<Request, string>()

/** The `Authorization` that a request was sent with, whether the request still has it or it was removed. */
export const authorizationOf = (request: Request): string | undefined =>
  request.headers.authorization ?? taken.get(request)

const requestWithoutBearer = (request: Request): Request => {
  const authorization = request.headers.authorization
  if (authorization === undefined) return request
  const without = HttpClientRequest.removeHeader(request, "authorization")
  taken.set(without, authorization)
  return without
}

/** Where an error of Effect keeps the arguments that it was made with, beside its fields. */
const constructorArguments = Symbol.for("effect/Data/Error/plainArgs")

/**
 * The same error without the token. It is changed in place: it was made for this one request, and a copy would lose its
 * stack.
 */
export const errorWithoutBearer = <E>(error: E, response?: Response): E => {
  if (!HttpClientError.isHttpClientError(error)) return error
  const { reason } = error
  const fields = {
    request: requestWithoutBearer(reason.request),
    ...("response" in reason && { response: response ?? responseWithoutBearer(reason.response) })
  }
  Object.assign(reason, fields)
  const kept: unknown = Reflect.get(reason, constructorArguments)
  if (Predicate.isObject(kept)) Object.assign(kept, fields)
  return error
}

/** The same response without the token. */
export const responseWithoutBearer = (response: Response): Response =>
  response instanceof ResponseWithoutBearer ? response : new ResponseWithoutBearer(response)

/** The response as the platform made it, with the token. */
export const originalOf = (response: Response): Response =>
  response instanceof ResponseWithoutBearer ? ResponseWithoutBearer.originalOf(response) : response

/**
 * The same redirect without the token, with its body read: `followRedirects` closes the connection of a redirect only
 * if it gets the platform's own object.
 */
export const redirectWithoutBearer = (
  response: Response,
  headers: Headers.Headers = response.headers
): Effect.Effect<Response> =>
  Effect.map(readShortBody(response), (body) => {
    const { status } = response
    // An empty body can be read like any other. Reading fails if there is no body.
    const content = new Response(status === 304 ? null : new Uint8Array(body), { status, headers })
    const request = requestWithoutBearer(response.request)
    return new ResponseWithoutBearer(response, HttpClientResponse.fromWeb(request, content), headers)
  })

class ResponseWithoutBearer implements HttpClientResponse.HttpClientResponse {
  readonly #original: Response
  /** Has the body. */
  readonly #content: Response
  readonly #headers: Headers.Headers | undefined
  // Stored, because a platform's `Response` runs checks at every access.
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
    effect: Effect.Effect<A, HttpClientError.HttpClientError>
  ): Effect.Effect<A, HttpClientError.HttpClientError> {
    return Effect.mapError(effect, (error) => errorWithoutBearer(error, this))
  }

  get url() {
    return this.#original.url
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
  get upgrade() {
    return this.#withoutBearer(this.#original.upgrade)
  }
  get stream(): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> {
    return Stream.mapError(this.#content.stream, (error) => errorWithoutBearer(error, this))
  }

  // Under this name `HttpClientResponse.toWeb` finds the Web `Response`.
  ["~effect/http/HttpClientResponse/WebSource"](): unknown {
    const content = this.#content as { readonly "~effect/http/HttpClientResponse/WebSource"?: () => unknown }
    return content["~effect/http/HttpClientResponse/WebSource"]?.()
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
