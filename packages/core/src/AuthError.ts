/**
 * What can go wrong between an application and an authenticated request.
 *
 * Four flat tags, so that `Effect.catchTag("InvalidCredentials", …)` works on every
 * public error channel. Each error has what a person needs to act, and Spotnana's
 * `debugIdentifier` if the answer had one. None contains a secret or a token.
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
 * The refusal is remembered for these credentials: callers get this error without
 * a request for a second at first, then for twice as long after each further
 * refusal, up to `RefreshPolicy.refusalTimeToLive`. Credentials that have changed
 * are used at once. A refusal is an answer of 400, 401 or 403 with a JSON object, one
 * without a body that is a 401 or has `WWW-Authenticate`, or any of the error codes of
 * RFC 6749 §5.2 that name the client, the grant or the request. The page of a proxy or a firewall with such
 * a status is none: that is `TokenEndpointUnavailable`.
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
 * The API rejects the token, and a new one does not help or is not due, or the
 * request must not be sent again.
 *
 * **Details**
 *
 * "401" means every answer that `rejectsToken` of the environment treats as a
 * rejection. `reason` is one of:
 *
 * - `Rejected`: the API answered 401 to a new token too, or the token endpoint
 *   handed out the rejected one again. Or the last replacements did not help, and
 *   the next one is not due: `retryAfter` says when it is, an hour at most. The
 *   token stays in use for other requests.
 * - `NotReplayable`: the API answered 401, and the body of the request can be
 *   sent once only (`Stream`, `Raw`), or the 401 is the answer to what a redirect
 *   made of a request whose method is not safe. The token is replaced if that is
 *   due. A 401 after a redirect that the platform followed by itself is
 *   `NotReplayable` too, and says nothing about the token before the fifth 401 in a row.
 *
 * @see the table "What a 401 does" in `docs/errors.md`
 * @category errors
 * @since 0.1.0
 */
export class TokenExpired extends Schema.TaggedError<TokenExpired>()("TokenExpired", {
  /** What happened and what to do. */
  message: Schema.String,
  /** Why the request has no answer. */
  reason: Schema.Literals(["Rejected", "NotReplayable"]),
  /** How long no token is requested because of a rejection, where that is why the request failed. */
  retryAfter: Schema.optional(Schema.Duration),
  /** The correlation id that Spotnana's support can use. */
  debugIdentifier: Schema.optional(Schema.String)
}) {}

/**
 * The token endpoint gave no usable answer. Transient: the next call retries.
 *
 * **Details**
 *
 * `reason` tells the cases apart:
 *
 * - `Transport`: no connection, or it broke.
 * - `Timeout`: no complete answer in time.
 * - `RateLimited`: 429, or an error code for it: `TOO_MANY_REQUESTS`, `slow_down`.
 * - `ServerError`: 5xx, 408, 425, or a transient error code.
 * - `Intermediary`: 400, 401 or 403 that is not the token endpoint's own: the
 *   page of a proxy or a firewall, or a 400 or 403 with neither a body nor
 *   `WWW-Authenticate`.
 * - `CredentialsSource`: the `Credentials` service failed, or gave no credentials; of a
 *   user's client also: the source of the user's token.
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
    /** The HTTP status, where there was an answer. */
    status: Schema.optional(Schema.Int),
    /** How long the library itself waits before its next attempt. */
    retryAfter: Schema.optional(Schema.Duration),
    /** The correlation id that Spotnana's support can use. */
    debugIdentifier: Schema.optional(Schema.String)
  })
{}

/**
 * The token endpoint answered outside the protocol of RFC 6749 §5.
 *
 * **Details**
 *
 * A body that is not JSON, is too large or lacks a token, an unusable `expires_in`,
 * a token type other than `Bearer`, a redirect, an unexpected status: usually the
 * token URL is wrong, or a proxy answers instead.
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
 * Every error of this library.
 *
 * @category models
 * @since 0.1.0
 */
export type AuthError = TokenEndpointError | TokenExpired

/**
 * The schema of every error of this library, for errors that cross a process.
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
 * Tells whether a value is one of this library's errors.
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
 * Tells whether the same request may succeed later without anyone's help.
 *
 * **Details**
 *
 * `TokenEndpointUnavailable` and `MalformedTokenResponse` are; a refusal of the
 * credentials and a rejection of the token are not.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isTransient = (error: AuthError): error is TokenEndpointUnavailable | MalformedTokenResponse =>
  error._tag === "TokenEndpointUnavailable" || error._tag === "MalformedTokenResponse"

/**
 * How long to wait before another attempt can help, if the error has that time.
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
 * The reason is an `EncodeError`: the request could not be made complete. Unlike
 * `TransportError` it is not transient, so that an outer `retryTransient` does not
 * make further token requests.
 *
 * @see {@link fromHttpClientError} to take it out again
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
 * @see {@link toHttpClientError} for the way in
 * @category converting
 * @since 0.1.0
 */
export const fromHttpClientError = (error: unknown): Option.Option<AuthError> =>
  HttpClientError.isHttpClientError(error) && isAuthError(error.cause) ? Option.some(error.cause) : Option.none()
