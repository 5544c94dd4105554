import * as Headers from "@effect/platform/Headers"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import { unseen } from "../http/beforeSending.ts"
import { userAgent } from "../http/userAgent.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/**
 * The two halves of a client. Every client has them, because `HttpClient.makeWith`, which takes them, makes every
 * client.
 */
export const halvesOf = <E, R>(client: HttpClient.HttpClient.With<E, R>): {
  readonly preprocess: HttpClient.HttpClient.Preprocess<E, R>
  readonly postprocess: HttpClient.HttpClient.Postprocess<E, R>
} => client as unknown as ReturnType<typeof halvesOf<E, R>>

/** Every error and defect of a cause. */
export const errorsIn = (cause: Cause.Cause<unknown>): ReadonlyArray<unknown> => [
  ...Cause.failures(cause),
  ...Cause.defects(cause)
]

/** The response inside an error: a client that filters statuses has already turned a rejection into an error. */
export const filteredResponse = (error: unknown): Response | undefined =>
  HttpClientError.isHttpClientError(error) && error._tag === "ResponseError" && error.reason === "StatusCode"
    ? error.response
    : undefined

/**
 * The error for a URL that may lead to another resource than intended, such as `/v2/users/${id}` with the id `../x`.
 */
export const dotSegment = (request: Request): HttpClientError.RequestError =>
  new HttpClientError.RequestError({
    request,
    reason: "InvalidUrl",
    description: "Nothing was sent: the path has a segment . or .., encoded or not. " +
      "Refuse such an id, and encode others with encodeURIComponent"
  })

/** The error for a request of a client that keeps the library from adding the token. */
export const notSeen = (request: Request): HttpClientError.RequestError =>
  new HttpClientError.RequestError({
    request: changed(request, { headers: Headers.remove(request.headers, "authorization") }),
    reason: "Encode",
    description: unseen
  })

/** The headers of a request without a token of this client. */
export const unauthenticated = Headers.unsafeFromRecord({ "user-agent": userAgent })

/** The request with these changes and no others. */
export const changed = (
  request: Request,
  changes: Partial<Pick<Request, "url" | "hash" | "headers" | "body">>
): Request => Object.assign(Object.create(Object.getPrototypeOf(request)), request, changes)

/** The request with its absolute URL, and with these headers unless it has its own. */
export const complete = (request: Request, url: string, defaults: Headers.Headers): Request =>
  changed(request, {
    url,
    headers: request.headers === Headers.empty ? defaults : Headers.merge(defaults, request.headers)
  })
