/**
 * When to renew, how long to wait, how to back off.
 *
 * @since 0.1.0
 */
import * as Policy from "@effect-spotnana/engine/Policy"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/**
 * The numbers of a token's lifecycle that can be set. What a 401 costs is fixed: see
 * `docs/errors.md`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RefreshPolicy {
  /**
   * What renews the token. `background`: a fiber in the layer's scope, ahead of
   * expiry. `onDemand`: no fiber; the first `get` inside the renewal window starts
   * the renewal and does not wait for it. For processes that are frozen between
   * invocations. Default: `background`.
   */
  readonly mode: "background" | "onDemand"
  /** When to renew, as a fraction of the lifetime: from 0.01 to 0.99. Default: 0.8. */
  readonly renewAt: number
  /** How much earlier at most, as a fraction of that delay, so that a fleet does not renew in step: from 0 to 0.5. Default: 0.1. */
  readonly jitter: number
  /** Renew at least this long before expiry, where the lifetime is at least twice that. Default: 1 minute. */
  readonly minimumMargin: Duration.Duration
  /**
   * A token counts as expired this long before its last second, so that it is alive when the request arrives; at most 5 %
   * of the lifetime. Servers count in whole seconds: a token may live up to a second less than `expires_in`. Default: 5 seconds.
   */
  readonly leeway: Duration.Duration
  /** The first delay after a failure; each further failure doubles it. Default: 500 milliseconds. */
  readonly backoffBase: Duration.Duration
  /**
   * The longest delay between attempts. Default: 1 minute. While a token is still in use, at most half of what is left
   * of it, or `backoffBase` where that is longer.
   */
  readonly backoffMaximum: Duration.Duration
  /** The longest `Retry-After` that is followed. Default: 1 hour. */
  readonly retryAfterMaximum: Duration.Duration
  /** After how many failed acquisitions a `get` without a token fails: at least 1. Default: 3. */
  readonly attempts: number
  /** A `get` without a token does not wait for a delay that is longer than this: it fails at once. Default: 5 seconds. */
  readonly maximumWait: Duration.Duration
  /**
   * The longest time for which a refusal of credentials is answered from memory: a second after the first refusal, twice
   * as long after each further one, up to this, and each time shortened at random, by half at most. Default: 5 minutes.
   */
  readonly refusalTimeToLive: Duration.Duration
  /** The time for one acquisition, the `Credentials` source included. Default: 15 seconds. */
  readonly acquisitionTimeout: Duration.Duration
}

/**
 * A policy to be completed with {@link defaults}; durations in any form.
 *
 * @category models
 * @since 0.1.0
 */
export type Options = {
  readonly [K in keyof RefreshPolicy]?:
    | (RefreshPolicy[K] extends Duration.Duration ? Duration.Input : RefreshPolicy[K])
    | undefined
}

/**
 * The default policy.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults: RefreshPolicy = {
  ...Policy.defaults,
  minimumMargin: /* #__PURE__ */ Duration.millis(Policy.defaults.minimumMargin),
  leeway: /* #__PURE__ */ Duration.millis(Policy.defaults.leeway),
  backoffBase: /* #__PURE__ */ Duration.millis(Policy.defaults.backoffBase),
  backoffMaximum: /* #__PURE__ */ Duration.millis(Policy.defaults.backoffMaximum),
  retryAfterMaximum: /* #__PURE__ */ Duration.millis(Policy.defaults.retryAfterMaximum),
  maximumWait: /* #__PURE__ */ Duration.millis(Policy.defaults.maximumWait),
  refusalTimeToLive: /* #__PURE__ */ Duration.millis(Policy.defaults.refusalTimeToLive),
  acquisitionTimeout: /* #__PURE__ */ Duration.millis(Policy.defaults.acquisitionTimeout)
}

const fraction = (name: string, value: number, from: number, to: number): number => {
  if (value >= from && value <= to) return value
  throw new RangeError(`RefreshPolicy.${name} is ${value}; expected a number from ${from} to ${to}`)
}

const oneOf = <A extends string>(name: string, value: A, values: ReadonlyArray<A>): A => {
  if (values.includes(value)) return value
  throw new RangeError(`RefreshPolicy.${name} is ${value}; expected ${values.join(" or ")}`)
}

const count = (name: string, value: number): number => {
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`RefreshPolicy.${name} is ${value}; expected a whole number of at least 1`)
}

/**
 * Completes a policy with the defaults.
 *
 * **Gotchas**
 *
 * Throws a `RangeError` for a number outside its range, and for a duration that
 * is not finite or too short: a policy is written in the program.
 *
 * **Example** (A policy for a serverless function)
 *
 * ```ts
 * import { RefreshPolicy } from "@effect-spotnana/core"
 *
 * const serverless = RefreshPolicy.make({ mode: "onDemand", attempts: 2 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): RefreshPolicy => {
  if (options === undefined) return defaults
  const duration = (name: keyof Options, input: Duration.Input, atLeast = 0): Duration.Duration => {
    const value = Option.getOrUndefined(Duration.fromInput(input))
    // `Duration` takes NaN, what became of a missing number, for zero.
    const isUsable = value !== undefined && !Number.isNaN(input) && Duration.isFinite(value)
    if (isUsable && Duration.toMillis(value) >= atLeast) return value
    throw new RangeError(
      `RefreshPolicy.${name} is ${JSON.stringify(input)}; expected a finite duration of at least ${atLeast} ms`
    )
  }
  return {
    mode: oneOf("mode", options.mode ?? defaults.mode, ["background", "onDemand"]),
    renewAt: fraction("renewAt", options.renewAt ?? defaults.renewAt, 0.01, 0.99),
    jitter: fraction("jitter", options.jitter ?? defaults.jitter, 0, 0.5),
    minimumMargin: duration("minimumMargin", options.minimumMargin ?? defaults.minimumMargin),
    leeway: duration("leeway", options.leeway ?? defaults.leeway),
    backoffBase: duration("backoffBase", options.backoffBase ?? defaults.backoffBase, 1),
    backoffMaximum: duration("backoffMaximum", options.backoffMaximum ?? defaults.backoffMaximum, 1),
    retryAfterMaximum: duration("retryAfterMaximum", options.retryAfterMaximum ?? defaults.retryAfterMaximum),
    attempts: count("attempts", options.attempts ?? defaults.attempts),
    maximumWait: duration("maximumWait", options.maximumWait ?? defaults.maximumWait),
    refusalTimeToLive: duration("refusalTimeToLive", options.refusalTimeToLive ?? defaults.refusalTimeToLive),
    acquisitionTimeout: duration("acquisitionTimeout", options.acquisitionTimeout ?? defaults.acquisitionTimeout, 1)
  }
}
