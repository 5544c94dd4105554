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

/** The backoff of all users together, with its cause. */
export interface Backoff<A> {
  /** The last failure, and the milliseconds until the next attempt; undefined if the backoff is over. */
  readonly current: (now: Instant.Instant) => { readonly failure: A; readonly millis: number } | undefined
  /** Begins a backoff, or makes it longer; `random` is from 0 to 1. */
  readonly failed: (failure: A, retryAfter: number | undefined, now: Instant.Instant, random: number) => void
  readonly succeeded: () => void
}

export const makeBackoff = <A>(): Backoff<A> => {
  let failures = 0
  let last: { readonly failure: A; readonly until: Instant.Instant } | undefined
  return {
    current: (now) => {
      const millis = last === undefined ? 0 : Instant.millisUntil(last.until, now)
      return last === undefined || millis === 0 ? undefined : { failure: last.failure, millis }
    },
    failed: (failure, retryAfter, now, random) => {
      // Requests that were in flight together failed for the same reason, so only the first of them makes the next step
      // longer.
      if (last === undefined || Instant.hasPassed(last.until, now)) failures++
      const next = Instant.after(now, Policy.retryDelay(Policy.defaults, failures, retryAfter, random))
      last = { failure, until: last === undefined ? next : Instant.later(last.until, next, now) }
    },
    // A delay that `Retry-After` asked for stays, whichever answer came first.
    succeeded: () => {
      failures = 0
    }
  }
}
