import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { AccessToken } from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import type { Environment } from "../../Environment.ts"
import type * as RefreshPolicy from "../../RefreshPolicy.ts"

/**
 * What the provider is doing. Holds no secret.
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
  /** What the provider is doing: one of the words above. */
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
 * What is known of a token that the API answered 401 to.
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
   * A token that is valid now. With one it does not wait, but for a second at most while a rejection of that token is
   * looked into. Without one it waits for the one acquisition.
   */
  readonly get: Effect.Effect<AccessToken, AuthError>
  /**
   * Reports that the API answered 401 to this token, and accepted it from no request since the rejected one was sent. The
   * token is replaced if it is in use, and if a replacement is due. Says whether it was in use.
   */
  readonly reject: (token: AccessToken, evidence?: Evidence) => Effect.Effect<boolean>
  /**
   * The token to send a rejected request again with, after {@link Service.reject}: a newer one, or the rejected one where
   * no replacement is to be had. Waits for the acquisition, if one is in flight. With `isRepeated` the request was sent
   * with the rejected token twice, and does not get it again: it fails with `TokenExpired` where no replacement is due or
   * the acquisition brought the same token, with the error of the acquisition where that failed.
   */
  readonly replacement: (rejected: AccessToken, isRepeated?: boolean) => Effect.Effect<AccessToken, AuthError>
  /** Reports that a rejected request was accepted with the new token: the next rejection is acted upon at once. */
  readonly replayAccepted: Effect.Effect<void>
  /** What the provider is doing. */
  readonly status: Effect.Effect<Status>
  /** `status` now, and after every acquisition, failure and rejection. A reader that is 64 changes late misses some. */
  readonly changes: Stream.Stream<Status>
}

/**
 * How a provider keeps its token.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<Eager extends boolean | "background" = boolean | "background"> {
  /** When to renew and how to back off; see {@link RefreshPolicy.RefreshPolicy} for the defaults. */
  readonly refresh?: RefreshPolicy.Options | undefined
  /**
   * When to acquire the first token. `true`: when the layer is built, which waits for it, and fails without one.
   * `"background"`: when the layer is built, which neither waits for it nor fails; calls share the acquisition, and get its
   * error. `false`: at the first call. Default: `false`.
   */
  readonly eager?: Eager | undefined
}
