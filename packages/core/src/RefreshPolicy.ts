/**
 * Pure decisions: when to renew, how to back off, how long a verdict holds.
 *
 * No I/O and no clock: every function takes milliseconds and a random number and
 * gives milliseconds back.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/**
 * Every number that the lifecycle of a token depends on.
 *
 * @category models
 * @since 0.1.0
 */
export interface RefreshPolicy {
  /**
   * Who renews. `background`: a fiber in the layer's scope, ahead of expiry.
   * `onDemand`: no fiber; the first `get` inside the renewal window starts the
   * renewal and does not wait for it. For processes that are frozen between
   * invocations. Default: `background`.
   */
  readonly mode: "background" | "onDemand"
  /** When to renew, as a fraction of the lifetime: from 0.01 to 0.99. Default: 0.8. */
  readonly renewAt: number
  /** How much earlier at most, as a fraction of that delay, so that a fleet does not renew in step: from 0 to 0.5. Default: 0.1. */
  readonly jitter: number
  /** Renew at least this long before expiry, where the lifetime is at least twice that. Default: 1 minute. */
  readonly minimumMargin: Duration.Duration
  /** A token counts as expired this long before it is, so that it is alive on arrival; at most 5 % of the lifetime. Default: 5 seconds. */
  readonly leeway: Duration.Duration
  /** The first delay after a failure; each further failure doubles it. Default: 500 milliseconds. */
  readonly backoffBase: Duration.Duration
  /**
   * The longest delay between attempts. Default: 1 minute. While a token is still in use, at most half of what is left
   * of it, or `backoffBase` where that is longer.
   */
  readonly backoffMaximum: Duration.Duration
  /** The longest `Retry-After` that is believed. Default: 1 hour. */
  readonly retryAfterMaximum: Duration.Duration
  /** After how many failed acquisitions a `get` without a token fails: at least 1. Default: 3. */
  readonly attempts: number
  /** A `get` does not wait for a delay longer than this: it fails at once. Default: 5 seconds. */
  readonly patience: Duration.Duration
  /** How long a refusal of credentials is answered from memory. Default: 5 minutes. */
  readonly refusalTimeToLive: Duration.Duration
  /**
   * How many tokens a minute may be requested because the API rejected one: at least 1. A rejection beyond that is not
   * believed: so many tokens cannot all be wrong, and the one in use may serve other requests.
   * Default: 5.
   */
  readonly replacementsPerMinute: number
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
  mode: "background",
  renewAt: 0.8,
  jitter: 0.1,
  minimumMargin: /* #__PURE__ */ Duration.minutes(1),
  leeway: /* #__PURE__ */ Duration.seconds(5),
  backoffBase: /* #__PURE__ */ Duration.millis(500),
  backoffMaximum: /* #__PURE__ */ Duration.minutes(1),
  retryAfterMaximum: /* #__PURE__ */ Duration.hours(1),
  attempts: 3,
  patience: /* #__PURE__ */ Duration.seconds(5),
  refusalTimeToLive: /* #__PURE__ */ Duration.minutes(5),
  replacementsPerMinute: 5,
  acquisitionTimeout: /* #__PURE__ */ Duration.seconds(15)
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
    patience: duration("patience", options.patience ?? defaults.patience),
    refusalTimeToLive: duration("refusalTimeToLive", options.refusalTimeToLive ?? defaults.refusalTimeToLive),
    replacementsPerMinute: count(
      "replacementsPerMinute",
      options.replacementsPerMinute ?? defaults.replacementsPerMinute
    ),
    acquisitionTimeout: duration("acquisitionTimeout", options.acquisitionTimeout ?? defaults.acquisitionTimeout, 1)
  }
}

/**
 * When to renew a token, in milliseconds after it was issued.
 *
 * **Details**
 *
 * `renewAt` of the lifetime, or `minimumMargin` before expiry if that is earlier
 * and leaves at least half the lifetime, and never after the leeway has begun;
 * then earlier by up to `jitter` of it.
 * `random` is from 0 to 1.
 *
 * @category decisions
 * @since 0.1.0
 */
export const renewalDelay = (policy: RefreshPolicy, lifetime: number, random: number): number => {
  const margin = Duration.toMillis(policy.minimumMargin)
  const share = lifetime * policy.renewAt
  const inTime = Math.min(share, usableLifetime(policy, lifetime))
  const latest = lifetime >= 2 * margin ? Math.min(inTime, lifetime - margin) : inTime
  return latest * (1 - policy.jitter * random)
}

/**
 * For how long after it was issued a token is used, in milliseconds: its
 * lifetime less the leeway.
 *
 * @category decisions
 * @since 0.1.0
 */
export const usableLifetime = (policy: RefreshPolicy, lifetime: number): number =>
  lifetime - Math.min(Duration.toMillis(policy.leeway), lifetime * 0.05)

/**
 * How long to wait after the n-th failure in a row (from 1), in milliseconds.
 *
 * **Details**
 *
 * Exponential, from half to all of the step by `random` (0 to 1), never less
 * than `retryAfter` up to `retryAfterMaximum`.
 *
 * `left` is for how long the token in use is still used, in milliseconds; zero:
 * there is none. While there is one no step is longer than half of that, or than
 * `backoffBase`: however short-lived a token is, an endpoint that comes back is
 * found before the token is used up.
 *
 * @category decisions
 * @since 0.1.0
 */
export const retryDelay = (
  policy: RefreshPolicy,
  failures: number,
  retryAfter: Duration.Duration | undefined,
  random: number,
  left = 0
): number => {
  const base = Duration.toMillis(policy.backoffBase)
  const step = Math.min(
    base * 2 ** (failures - 1),
    Duration.toMillis(policy.backoffMaximum),
    left > 0 ? Math.max(base, left / 2) : Infinity
  )
  const asked = retryAfter === undefined
    ? 0
    : Math.min(Duration.toMillis(retryAfter), Duration.toMillis(policy.retryAfterMaximum))
  return Math.max(step * (0.5 + 0.5 * random), asked)
}

/**
 * How long to hold back a replacement of a rejected token, in milliseconds: zero
 * while fewer than `replacementsPerMinute` were made within the last minute.
 *
 * **Details**
 *
 * `replacements` are the times of earlier ones in milliseconds, oldest first.
 *
 * @category decisions
 * @since 0.1.0
 */
export const replacementHold = (policy: RefreshPolicy, replacements: ReadonlyArray<number>, now: number): number => {
  const blocking = replacements.at(-policy.replacementsPerMinute)
  return blocking === undefined ? 0 : Math.max(0, blocking + 60_000 - now)
}
