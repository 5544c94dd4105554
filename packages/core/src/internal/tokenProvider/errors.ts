import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type { AuthError } from "../../AuthError.ts"
import { TokenEndpointUnavailable, TokenExpired } from "../../AuthError.ts"
import type { Outcome } from "./acquisition.ts"
import { withRetryAfter } from "./withRetryAfter.ts"

/** What every call gets after the scope of the provider was closed. */
export const closed: Exit.Exit<never> = Exit.die(
  new Error(
    "The layer of the Spotnana client was closed before the request ended. " +
      "Provide it to the whole program, not only to the part that makes the client."
  )
)

/** The result of an acquisition that was interrupted. */
export const interrupted = (): Outcome => ({
  result: Result.fail(
    new TokenEndpointUnavailable({ reason: "Transport", message: "The acquisition was interrupted." })
  ),
  credentials: undefined
})

/** The error for a new token that has already expired or is about to expire, if there is no other. */
export const late = (): TokenEndpointUnavailable =>
  new TokenEndpointUnavailable({
    reason: "Timeout",
    message:
      "The token endpoint gave a token that has expired or is about to expire: its answers take longer than a token lives, " +
      "or it issues the same token until that expires."
  })

/** The error for a rejected request if a new token does not help. */
export const notTheToken = (retryAfter: number | undefined): AuthError =>
  withRetryAfter(
    new TokenExpired({ reason: "Rejected", message: "The API rejects the token, and a new one does not help." }),
    retryAfter
  )
