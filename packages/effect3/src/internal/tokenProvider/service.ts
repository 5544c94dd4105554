import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { AccessToken } from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import type { Environment } from "../../Environment.ts"
import type * as RefreshPolicy from "../../RefreshPolicy.ts"

/**
 * The state of the provider. It contains no secret.
 *
 * **Details**
 *
 * `state` is one of
 *
 * - `empty`: no token was requested yet;
 * - `acquiring`: no valid token, one is being requested;
 * - `valid`: a token is in use;
 * - `renewing`: a token is in use and its successor is being requested;
 * - `failed`: no valid token, and the last attempt to get one failed;
 * - `expired`: no valid token, and none was requested since.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  /** The state of the provider: one of the words above. */
  readonly state: "empty" | "acquiring" | "valid" | "renewing" | "failed" | "expired"
  /** When the latest token was requested. */
  readonly issuedAt: DateTime.Utc | undefined
  /** When the latest token expires. */
  readonly expiresAt: DateTime.Utc | undefined
  /** When the token in use is renewed. */
  readonly nextRenewalAt: DateTime.Utc | undefined
  /** The last failure since the last success. */
  readonly lastError: AuthError | undefined
}

/**
 * What is known about a token to which the API answered 401.
 *
 * @category models
 * @since 0.1.0
 */
export interface Evidence {
  /** Whether the API has accepted the token before. Default: `false`. */
  readonly wasAccepted?: boolean | undefined
  /** How many requests were rejected with it since it was accepted last, this one included: at least 1. Default: 1. */
  readonly rejectedInARow?: number | undefined
}

/**
 * What a provider can do.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /** The API that the tokens are for. */
  readonly environment: Environment
  /**
   * A token that is valid now. If there is one, `get` returns it at once. While that token is being replaced because of
   * a rejection, `get` waits for the new one, for a second at most. If there is no token, `get` waits for the one
   * acquisition.
   */
  readonly get: Effect.Effect<AccessToken, AuthError>
  /**
   * Reports that the API answered 401 to this token, and has not accepted it since the rejected request was sent. The
   * token is replaced if it is in use, and if a replacement is due. Returns whether it was in use.
   */
  readonly reject: (token: AccessToken, evidence?: Evidence) => Effect.Effect<boolean>
  /**
   * The token with which to send a rejected request again, after {@link Service.reject}: a newer token, or the rejected
   * one if there is no replacement. Waits for the acquisition, if one is in flight. Set `isRepeated` if the request was
   * sent with the rejected token twice. It then does not get that token again. It fails with `TokenExpired` if no
   * replacement is due or the acquisition brought the same token, and with the error of the acquisition if that failed.
   */
  readonly replacement: (rejected: AccessToken, isRepeated?: boolean) => Effect.Effect<AccessToken, AuthError>
  /**
   * Reports that a rejected request was accepted with the new token. So the next rejected token is replaced at once.
   */
  readonly replayAccepted: Effect.Effect<void>
  /** The state of the provider. */
  readonly status: Effect.Effect<Status>
  /**
   * `status` now, and after every acquisition, failure and rejection. A reader that is more than 64 changes behind
   * misses some.
   */
  readonly changes: Stream.Stream<Status>
}

/**
 * Options of a provider.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<Eager extends boolean | "background" = boolean | "background"> {
  /** When to renew and how to back off; see {@link RefreshPolicy.RefreshPolicy} for the defaults. */
  readonly refresh?: RefreshPolicy.Options | undefined
  /**
   * When to acquire the first token. `true`: when the layer is built. The layer waits for the token, and fails without
   * one. `"background"`: when the layer is built, but the layer neither waits nor fails. Calls share the acquisition,
   * and get its error. `false`: at the first call. Default: `false`.
   */
  readonly eager?: Eager | undefined
}
