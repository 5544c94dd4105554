import * as Duration from "effect/Duration"
import { Headers } from "effect/http"
import type { HttpClientResponse } from "effect/http"
import * as Result from "effect/Result"
import type { AuthError } from "../AuthError.ts"
import { MalformedTokenResponse, TokenEndpointUnavailable, TokenExpired } from "../AuthError.ts"

/** The same error with the time, in milliseconds, that is really left before it is worth asking again. */
export const withRetryAfter = (error: AuthError, millis: number): AuthError => {
  const retryAfter = Duration.millis(Math.ceil(millis))
  const { debugIdentifier, message } = error
  switch (error._tag) {
    case "InvalidCredentials":
      return error
    case "TokenExpired":
      return new TokenExpired({ message, debugIdentifier, retryAfter, reason: error.reason })
    case "TokenEndpointUnavailable": {
      const { reason, status } = error
      return new TokenEndpointUnavailable({ message, debugIdentifier, retryAfter, reason, status })
    }
    case "MalformedTokenResponse":
      return new MalformedTokenResponse({ message, debugIdentifier, retryAfter, status: error.status })
  }
}

/** The delay of a `Retry-After` header in either form (RFC 9110 §10.2.3); nothing for one that is neither. */
export const retryAfterOf = (
  response: HttpClientResponse.HttpClientResponse,
  now: number
): Duration.Duration | undefined => {
  const header = response.headers["retry-after"]
  return header === undefined ? undefined : Result.match(Headers.parseRetryAfter(header), {
    onFailure: () => undefined,
    onSuccess: (retryAfter) => Headers.retryAfterDelay(retryAfter, now)
  })
}
