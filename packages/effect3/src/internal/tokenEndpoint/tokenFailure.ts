import type { TokenFailure } from "@effect-spotnana/engine/TokenFailure"
import * as Duration from "effect/Duration"
import type { TokenEndpointError } from "../../AuthError.ts"
import { InvalidCredentials, MalformedTokenResponse, TokenEndpointUnavailable } from "../../AuthError.ts"

/** The error for a failure of the engine. */
export const toError = (failure: TokenFailure): TokenEndpointError => {
  switch (failure._tag) {
    case "InvalidCredentials": {
      const { clientId, code, debugIdentifier, message, status } = failure
      return new InvalidCredentials({ clientId, code, debugIdentifier, message, status })
    }
    case "TokenEndpointUnavailable": {
      const { debugIdentifier, message, reason, status } = failure
      return new TokenEndpointUnavailable({ debugIdentifier, message, reason, retryAfter: delayOf(failure), status })
    }
    case "MalformedTokenResponse": {
      const { debugIdentifier, message, status } = failure
      return new MalformedTokenResponse({ debugIdentifier, message, retryAfter: delayOf(failure), status })
    }
  }
}

const delayOf = ({ retryAfter }: { readonly retryAfter?: number | undefined }): Duration.Duration | undefined =>
  retryAfter === undefined ? undefined : Duration.millis(retryAfter)

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
