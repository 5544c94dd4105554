import type { AuthError } from "../../AuthError.ts"
import { makeError } from "../tokenEndpoint/tokenFailure.ts"

/** The same error with the milliseconds that are left until the next attempt. */
export const withRetryAfter = (error: AuthError, millis: number | undefined): AuthError =>
  millis === undefined || error._tag === "InvalidCredentials"
    ? error
    // The message of an error is not enumerable.
    : makeError(error._tag, Object.assign({}, error, { message: error.message }), Math.ceil(millis))
