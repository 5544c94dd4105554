import type { TokenFailure } from "@effect-spotnana/engine/TokenFailure"
import * as Duration from "effect/Duration"
import type { TokenEndpointError } from "../../AuthError.ts"
import { InvalidCredentials, MalformedTokenResponse, TokenEndpointUnavailable } from "../../AuthError.ts"

const errors = { InvalidCredentials, TokenEndpointUnavailable, MalformedTokenResponse }

/** The error of what the engine knows of a failure. */
export const toError = ({ _tag, ...fields }: TokenFailure): TokenEndpointError => {
  const retryAfter = "retryAfter" in fields && fields.retryAfter !== undefined
    ? Duration.millis(fields.retryAfter)
    : undefined
  // A failure has the fields of the error of its tag, which the compiler cannot see.
  return new (errors[_tag] as new(fields: object) => TokenEndpointError)({ ...fields, retryAfter })
}

/** What the engine knows of an error, as data. */
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

// An endpoint of the application's own may say anything; what is stored has to be a number.
const millisOf = ({ retryAfter }: { readonly retryAfter?: Duration.Duration | undefined }): number | undefined =>
  retryAfter === undefined
    ? undefined
    : Math.min(Math.max(Duration.toMillis(retryAfter), 0), Number.MAX_SAFE_INTEGER)
