/**
 * The errors of authentication.
 *
 * Four errors, each with its own tag, so that
 * `Effect.catchTag("InvalidCredentials", …)` works wherever they occur. The
 * message of each says what to do. If the answer had a `debugIdentifier` of
 * Spotnana, the error has it too. No error contains a secret or a token.
 *
 * @since 0.1.0
 */
import { unavailableReasons } from "@effect-spotnana/engine/TokenFailure"
import type * as Duration from "effect/Duration"
import type { HttpClientRequest } from "effect/http"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * The token endpoint refused the client id, the client secret or the grant.
 *
 * **Details**
 *
 * The refusal is remembered for these credentials. Callers get this error without
 * a request for up to a second at first, then for up to twice as long after each
 * further refusal, at most `RefreshPolicy.refusalTimeToLive`. Changed credentials
 * are used at once. But after four refusals in a row, each of other credentials
 * than the one before it, changed credentials wait too.
 *
 * These answers are refusals: 400, 401 or 403 with a JSON object; 401 without a
 * body; 400 or 403 without a body but with `WWW-Authenticate`; and an error code
 * of RFC 6749 §5.2 that names the client, the grant or the request, unless the
 * status is 408, 425, 429 or 5xx. If a proxy or a firewall answers 400, 401 or
 * 403 with its own page, the error is `TokenEndpointUnavailable`.
 *
 * @see {@link TokenEndpointUnavailable} for failures that pass by themselves
 * @category errors
 * @since 0.1.0
 */
export class InvalidCredentials extends Schema.TaggedError<InvalidCredentials>()("InvalidCredentials", {
  /** What happened and what to do. */
  message: Schema.String,
  /** The client id that was refused; absent when there was none. */
  clientId: Schema.optional(Schema.String),
  /** The HTTP status of the refusal; absent when no request was made. */
  status: Schema.optional(Schema.Int),
  /** `error` of RFC 6749 §5.2, or `errorCode` of Spotnana's error body. */
  code: Schema.optional(Schema.String),
  /** The correlation id that Spotnana's support can use. */
  debugIdentifier: Schema.optional(Schema.String)
}) {}

/**
 * The API rejected the token. A new token does not help or is not due, or the
 * request must not be sent again.
 *
 * **Details**
 *
 * "401" means every answer that `rejectsToken` of the environment treats as a
 * rejection. `reason` is one of:
 *
 * - `Rejected`: the API answered 401 to a new token too, or the token endpoint
 *   issued the rejected token again. Or the last replacements did not help, and
 *   the next one is not due yet: `retryAfter` says how long to wait, an hour at
 *   most. The token stays in use for other requests.
 * - `NotReplayable`: the API answered 401, and the request must not be sent
 *   again. Either its body can be sent only once (`Stream`, `Raw`), or its method
 *   is not safe (RFC 9110 §9.2.1) and it was redirected before the 401. The token
 *   is replaced if a replacement is due. A 401 after a redirect that the platform
 *   followed by itself is `NotReplayable` too. It counts against the token only from the fifth 401 in a
 *   row on.
 *
 * @see the table "What a 401 does" in `docs/errors.md`
 * @category errors
 * @since 0.1.0
 */
export class TokenExpired extends Schema.TaggedError<TokenExpired>()("TokenExpired", {
  /** What happened and what to do. */
  message: Schema.String,
  /** Why the request failed. */
  reason: Schema.Literals(["Rejected", "NotReplayable"]),
  /**
   * How long until a rejected token may be replaced again. Present if the request failed because no replacement is due.
   */
  retryAfter: Schema.optional(Schema.Duration),
  /** The correlation id that Spotnana's support can use. */
  debugIdentifier: Schema.optional(Schema.String)
}) {}

/**
 * The token endpoint gave no usable answer. Transient: the next call retries.
 *
 * **Details**
 *
 * `reason` is one of:
 *
 * - `Transport`: no connection, or it broke.
 * - `Timeout`: no complete answer in time.
 * - `RateLimited`: 429, or an error code for it: `TOO_MANY_REQUESTS`, `slow_down`, `rate_limit_exceeded`.
 * - `ServerError`: 5xx, 408, 425, or a transient error code.
 * - `Intermediary`: a 400, 401 or 403 that probably does not come from the token
 *   endpoint: the page of a proxy or a firewall, or a 400 or 403 with neither a
 *   body nor `WWW-Authenticate`.
 * - `CredentialsSource`: the `Credentials` service failed or gave no credentials.
 *   In the client of a user, also: the source of the user's token failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenEndpointUnavailable
  extends Schema.TaggedError<TokenEndpointUnavailable>()("TokenEndpointUnavailable", {
    /** What happened and what to do. */
    message: Schema.String,
    /** Cause of the failure. */
    reason: Schema.Literals(unavailableReasons),
    /** The HTTP status, if there was an answer. */
    status: Schema.optional(Schema.Int),
    /** How long the library itself waits before its next attempt. */
    retryAfter: Schema.optional(Schema.Duration),
    /** The correlation id that Spotnana's support can use. */
    debugIdentifier: Schema.optional(Schema.String)
  })
{}

