import type { TokenFailure } from "@effect-spotnana/engine/TokenFailure"
import * as Duration from "effect/Duration"
import type { TokenEndpointError } from "../../AuthError.ts"
import { InvalidCredentials, MalformedTokenResponse, TokenEndpointUnavailable } from "../../AuthError.ts"

const errors = { InvalidCredentials, TokenEndpointUnavailable, MalformedTokenResponse }

/** The error for a failure of the engine. */
export const toError = ({ _tag, ...fields }: TokenFailure): TokenEndpointError => {
  const retryAfter = "retryAfter" in fields && fields.retryAfter !== undefined
    ? Duration.millis(fields.retryAfter)
    : undefined
  // A failure has the same fields as the error with its tag, which the compiler cannot check.
  return new (errors[_tag] as new(fields: object) => TokenEndpointError)({ ...fields, retryAfter })
}

/** An error as plain data for the engine. */
export const fromError = (error: TokenEndpointError): TokenFailure => {
  switch (error._tag) {
    case "InvalidCredentials": {
      const { _tag, clientId, code, debugIdentifier, message, status } = error
      return { _tag, clientId, code, debugIdentifier, message, status }
    }
    case "TokenEndpointUnavailable": {
      const { _tag, debugIdentifier, message, reason, status } = error
      return { _tag, debugIdentifier, message, reason, retryAfter: millisOf(error), status }
    }
    case "MalformedTokenResponse": {
      const { _tag, debugIdentifier, message, status } = error
      return { _tag, debugIdentifier, message, retryAfter: millisOf(error), status }
    }
  }
}

// An application's own endpoint may give anything here, but only a number may be stored.
const millisOf = ({ retryAfter }: { readonly retryAfter?: Duration.Duration | undefined }): number | undefined =>
  retryAfter === undefined
    ? undefined
    : Math.min(Math.max(Duration.toMillis(retryAfter), 0), Number.MAX_SAFE_INTEGER)
