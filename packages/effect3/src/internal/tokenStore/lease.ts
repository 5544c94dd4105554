import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Backend, Lease } from "./contract.ts"
import { TokenStoreError } from "./contract.ts"

// A store that does not answer within this time is unavailable.
const operationTimeout = Duration.seconds(2)

export const bounded = <A, R>(operation: Effect.Effect<A, TokenStoreError, R>): Effect.Effect<A, TokenStoreError, R> =>
  Effect.timeoutFail(Effect.interruptible(operation), {
    duration: operationTimeout,
    onTimeout: () => new TokenStoreError({ message: `No answer within ${Duration.format(operationTimeout)}.` })
  })

// The lease of a process that was killed is over after this time; one that lives extends it three times as often. No
// process takes a longer one: whatever has more time left was written by something else.
export const leaseTime = Duration.seconds(5)
// No `Retry-After` is followed for so long: a backoff that has more time left was written by something else.
export const longestBackoff = Duration.days(1)
export const leaseNotOurs = (key: string, timeLeft: Duration.Duration): TokenStoreError => {
  const end = Duration.isFinite(timeLeft) ? `ends in ${Duration.format(timeLeft)}` : "never ends"
  return new TokenStoreError({
    message: `The lease of ${key} ${end}: it was not taken by this library, whose leases last for ` +
      `${Duration.format(leaseTime)}. Delete it from the store.`
  })
}

export const leaseNeverFree = (key: string): TokenStoreError =>
  new TokenStoreError({
    message: `The lease of ${key} was taken for longer than a token request may take, and no token was written.`
  })

/** Whether a lease or a backoff lasts for longer than any process of this library asks for. */
export const isOurs = (lease: Exclude<Lease, { readonly _tag: "Granted" }>): boolean =>
  !Duration.greaterThan(lease.timeLeft, lease._tag === "Held" ? leaseTime : longestBackoff)

/**
 * Takes the lease and gives it back: succeeds where this process can write. That it can read says nothing of a full disk,
 * or of a replica. Whether the lease of another process is good enough is the caller's to say.
 */
export const tryLease = (
  backend: Backend,
  key: string,
  isHeldEnough: boolean
): Effect.Effect<void, TokenStoreError> =>
  Effect.flatMap(bounded(backend.lease(key, leaseTime)), (lease) => {
    if (lease._tag === "Granted") return bounded(backend.release(key, lease.fence))
    if (!isOurs(lease)) return Effect.fail(leaseNotOurs(key, lease.timeLeft))
    return lease._tag === "Backoff" || isHeldEnough ? Effect.void : Effect.fail(leaseNeverFree(key))
  })