/**
 * The answer of the token endpoint does not follow RFC 6749 §5.
 *
 * **Details**
 *
 * The body is not JSON, is too large or has no token, `expires_in` cannot be
 * used, the token type is not `Bearer`, or the answer is a redirect or has an
 * unexpected status. Usually the token URL is wrong, or a proxy answers instead.
 * Transient: the next call retries.
 *
 * @category errors
 * @since 0.1.0
 */
export class MalformedTokenResponse extends Schema.TaggedError<MalformedTokenResponse>()("MalformedTokenResponse", {
  /** What was wrong with the answer and what to do. */
  message: Schema.String,
  /** The HTTP status of the answer. */
  status: Schema.Int,
  /** How long the library itself waits before its next attempt. */
  retryAfter: Schema.optional(Schema.Duration),
  /** The correlation id that Spotnana's support can use. */
  debugIdentifier: Schema.optional(Schema.String)
}) {}

/**
 * The errors of the token endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export type TokenEndpointError = InvalidCredentials | TokenEndpointUnavailable | MalformedTokenResponse

/**
 * The errors of `SpotnanaHttpClient` and `TokenProvider`.
 *
 * @category models
 * @since 0.1.0
 */
export type AuthError = TokenEndpointError | TokenExpired

/**
 * The schema of these errors, to send them to another process.
 *
 * **Example** (An error as JSON, and back)
 *
 * ```ts
 * import { AuthError } from "@effect-spotnana/core"
 * import { Schema } from "effect"
 *
 * const codec = Schema.toCodecJson(AuthError.AuthError)
 * const toJson = Schema.encodeEffect(codec)
 * const fromJson = Schema.decodeEffect(codec)
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const AuthError: Schema.Union<
  [typeof InvalidCredentials, typeof TokenExpired, typeof TokenEndpointUnavailable, typeof MalformedTokenResponse]
> = /* #__PURE__ */ Schema.Union([InvalidCredentials, TokenExpired, TokenEndpointUnavailable, MalformedTokenResponse])

/**
 * Tells whether a value is one of the four errors.
 *
 * **Example** (Telling our errors from the transport's)
 *
 * ```ts
 * import { AuthError } from "@effect-spotnana/core"
 *
 * const describe = (error: unknown) => AuthError.isAuthError(error) ? error._tag : "something else"
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isAuthError = (u: unknown): u is AuthError =>
  u instanceof InvalidCredentials || u instanceof TokenExpired ||
  u instanceof TokenEndpointUnavailable || u instanceof MalformedTokenResponse

/**
 * Tells whether the same request may succeed later, without a change to the
 * configuration.
 *
 * **Details**
 *
 * `TokenEndpointUnavailable` and `MalformedTokenResponse` are transient.
 * `InvalidCredentials` and `TokenExpired` are not.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isTransient = (error: AuthError): error is TokenEndpointUnavailable | MalformedTokenResponse =>
  error._tag === "TokenEndpointUnavailable" || error._tag === "MalformedTokenResponse"

/**
 * How long to wait before the next attempt, if the error says so.
 *
 * **Details**
 *
 * An `Option`, for each of the four errors. The field `error.retryAfter` is the
 * same as `Duration | undefined`; `InvalidCredentials` does not have it.
 *
 * @category getters
 * @since 0.1.0
 */
export const retryAfter = (error: AuthError): Option.Option<Duration.Duration> =>
  error._tag === "InvalidCredentials" ? Option.none() : Option.fromUndefinedOr(error.retryAfter)

/**
 * Wraps an error in an `HttpClientError`, for a plain `HttpClient`, whose error
 * channel can hold no other error.
 *
 * **Details**
 *
 * The reason is an `EncodeError`, because the request could not be completed.
 * Unlike `TransportError` it is not transient, so that an outer `retryTransient`
 * does not make further token requests.
 *
 * @see {@link fromHttpClientError} to get the error back
 * @category converting
 * @since 0.1.0
 */
export const toHttpClientError = (
  error: AuthError,
  request: HttpClientRequest.HttpClientRequest
): HttpClientError.HttpClientError =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.EncodeError({ request, cause: error, description: `${error._tag}: ${error.message}` })
  })

/**
 * Returns the complete error of this library that an `HttpClientError` wraps.
 *
 * **Example** (Handling a refusal behind a generated client)
 *
 * ```ts
 * import { AuthError } from "@effect-spotnana/core"
 * import { Effect, Option } from "effect"
 * import { HttpClient } from "effect/http"
 *
 * const program = HttpClient.get("/v2/companies").pipe(
 *   Effect.tapError((error) =>
 *     Option.match(AuthError.fromHttpClientError(error), {
 *       onNone: () => Effect.void,
 *       onSome: (authError) => Effect.logError(authError.message)
 *     })
 *   )
 * )
 * ```
 *
 * @see {@link toHttpClientError} for the wrapping
 * @category converting
 * @since 0.1.0
 */
export const fromHttpClientError = (error: unknown): Option.Option<AuthError> =>
  HttpClientError.isHttpClientError(error) && isAuthError(error.cause) ? Option.some(error.cause) : Option.none()
