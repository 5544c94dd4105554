import * as Url from "@effect-spotnana/engine/Url"
import * as Headers from "@effect/platform/Headers"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { BearerHeaders } from "./bearerHeaders.ts"

/**
 * Adds the token to a request that is about to be sent to an origin of the API. Removes it when `followRedirects` goes
 * to another origin, because that of Effect 3 keeps it.
 */
export const addBearer = (
  request: HttpClientRequest.HttpClientRequest,
  bearerHeaders: BearerHeaders,
  origins: ReadonlyArray<string>
): void => {
  const { headers } = request
  const bearer = bearerHeaders.awaitedBy(request)
  if (bearer === undefined && bearerHeaders.usedFor(request) === undefined) return
  // Changes only the request of this hop. The next request is made from it: it has a token if this one has.
  if (!Url.isAtOrigin(origins, request.url)) {
    Object.assign(request, { headers: Headers.remove(headers, "authorization") })
  } else if (bearer !== undefined) {
    Object.assign(request, {
      headers: headers === bearer.unsentHeaders
        ? bearer.headers
        : Headers.set(headers, "authorization", bearer.authorization)
    })
  }
}
