/**
 * When to renew, how long to wait, how to back off.
 *
 * @since 0.1.0
 */
import * as Policy from "@effect-spotnana/engine/Policy"
import { completed, mapDurations } from "@effect-spotnana/engine/PolicyOptions"
import * as Duration from "effect/Duration"
import { millis } from "./internal/options.ts"

/**
 * The settings of a token's lifecycle. The handling of a 401 cannot be set: see
 * `docs/errors.md`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RefreshPolicy {
  /**
   * What renews the token. `background`: a fiber in the layer's scope, before the token expires. `onDemand`: no fiber.
   * The first `get` inside the renewal window starts the renewal and does not wait for it. Use `onDemand` for processes
   * that are frozen between invocations. Default: `background`.
   */
  readonly mode: "background" | "onDemand"
  /** When to renew, as a fraction of the lifetime: from 0.01 to 0.99. Default: 0.8. */
  readonly renewAt: number
  /**
   * How much earlier the renewal may be at random, as a fraction of that delay: from 0 to 0.5. So the processes of a
   * fleet do not renew at the same time. Default: 0.1.
   */
  readonly jitter: number
  /** Renew at least this long before expiry, if the lifetime is at least twice as long. Default: 1 minute. */
  readonly minimumMargin: Duration.Duration
  /**
   * A token counts as expired this long before its last second, so that it is still valid when the request arrives; at
   * most 5 % of the lifetime. The last second is not used, because servers count in whole seconds: a token may expire
   * up to a second before `expires_in`. Default: 5 seconds.
   */
  readonly leeway: Duration.Duration
  /** The first delay after a failure; each further failure doubles it. Default: 500 milliseconds. */
  readonly backoffBase: Duration.Duration
  /**
   * The longest delay between attempts. Default: 1 minute. While a token is still in use, the delay is at most half of
   * the time until it expires, or `backoffBase` if that is longer.
   */
  readonly backoffMaximum: Duration.Duration
  /** The longest `Retry-After` that is obeyed. A longer one counts as this long. Default: 1 hour. */
  readonly retryAfterMaximum: Duration.Duration
  /**
   * The number of failed acquisitions after which a `get` without a token fails: at least 1. Default: 3. See
   * `retryFor`.
   */
  readonly attempts: number
  /** A `get` without a token does not wait for a delay that is longer than this: it fails at once. Default: 5 seconds. */
  readonly maximumWait: Duration.Duration
  /**
   * A `get` without a token keeps trying for at least this long, whatever `attempts` and `maximumWait` say. Use it if
   * the token endpoint, such as a sidecar, takes a while to start. A `get` fails earlier only if the credentials are
   * refused, or if the next attempt is due after this time. Default: 0.
   */
  readonly retryFor: Duration.Duration
  /**
   * The longest time for which a refusal of the credentials is remembered. That is a second after the first refusal,
   * then twice as long after each further one, up to this. Each time is shortened at random, by half at most. Default:
   * 5 minutes.
   */
  readonly refusalTimeToLive: Duration.Duration
  /**
   * The time limit for one acquisition: for the `Credentials` source, the store and the token request together.
   * Default: 15 seconds, or 5 seconds more than the `timeout` of the token endpoint if that is longer.
   */
  readonly acquisitionTimeout: Duration.Duration
}

/**
 * A policy to be completed with {@link defaults}. Durations may be in any form
 * that Effect accepts.
 *
 * @category models
 * @since 0.1.0
 */
export type Options = {
  readonly [K in keyof RefreshPolicy]?:
    | (RefreshPolicy[K] extends Duration.Duration ? Duration.DurationInput : RefreshPolicy[K])
    | undefined
}

function withDurations(policy: Policy.Policy): RefreshPolicy {
  return { ...policy, ...mapDurations((name) => Duration.millis(policy[name])) }
}

/**
 * The default policy.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults: RefreshPolicy = /* #__PURE__ */ withDurations(Policy.defaults)

/**
 * Completes a policy with the defaults.
 *
 * **Gotchas**
 *
 * Throws a `RangeError` for a number outside its range, and for a duration that
 * is not finite or too short, because it is a mistake in the program.
 *
 * **Example** (A policy for a serverless function)
 *
 * ```ts
 * import { RefreshPolicy } from "@effect-spotnana/effect3"
 *
 * const serverless = RefreshPolicy.make({ mode: "onDemand", attempts: 2 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): RefreshPolicy =>
  options === undefined ? defaults : withDurations(completed(options, millis))
