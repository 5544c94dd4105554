import * as Url from "@effect-spotnana/engine/Url"
import * as Headers from "@effect/platform/Headers"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { unsendable } from "../http/beforeSending.ts"
import { userAgent } from "../http/userAgent.ts"
import type { Bearer, BearerHeaders } from "./bearerHeaders.ts"

/** The headers of a request that gets a token right before it is sent. */
export const withoutBearerYet = Headers.unsafeFromRecord({ "user-agent": userAgent, authorization: unsendable })

/**
 * Adds the token to a request that is about to be sent to an origin of the API. Removes it when `followRedirects` goes
 * to another origin, because that of Effect 3 keeps it.
 */
export const addBearer = (
  request: HttpClientRequest.HttpClientRequest,
  bearer: Bearer,
  bearerHeaders: BearerHeaders,
  origins: ReadonlyArray<string>
): void => {
  const { headers } = request
  const isUnsent = headers.authorization === unsendable
  if (!isUnsent && bearerHeaders.usedFor(request) === undefined) return
  // Changes only the request of this hop. The next request is made from it: it has a token if this one has.
  if (!Url.isAtOrigin(origins, request.url)) {
    Object.assign(request, { headers: Headers.remove(headers, "authorization") })
  } else if (isUnsent) {
    Object.assign(request, {
      headers: headers === withoutBearerYet
        ? bearer.headers
        : Headers.set(headers, "authorization", bearer.authorization)
    })
  }
}
