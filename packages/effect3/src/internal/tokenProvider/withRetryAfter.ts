import * as Duration from "effect/Duration"
import type { AuthError } from "../../AuthError.ts"
import { MalformedTokenResponse, TokenEndpointUnavailable, TokenExpired } from "../../AuthError.ts"

/** The same error with the time, in milliseconds, that is left before it is worth asking again. */
export const withRetryAfter = (error: AuthError, millis: number | undefined): AuthError => {
  if (millis === undefined || error._tag === "InvalidCredentials") return error
  const retryAfter = Duration.millis(Math.ceil(millis))
  const { debugIdentifier, message } = error
  switch (error._tag) {
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
