import * as Duration from "effect/Duration"
import type { AuthError } from "../../AuthError.ts"
import { MalformedTokenResponse, TokenEndpointUnavailable, TokenExpired } from "../../AuthError.ts"

const errors = { MalformedTokenResponse, TokenEndpointUnavailable, TokenExpired }

/** The same error with the milliseconds that are left until the next attempt. */
export const withRetryAfter = (error: AuthError, millis: number | undefined): AuthError => {
  if (millis === undefined || error._tag === "InvalidCredentials") return error
  // The message of an error is not enumerable.
  const fields = Object.assign({}, error, {
    message: error.message,
    retryAfter: Duration.millis(Math.ceil(millis))
  })
  return new (errors[error._tag] as new(fields: object) => AuthError)(fields)
}
