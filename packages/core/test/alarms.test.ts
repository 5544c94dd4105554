import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { alarmsOf } from "../src/internal/tokenProvider/alarms.ts"
import type { Sleeper } from "../src/internal/tokenProvider/alarms.ts"

/** Alarms on a clock that counts who sleeps on it, and whose first sleep ends so many milliseconds too early. */
const subjectsOf = Effect.fnUntraced(function*(tooEarly: number) {
  const inner = yield* TestClock.testClockWith(Effect.succeed)
  const sleeping = { now: 0, most: 0 }
  let early = tooEarly
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => inner.currentTimeMillisUnsafe(),
    currentTimeMillis: inner.currentTimeMillis,
    currentTimeNanosUnsafe: () => inner.currentTimeNanosUnsafe(),
    currentTimeNanos: inner.currentTimeNanos,
    monotonicTimeNanosUnsafe: () => inner.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: inner.monotonicTimeNanos,
    sleep: (duration) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          sleeping.most = Math.max(sleeping.most, ++sleeping.now)
        }),
        () => {
          const slept = Duration.subtract(duration, Duration.millis(early))
          early = 0
          return inner.sleep(slept)
        },
        () => Effect.sync(() => sleeping.now--)
      )
  }
  const rung: Array<readonly [name: string | number, at: number]> = []
  const sleeper = (name: string | number, then: Effect.Effect<void> = Effect.void): Sleeper => ({
    alarm: undefined,
    wake: () => {
      rung.push([name, inner.currentTimeMillisUnsafe()])
      return then
    }
  })
  return { alarms: alarmsOf(clock), clock, rung, sleeper, sleeping }
})

const subjects = subjectsOf(0)

describe("alarms", () => {
  it.effect.prop(
    "each rings once at its time, the cancelled ones never, and one fiber sleeps for all",
    [Schema.Array(Schema.Struct({
      millis: Schema.Literals([1, 2, 10, 10, 500, 3_000, 60_000]),
      isCancelled: Schema.Boolean
    }))],
    ([given]) =>
      Effect.gen(function*() {
        const { alarms, rung, sleeper, sleeping } = yield* subjects
        const sleepers = given.map((_, name) => sleeper(name))
        for (const [name, { millis }] of given.entries()) alarms.set(sleepers[name]!, millis)
        for (const [name, { isCancelled }] of given.entries()) if (isCancelled) alarms.cancel(sleepers[name]!)
        yield* TestClock.adjust("2 minutes")
        const expected = given
          .map(({ isCancelled, millis }, name) => ({ isCancelled, millis, name }))
          .filter(({ isCancelled }) => !isCancelled)
          .toSorted((a, b) => a.millis - b.millis || a.name - b.name)
        assert.deepStrictEqual(rung, expected.map(({ millis, name }) => [name, millis]))
        assert.isAtMost(sleeping.most, 1)
        assert.strictEqual(sleeping.now, 0)
      }).pipe(Effect.provide(TestClock.layer()))
  )

  it.effect("nobody sleeps once the last one is cancelled, so that a process can end", () =>
    Effect.gen(function*() {
      const { alarms, rung, sleeper, sleeping } = yield* subjects
      const [one, other] = [sleeper("one"), sleeper("other")]
      alarms.set(one, 1_000)
      alarms.set(other, 2_000)
      assert.strictEqual(sleeping.now, 1)
      alarms.cancel(one)
      alarms.cancel(one)
      assert.strictEqual(sleeping.now, 1)
      alarms.cancel(other)
      yield* Effect.yieldNow
      assert.strictEqual(sleeping.now, 0)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(rung, [])
    }))

  it.effect("one that dies wakes the others all the same, and one that is woken may set the next", () =>
    Effect.gen(function*() {
      const { alarms, rung, sleeper } = yield* subjects
      alarms.set(sleeper("dies", Effect.die("on purpose")), 1_000)
      alarms.set(sleeper("sets", Effect.sync(() => alarms.set(sleeper("next"), 500))), 1_000)
      alarms.set(sleeper("last"), 2_000)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(rung, [["dies", 1_000], ["sets", 1_000], ["next", 1_500], ["last", 2_000]])
    }))

  it.effect("whoever is woken too early, and sets an alarm for the rest of the time, is woken once more", () =>
    Effect.gen(function*() {
      const { alarms, rung, sleeper } = yield* subjectsOf(10)
      alarms.set(sleeper("early", Effect.sync(() => alarms.set(sleeper("in time"), 10))), 1_000)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(rung, [["early", 990], ["in time", 1_000]])
    }))

  it.effect("who is cancelled by another one that rings at the same time is not woken", () =>
    Effect.gen(function*() {
      const { alarms, rung, sleeper } = yield* subjects
      const cancelled = sleeper("cancelled")
      alarms.set(sleeper("cancels", Effect.sync(() => alarms.cancel(cancelled))), 1_000)
      alarms.set(cancelled, 1_000)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(rung, [["cancels", 1_000]])
    }))

  it.effect("who is given another alarm by another one that rings at the same time is woken at the new time only", () =>
    Effect.gen(function*() {
      const { alarms, rung, sleeper } = yield* subjects
      const other = sleeper("other")
      alarms.set(sleeper("first", Effect.sync(() => alarms.set(other, 500))), 1_000)
      alarms.set(other, 1_000)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(rung, [["first", 1_000], ["other", 1_500]])
    }))

  it.effect("a new alarm replaces the previous one, even if it rings during `set` and its sleeper sets another", () =>
    Effect.gen(function*() {
      const { alarms, rung, sleeper, sleeping } = yield* subjects
      const again: Sleeper = sleeper("again", Effect.sync(() => alarms.set(again, 3_000)))
      alarms.set(again, 1_000)
      alarms.set(again, 0)
      assert.deepStrictEqual(rung, [["again", 0]])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(rung, [["again", 0]])
      alarms.cancel(again)
      yield* Effect.yieldNow
      assert.strictEqual(sleeping.now, 0)
    }))

  it.effect("are those of the clock", () =>
    Effect.gen(function*() {
      const { alarms, clock } = yield* subjects
      assert.strictEqual(alarmsOf(clock), alarms)
      assert.notStrictEqual(alarmsOf(yield* Clock.Clock), alarms)
    }))
})
