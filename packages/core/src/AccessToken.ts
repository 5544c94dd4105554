/**
 * The access token: a redacted value, when it was issued, when it expires.
 *
 * @since 0.1.0
 */
import * as TokenResponse from "@effect-spotnana/engine/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { fromToken } from "./internal/fromToken.ts"

/**
 * A bearer token (RFC 6750) with its lifetime.
 *
 * **Details**
 *
 * `value` is `Redacted`: printing, inspecting or serialising the token does not
 * show it.
 *
 * @category models
 * @since 0.1.0
 */
export interface AccessToken {
  /** The token itself: printable ASCII, which is safe in a header. */
  readonly value: Redacted.Redacted
  /** When it was requested. The server did not issue it earlier, so `expiresAt` is early rather than late. */
  readonly issuedAt: DateTime.Utc
  /** When it expires: `issuedAt` plus `expires_in`. */
  readonly expiresAt: DateTime.Utc
  /** The granted scope, if the answer names it. */
  readonly scope: string | undefined
}

/**
 * How long the token is valid, counted from `issuedAt`.
 *
 * @category getters
 * @since 0.1.0
 */
export const lifetime = (self: AccessToken): Duration.Duration => DateTime.distance(self.issuedAt, self.expiresAt)

/**
 * Tells whether two tokens have the same value.
 *
 * @category equivalence
 * @since 0.1.0
 */
export const equals = (self: AccessToken, that: AccessToken): boolean =>
  Redacted.value(self.value) === Redacted.value(that.value)

/**
 * The longest lifetime that is accepted: 24 hours. A larger `expires_in` counts as
 * 24 hours.
 *
 * @category constants
 * @since 0.1.0
 */
export const maximumLifetime: Duration.Duration = /* #__PURE__ */ Duration.millis(TokenResponse.maximumLifetime)

/**
 * Decodes a token response (RFC 6749 §5.1); a failure says what is wrong with it.
 *
 * **Details**
 *
 * - `access_token`: required; printable ASCII without spaces, since it goes into
 *   a header.
 * - `token_type`: `Bearer` in any case. Absent counts as `Bearer`.
 * - `expires_in`: seconds as a number or as text (`3600`, `3600.5`, `"3600"`). If
 *   it is absent or `null`, `options.defaultLifetime` is used. More than 24 hours
 *   counts as 24 hours. A value below one second, also zero or negative, is
 *   refused, and so is a value that is not a number.
 * - Unknown fields are ignored.
 *
 * **Example** (Decoding a token response)
 *
 * ```ts
 * import { AccessToken } from "@effect-spotnana/core"
 * import { DateTime, Duration } from "effect"
 *
 * const token = AccessToken.decode({ access_token: "abc", token_type: "Bearer", expires_in: 3600 }, {
 *   issuedAt: DateTime.makeUnsafe(0),
 *   defaultLifetime: Duration.hours(1)
 * })
 * ```
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (response: Readonly<Record<string, unknown>>, options: {
  readonly issuedAt: DateTime.Utc
  readonly defaultLifetime: Duration.Duration
}): Result.Result<AccessToken, string> => {
  const token = TokenResponse.parseToken(response, Duration.toMillis(options.defaultLifetime))
  return Predicate.isString(token) ? Result.fail(token) : Result.succeed(fromToken(token, options.issuedAt))
}
