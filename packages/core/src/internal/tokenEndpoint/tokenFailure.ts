import type { TokenFailure } from "@effect-spotnana/engine/TokenFailure"
import * as Duration from "effect/Duration"
import type { AuthError, TokenEndpointError } from "../../AuthError.ts"
import { InvalidCredentials, MalformedTokenResponse, TokenEndpointUnavailable, TokenExpired } from "../../AuthError.ts"

const errors = { InvalidCredentials, TokenExpired, TokenEndpointUnavailable, MalformedTokenResponse }

/** The error with this tag and these fields, of which `retryAfter` is in milliseconds. */
export const makeError = <E extends AuthError>(tag: E["_tag"], fields: object, retryAfter: number | undefined): E =>
  // The callers know that the fields are those of the tag, which the compiler cannot check.
  new (errors[tag] as new(fields: object) => AuthError)({
    ...fields,
    retryAfter: retryAfter === undefined ? undefined : Duration.millis(retryAfter)
  }) as E

/** The error for a failure of the engine. */
export const toError = ({ _tag, ...fields }: TokenFailure): TokenEndpointError =>
  makeError(_tag, fields, "retryAfter" in fields ? fields.retryAfter : undefined)

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
