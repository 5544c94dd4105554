/**
 * Why an acquisition brought no token, as plain data. The client for each version of Effect makes its errors from it.
 *
 * @since 0.1.0
 */

/**
 * Why there is no usable answer.
 *
 * **Details**
 *
 * - `Transport`: no connection, or it broke.
 * - `Timeout`: no complete answer in time.
 * - `RateLimited`: 429, or an error code for it: `TOO_MANY_REQUESTS`, `slow_down`, `rate_limit_exceeded`.
 * - `ServerError`: 5xx, 408, 425, or a transient error code.
 * - `Intermediary`: 400, 401 or 403 that a proxy or a firewall gave, not the token endpoint.
 * - `CredentialsSource`: the credentials could not be read.
 *
 * @category models
 * @since 0.1.0
 */
export type UnavailableReason =
  | "Transport"
  | "Timeout"
  | "RateLimited"
  | "ServerError"
  | "Intermediary"
  | "CredentialsSource"

/**
 * All reasons.
 *
 * @category constants
 * @since 0.1.0
 */
export const unavailableReasons: ReadonlyArray<UnavailableReason> = [
  "Transport",
  "Timeout",
  "RateLimited",
  "ServerError",
  "Intermediary",
  "CredentialsSource"
]

/**
 * Why an acquisition brought no token. No field contains a secret.
 *
 * @category models
 * @since 0.1.0
 */
export type TokenFailure =
  /** The token endpoint refused the client id, the client secret or the grant. */
  | {
    readonly _tag: "InvalidCredentials"
    readonly message: string
    readonly clientId?: string | undefined
    /** The HTTP status; absent when no request was made. */
    readonly status?: number | undefined
    /** `error` of RFC 6749 §5.2, or Spotnana's `errorCode`. */
    readonly code?: string | undefined
    readonly debugIdentifier?: string | undefined
  }
  /** There was no usable answer. */
  | {
    readonly _tag: "TokenEndpointUnavailable"
    readonly message: string
    readonly reason: UnavailableReason
    readonly status?: number | undefined
    /** Milliseconds. */
    readonly retryAfter?: number | undefined
    readonly debugIdentifier?: string | undefined
  }
  /** The answer does not follow RFC 6749 §5. */
  | {
    readonly _tag: "MalformedTokenResponse"
    readonly message: string
    readonly status: number
    /** Milliseconds. */
    readonly retryAfter?: number | undefined
    readonly debugIdentifier?: string | undefined
  }
