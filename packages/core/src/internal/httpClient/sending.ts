import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { userAgent } from "../http/userAgent.ts"

type Request = HttpClientRequest.HttpClientRequest

/** The headers of a request without a token of this client. */
export const unauthenticated = Headers.fromRecordUnsafe({ "user-agent": userAgent })

/** The request with its absolute URL, and with these headers unless it has its own. */
export const complete = (request: Request, url: string, defaults: Headers.Headers): Request =>
  HttpClientRequest.makeWith(
    request.method,
    url,
    request.urlParams,
    request.hash,
    request.headers === Headers.empty ? defaults : Headers.merge(defaults, request.headers),
    request.body
  )

/**
 * The error for a URL that may lead to another resource than intended, such as `/v2/users/${id}` with the id `../x`.
 */
export const dotSegment = (request: Request): HttpClientError.HttpClientError =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.InvalidUrlError({
      request,
      description: "Nothing was sent: the path has a segment . or .., encoded or not. " +
        "Refuse such an id, and encode others with encodeURIComponent"
    })
  })
