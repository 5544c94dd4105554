import * as Headers from "@effect/platform/Headers"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { keptBody, readShortBody } from "../http/body.ts"
import { changed, errorsIn } from "./sending.ts"

// Responses and errors contain the request that was sent, with its token. Their own print methods hide it, but are not
// always used: Node prints an uncaught error field by field. So the token is removed from everything that the caller
// gets.

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

const taken = new WeakMap<Request, string>()

/** The `Authorization` that a request was sent with, whether the request still has it or it was removed. */
export const authorizationOf = (request: Request): string | undefined =>
  request.headers.authorization ?? taken.get(request)

const isRequest = (value: unknown): value is Request => Predicate.hasProperty(value, HttpClientRequest.TypeId)
const isResponse = (value: unknown): value is Response => Predicate.hasProperty(value, HttpClientResponse.TypeId)

const requestWithoutBearer = (request: Request): Request => {
  const authorization = request.headers.authorization
  if (authorization === undefined) return request
  const without = changed(request, { headers: Headers.remove(request.headers, "authorization") })
  taken.set(without, authorization)
  return without
}

/** Where an error of Effect keeps the arguments that it was made with, beside its fields. */
const constructorArguments = Symbol.for("effect/Data/Error/plainArgs")

/** Whether it may contain a request: a client may put its errors into errors of its own. */
const isContainer = (value: unknown): value is object => value instanceof Error || Array.isArray(value)

/**
 * The same error or errors without the token. What they contain is changed in place: it was made for this one request,
 * and a copy would lose its stack.
 */
export const withoutBearer = <A>(failure: A, response?: Response): A => {
  const seen = new Set<unknown>()
  const clean = (holder: object) => {
    seen.add(holder)
    // The last three are not enumerable.
    for (const key of [...Object.keys(holder), "cause", "errors", constructorArguments]) {
      const field: unknown = Reflect.get(holder, key)
      const value = Cause.isCause(field) ? errorsIn(field) : field
      if (isRequest(value)) Reflect.set(holder, key, requestWithoutBearer(value))
      else if (isResponse(value)) Reflect.set(holder, key, response ?? responseWithoutBearer(value))
      else if ((isContainer(value) || Predicate.isObject(value) && key === constructorArguments) && !seen.has(value)) {
        clean(value)
      }
    }
  }
  clean([failure])
  return failure
}

/** The same response without the token. */
export const responseWithoutBearer = (response: Response): Response =>
  response instanceof ResponseWithoutBearer ? response : new ResponseWithoutBearer(response)

/** The response as the platform made it, with the token. */
export const originalOf = (response: Response): Response =>
  response instanceof ResponseWithoutBearer ? ResponseWithoutBearer.originalOf(response) : response

/**
 * The same redirect without the token, with its body read: `followRedirects` leaves the connection of a redirect open.
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
    effect: Effect.Effect<A, HttpClientError.ResponseError>
  ): Effect.Effect<A, HttpClientError.ResponseError> {
    return Effect.mapError(effect, (error) => withoutBearer(error, this))
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
  /** Under this name, `readBody` finds a body that was read already. */
  get arrayBufferBody() {
    const kept = keptBody(this.#content)
    return kept === undefined ? undefined : this.#withoutBearer(kept)
  }
  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return Stream.mapError(this.#content.stream, (error) => withoutBearer(error, this))
  }

  // The method of the original would print the request of the original.
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
