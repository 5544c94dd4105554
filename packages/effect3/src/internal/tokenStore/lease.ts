import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Backend, Lease } from "./contract.ts"
import { TokenStoreError } from "./contract.ts"

// A store that does not answer within this time is unavailable.
const operationTimeout = Duration.seconds(2)

/** A defect of the store, such as an answer that it cannot read, as a failure. */
export const defectAsError = <A, R>(
  effect: Effect.Effect<A, TokenStoreError, R>
): Effect.Effect<A, TokenStoreError, R> =>
  Effect.catchAllDefect(
    effect,
    (defect) =>
      Effect.fail(new TokenStoreError({ message: `It ended unexpectedly: ${String(defect)}.`, cause: defect }))
  )

/** An operation of the store. It fails after two seconds, and where it dies. */
export const bounded = <A, R>(
  operation: () => Effect.Effect<A, TokenStoreError, R>
): Effect.Effect<A, TokenStoreError, R> =>
  Effect.timeoutFail(Effect.interruptible(defectAsError(Effect.suspend(operation))), {
    duration: operationTimeout,
    onTimeout: () => new TokenStoreError({ message: `No answer within ${Duration.format(operationTimeout)}.` })
  }).pipe(
    // A child fiber that fails, which is what a time limit makes of an effect in effect 3.19, is logged with its error.
    // That contains what the store said.
    Effect.withUnhandledErrorLogLevel(Option.none())
  )

// The lease of a killed process is over after this time. A running process extends its lease three times in this time.
// No process takes a longer lease: one with more time left was written by something else.
export const leaseTime = Duration.seconds(5)
// No `Retry-After` is obeyed for this long: a backoff with more time left was written by something else.
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

/** Whether a lease or a backoff is no longer than this library asks for. A longer one was written by something else. */
export const isOurs = (lease: Exclude<Lease, { readonly _tag: "Granted" }>): boolean =>
  !Duration.greaterThan(lease.timeLeft, lease._tag === "Held" ? leaseTime : longestBackoff)

/**
 * Takes the lease and releases it, which succeeds if this process can write. Reading also succeeds with a full disk, or
 * on a replica. The caller says whether it is enough that another process has the lease.
 */
export const tryLease = (
  backend: Backend,
  key: string,
  isHeldEnough: boolean
): Effect.Effect<void, TokenStoreError> =>
  Effect.flatMap(bounded(() => backend.lease(key, leaseTime)), (lease) => {
    if (lease._tag === "Granted") return bounded(() => backend.release(key, lease.fence))
    if (!isOurs(lease)) return Effect.fail(leaseNotOurs(key, lease.timeLeft))
    return lease._tag === "Backoff" || isHeldEnough ? Effect.void : Effect.fail(leaseNeverFree(key))
  })
