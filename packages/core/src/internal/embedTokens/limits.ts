import * as Instant from "@effect-spotnana/engine/Instant"
import * as Policy from "@effect-spotnana/engine/Policy"

/** How many token requests each user has left in this minute. */
export interface Allowance {
  /** Counts one request and returns zero. If none is left, returns the milliseconds until there is one. */
  readonly take: (user: string, now: Instant.Instant) => number
}

const minute = 60_000

/**
 * All users share one minute. When it ends, all counts are forgotten, so that they contain only the users of one
 * minute.
 */
export const makeAllowance = (perMinute: number): Allowance => {
  const counts = new Map<string, number>()
  let end: Instant.Instant | undefined
  return {
    take: (user, now) => {
      // A wall clock that was set back does not lengthen the minute: the monotonic clock ends it.
      if (end === undefined || Instant.hasPassed(end, now)) {
        end = Instant.after(now, minute)
        counts.clear()
      }
      const count = counts.get(user) ?? 0
      if (count >= perMinute) return Instant.millisUntil(end, now)
      counts.set(user, count + 1)
      return 0
    }
  }
}

/** A token request that was sent. Its result belongs to it. */
export interface Sent {
  /** The failures before it. */
  readonly failures: number
}

/** Why no request may be sent, and the milliseconds until one may be. */
export interface Refused<out A> {
  readonly failure: A
  readonly millis: number
}

/** The backoff of all users together, with its cause. Every token request asks it, and reports its result. */
export interface Backoff<in out A> {
  /** The refusal of a request; undefined if it may be sent now. */
  readonly refused: (now: Instant.Instant) => Refused<A> | undefined
  /** Counts a request that is sent now. */
  readonly sent: () => Sent
  /** Begins a backoff, or makes it longer; `random` is from 0 to 1. */
  readonly failed: (
    sent: Sent,
    failure: A,
    retryAfter: number,
    now: Instant.Instant,
    random: number
  ) => void
  readonly succeeded: () => void
  /** A request has ended, if it was sent. */
  readonly ended: (sent: Sent | undefined) => void
}

/** When to ask again while the first request after a backoff is in flight, in milliseconds. */
const waitForTrial = 1_000

export const makeBackoff = <A>(): Backoff<A> => {
  let failures = 0
  let last: { readonly failure: A; readonly until: Instant.Instant } | undefined
  // The first request after a backoff. No other request is sent before it has ended.
  let trial: Sent | undefined
  return {
    refused: (now) => {
      if (last === undefined) return undefined
      const millis = Instant.millisUntil(last.until, now) || (trial === undefined ? 0 : waitForTrial)
      return millis === 0 ? undefined : { failure: last.failure, millis }
    },
    sent: () => {
      const sent = { failures }
      if (failures > 0) trial = sent
      return sent
    },
    failed: (sent, failure, retryAfter, now, random) => {
      // Requests that were in flight together failed for the same reason, so only the first of them makes the next step
      // longer.
      failures = Math.max(failures, sent.failures + 1)
      const next = Instant.after(now, Policy.retryDelay(Policy.defaults, failures, retryAfter, random))
      last = { failure, until: last === undefined ? next : Instant.later(last.until, next, now) }
    },
    // A delay that `Retry-After` asked for stays, whichever answer came first.
    succeeded: () => {
      failures = 0
    },
    ended: (sent) => {
      if (sent === trial) trial = undefined
    }
  }
}
