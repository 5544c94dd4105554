/**
 * The numbers that determine the lifecycle of a token, and what follows from
 * them.
 *
 * Every duration is in milliseconds. Every random number is from 0 to 1.
 *
 * @since 0.1.0
 */

/**
 * When to renew, how long to wait, how to back off.
 *
 * @category models
 * @since 0.1.0
 */
export interface Policy {
  /** `background`: a timer renews ahead of expiry. `onDemand`: the first caller within the renewal window does. */
  readonly mode: "background" | "onDemand"
  /** When to renew, as a fraction of the lifetime. */
  readonly renewAt: number
  /** How much earlier at most, as a fraction of that delay. */
  readonly jitter: number
  /** Renew at least this long before expiry, if the lifetime is at least twice as long. */
  readonly minimumMargin: number
  /** A token counts as expired this long before its last second; at most 5 % of the lifetime. */
  readonly leeway: number
  /** The first delay after a failure; each further failure doubles it. */
  readonly backoffBase: number
  /** The longest delay between attempts. */
  readonly backoffMaximum: number
  /** The longest `Retry-After` that is obeyed. A longer one counts as this long. */
  readonly retryAfterMaximum: number
  /** The number of failed acquisitions after which a caller without a token gets the error. */
  readonly attempts: number
  /** A caller without a token does not wait for a delay that is longer than this. */
  readonly maximumWait: number
  /** A caller without a token does not give up before this time, if the next attempt is due by then. */
  readonly retryFor: number
  /** The longest time for which a refusal of the credentials is remembered. */
  readonly refusalTimeToLive: number
  /** The time limit for one acquisition. */
  readonly acquisitionTimeout: number
}

/**
 * The default policy.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults: Policy = {
  mode: "background",
  renewAt: 0.8,
  jitter: 0.1,
  minimumMargin: 60_000,
  leeway: 5_000,
  backoffBase: 500,
  backoffMaximum: 60_000,
  retryAfterMaximum: 3_600_000,
  attempts: 3,
  maximumWait: 5_000,
  retryFor: 0,
  refusalTimeToLive: 300_000,
  acquisitionTimeout: 15_000
}

/**
 * Servers count in whole seconds: a token may live up to a second less than `expires_in` says.
 *
 * @category constants
 * @since 0.1.0
 */
export const lastSecond = 1_000

/**
 * For how long callers wait for the replacement of a rejected token, which may
 * still be valid.
 *
 * @category constants
 * @since 0.1.0
 */
export const longestSuspicion = 1_000

/**
 * A token that was accepted before has become invalid if at least this many
 * requests in a row were rejected with it, over at least this many milliseconds.
 *
 * @category constants
 * @since 0.1.0
 */
export const signsOfDeath = { rejections: 3, millis: 15_000 } as const

/**
 * The time limit for one acquisition if the policy has none: the default, or the
 * time limit of a token request plus five seconds for everything else.
 *
 * @category decisions
 * @since 0.1.0
 */
export const defaultAcquisitionTimeout = (requestTimeout: number): number =>
  Math.max(defaults.acquisitionTimeout, requestTimeout + 5_000)

/**
 * How long an acquisition waits for that of another process, which may take as
 * long as its own. Three seconds of its time, or a fifth of it, are left for a
 * token request.
 *
 * @category decisions
 * @since 0.1.0
 */
export const waitForOthers = (policy: Policy): number =>
  policy.acquisitionTimeout - Math.min(3_000, policy.acquisitionTimeout / 5)

const firstRefusalDelay = 1_000
const firstReplacementDelay = 60_000
const longestReplacementDelay = 3_600_000

/**
 * How long a token is used after it was requested: its lifetime, minus its last
 * second (or half of the lifetime if it is shorter than two seconds), minus the
 * leeway.
 *
 * @category decisions
 * @since 0.1.0
 */
export const usableLifetime = (policy: Policy, lifetime: number): number =>
  lifetime - Math.min(lastSecond, lifetime / 2) - Math.min(policy.leeway, lifetime * 0.05)

/**
 * When to renew a token, counted from when it was requested.
 *
 * **Details**
 *
 * At `renewAt` of the lifetime. Or `minimumMargin` before expiry, if that is
 * earlier and `minimumMargin` is at most half of the lifetime. At the latest a
 * second before the token goes out of use, or a third of {@link usableLifetime}
 * if that is less. Then earlier by up to `jitter`.
 *
 * @category decisions
 * @since 0.1.0
 */
export const renewalDelay = (policy: Policy, lifetime: number, random: number): number => {
  const usable = usableLifetime(policy, lifetime)
  const inTime = Math.min(lifetime * policy.renewAt, usable - Math.min(1_000, usable / 3))
  const latest = lifetime >= 2 * policy.minimumMargin ? Math.min(inTime, lifetime - policy.minimumMargin) : inTime
  return latest * (1 - policy.jitter * random)
}

/**
 * How long to wait after `failures` consecutive failures, from 1.
 *
 * **Details**
 *
 * The step grows exponentially. The wait is a random part of it, from half to
 * all, and never less than `retryAfter`, which counts up to `retryAfterMaximum`.
 *
 * `left` is how much longer the token in use is used; zero if there is none.
 * While there is a token, no step is longer than half of `left`, or than
 * `backoffBase` if that is longer. So an endpoint that works again is found in
 * time, however short the lifetime of the token is.
 *
 * @category decisions
 * @since 0.1.0
 */
export const retryDelay = (
  policy: Policy,
  failures: number,
  retryAfter: number | undefined,
  random: number,
  left = 0
): number => {
  const step = Math.min(
    policy.backoffBase * 2 ** (failures - 1),
    policy.backoffMaximum,
    left > 0 ? Math.max(policy.backoffBase, left / 2) : Infinity
  )
  return Math.max(step * (0.5 + 0.5 * random), Math.min(retryAfter ?? 0, policy.retryAfterMaximum))
}

/**
 * The step after which refused credentials are sent again: a second, then twice
 * the previous step, up to `refusalTimeToLive`. The wait is a random part of the
 * step, from half to all.
 *
 * @category decisions
 * @since 0.1.0
 */
export const nextRefusalDelay = (policy: Policy, previous: number): number =>
  Math.min(Math.max(2 * previous, firstRefusalDelay), policy.refusalTimeToLive)

/**
 * After so many refused credentials in a row, each other than the one before it, no
 * credentials are sent before the wait is over, not even changed ones.
 *
 * @category constants
 * @since 0.1.0
 */
export const manyRefused = 4

/**
 * The previous step for {@link nextRefusalDelay} if changed credentials were
 * refused. So the first {@link manyRefused} wait for a second, and each further
 * one twice as long as the one before it.
 *
 * @category decisions
 * @since 0.1.0
 */
export const delayOfChanges = (inARow: number): number => firstRefusalDelay * 2 ** (inARow - manyRefused - 1)

/**
 * How long the next replacement of a rejected token has to wait: a minute, then
 * twice the previous delay, up to an hour.
 *
 * @category decisions
 * @since 0.1.0
 */
export const nextReplacementDelay = (previous: number): number =>
  Math.min(Math.max(2 * previous, firstReplacementDelay), longestReplacementDelay)

/**
 * How long the next replacement waits if a token shows {@link signsOfDeath}: a
 * minute, or an eighth of the delay of other replacements, whichever is longer.
 *
 * @category decisions
 * @since 0.1.0
 */
export const urgentReplacementDelay = (delay: number): number =>
  Math.min(delay, Math.max(delay / 8, firstReplacementDelay))
