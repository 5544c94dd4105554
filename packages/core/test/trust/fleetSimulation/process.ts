import type { Clock } from "effect"
import { Effect, Latch } from "effect"
import type { TestClock } from "effect/testing"

/** A process as its operating system sees it: stopped, continued, killed. */
export interface Process {
  /** Its clock: set wrong by `skew`; and no sleep ends while the process is stopped. */
  readonly clock: Clock.Clock
  /** Goes on once the process does: at once, when it is continued, or never, if it was killed. */
  readonly awake: Effect.Effect<void>
  /** As SIGSTOP does: whatever arrives, arrives when it is continued. */
  readonly stop: () => void
  readonly continue: () => void
  /** As SIGKILL does: nothing of it reaches anybody any more. */
  readonly kill: () => void
  readonly isStopped: () => boolean
  readonly isKilled: () => boolean
  /** How many of its sleeps have not ended. */
  readonly sleeps: () => number
}

/** Starts a process. */
export const makeProcess = (base: TestClock.TestClock, skew: number): Process => {
  const running = Latch.makeUnsafe(true)
  let isKilled = false
  let sleeps = 0
  const wall = () => base.currentTimeMillisUnsafe() + skew
  const nanos = () => base.currentTimeNanosUnsafe() + BigInt(skew) * 1_000_000n
  return {
    clock: {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: () => base.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: base.monotonicTimeNanos,
      sleep: (duration) =>
        Effect.acquireUseRelease(
          Effect.sync(() => void (sleeps += 1)),
          () => Effect.andThen(base.sleep(duration), running.await),
          () => Effect.sync(() => void (sleeps -= 1))
        )
    },
    awake: Effect.andThen(running.await, Effect.suspend(() => isKilled ? Effect.never : Effect.void)),
    stop: () => void running.closeUnsafe(),
    continue: () => void running.openUnsafe(),
    kill: () => {
      isKilled = true
      running.openUnsafe()
    },
    isStopped: () => !running.isOpen(),
    isKilled: () => isKilled,
    sleeps: () => sleeps
  }
}
