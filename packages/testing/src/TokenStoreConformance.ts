/**
 * Tells whether a `TokenStore.Backend` does what the processes that share it rely on.
 *
 * @since 0.1.0
 */
import type { TokenStore } from "@effect-spotnana/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/**
 * What a store did, and what it should have done.
 *
 * @category errors
 * @since 0.1.0
 */
export class Nonconformance extends Schema.TaggedError<Nonconformance>()("Nonconformance", {
  message: Schema.String
}) {}

/**
 * One demand, and the effect that fails where a store does not meet it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Case {
  readonly name: string
  /** `key` is one that nothing was ever stored under. */
  readonly run: (
    backend: TokenStore.Backend,
    key: string
  ) => Effect.Effect<void, Nonconformance | TokenStore.TokenStoreError>
}

const expect = (what: string, actual: unknown, expected: unknown): Effect.Effect<void, Nonconformance> =>
  Equal.equals(actual, expected)
    ? Effect.void
    : Effect.fail(
      new Nonconformance({ message: `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}` })
    )

const short = Duration.millis(300)
const minute = Duration.minutes(1)
const payload = Redacted.make("payload")

const granted = (what: string, lease: Effect.Effect<TokenStore.Lease, TokenStore.TokenStoreError>) =>
  Effect.flatMap(lease, (lease) =>
    lease._tag === "Granted"
      ? Effect.succeed(lease.fence)
      : Effect.fail(new Nonconformance({ message: `${what}: the lease is not granted` })))

const held = (what: string, lease: Effect.Effect<TokenStore.Lease, TokenStore.TokenStoreError>) =>
  Effect.flatMap(lease, (lease) =>
    lease._tag === "Held"
      ? Effect.succeed(lease)
      : Effect.fail(new Nonconformance({ message: `${what}: the lease is granted` })))

const stored = (what: string, read: Effect.Effect<Option.Option<TokenStore.Stored>, TokenStore.TokenStoreError>) =>
  Effect.flatMap(read, (found) =>
    Option.isSome(found)
      ? Effect.succeed(found.value)
      : Effect.fail(new Nonconformance({ message: `${what}: nothing is stored` })))

const within = (what: string, time: Duration.Duration, limit: Duration.Duration) =>
  expect(
    `${what}: the time left is above zero and at most ${Duration.format(limit)} (it is ${Duration.format(time)})`,
    Duration.isPositive(time) && !Duration.isGreaterThan(time, limit),
    true
  )

const absent = (what: string, backend: TokenStore.Backend, key: string) =>
  Effect.flatMap(backend.read(key), (found) => expect(what, Option.isNone(found), true))

/**
 * The demands. Each takes a second at most, and real time.
 *
 * **Example** (With vitest)
 *
 * ```ts
 * import type { TokenStore } from "@effect-spotnana/core"
 * import { TokenStoreConformance } from "@effect-spotnana/testing"
 * import { it } from "@effect/vitest"
 *
 * declare const backend: TokenStore.Backend
 *
 * for (const { name, run } of TokenStoreConformance.cases) {
 *   it.live(name, () => run(backend, `test:${crypto.randomUUID()}`))
 * }
 * ```
 *
 * @category testing
 * @since 0.1.0
 */
export const cases: ReadonlyArray<Case> = [
  {
    name: "nothing is stored at first",
    run: (backend, key) => absent("read", backend, key)
  },
  {
    name: "of many who ask at once one gets the lease",
    run: (backend, key) =>
      Effect.gen(function*() {
        const leases = yield* Effect.all(Array.from({ length: 50 }, () => backend.lease(key, minute)), {
          concurrency: "unbounded"
        })
        yield* expect("leases granted", leases.filter(({ _tag }) => _tag === "Granted").length, 1)
        for (const lease of leases) {
          if (lease._tag === "Granted") continue
          yield* within("lease", lease.timeLeft, minute)
          yield* expect("a note without a pause", lease.note === undefined, true)
        }
      })
  },
  {
    name: "what is written is read, with the fence for a version, and the lease is over",
    run: (backend, key) =>
      Effect.gen(function*() {
        const text = Redacted.make(`{"a":"ä€😀\\n\u0000"}${"x".repeat(65_536)}`)
        const fence = yield* granted("first", backend.lease(key, minute))
        yield* expect("write", yield* backend.write(key, fence, text, minute), true)
        const found = yield* stored("read", backend.read(key))
        yield* expect("payload", Redacted.value(found.payload) === Redacted.value(text), true)
        yield* expect("version", found.version, fence)
        yield* expect("rejected", found.rejected, false)
        yield* within("read", found.timeLeft, minute)
        const next = yield* granted("after the write", backend.lease(key, minute))
        yield* expect("the fence rises", next > fence, true)
        yield* expect("write", yield* backend.write(key, next, payload, minute), true)
        yield* expect("version", (yield* stored("read", backend.read(key))).version, next)
      })
  },
  {
    name: "a lease ends with its time; who had it can do nothing any more",
    run: (backend, key) =>
      Effect.gen(function*() {
        const first = yield* granted("first", backend.lease(key, short))
        yield* held("before its end", backend.lease(key, minute))
        yield* Effect.sleep(Duration.times(short, 2))
        yield* expect("late write without another", yield* backend.write(key, first, payload, minute), false)
        const second = yield* granted("after its end", backend.lease(key, minute))
        yield* expect("the fence rises", second > first, true)
        yield* expect("late write", yield* backend.write(key, first, payload, minute), false)
        yield* expect("late extension", yield* backend.extend(key, first, minute), false)
        yield* backend.release(key, first)
        yield* held("after a late release", backend.lease(key, minute))
        yield* backend.release(key, first, { time: minute, note: payload })
        const lease = yield* held("after a late pause", backend.lease(key, minute))
        yield* expect("a note", lease.note === undefined, true)
        yield* absent("after a late write", backend, key)
        yield* expect("write of the second", yield* backend.write(key, second, payload, minute), true)
      })
  },
  {
    name: "an extended lease goes on",
    run: (backend, key) =>
      Effect.gen(function*() {
        const fence = yield* granted("first", backend.lease(key, short))
        yield* expect("extension", yield* backend.extend(key, fence, minute), true)
        yield* Effect.sleep(Duration.times(short, 2))
        yield* held("after its first end", backend.lease(key, minute))
        yield* expect("write", yield* backend.write(key, fence, payload, minute), true)
      })
  },
  {
    name: "a lease that is released is free",
    run: (backend, key) =>
      Effect.gen(function*() {
        const fence = yield* granted("first", backend.lease(key, minute))
        yield* backend.release(key, fence)
        const next = yield* granted("after the release", backend.lease(key, minute))
        yield* expect("the fence rises", next > fence, true)
      })
  },
  {
    name: "a pause holds for its time, with its note, and keeps what is stored",
    run: (backend, key) =>
      Effect.gen(function*() {
        const first = yield* granted("first", backend.lease(key, minute))
        yield* backend.write(key, first, payload, minute)
        const second = yield* granted("second", backend.lease(key, minute))
        yield* backend.release(key, second, { time: short, note: Redacted.make("why") })
        const lease = yield* held("during the pause", backend.lease(key, minute))
        yield* within("pause", lease.timeLeft, short)
        yield* expect("note", lease.note === undefined ? undefined : Redacted.value(lease.note), "why")
        yield* expect("stored", (yield* stored("read", backend.read(key))).version, first)
        yield* expect("write in the pause", yield* backend.write(key, second, payload, minute), false)
        yield* Effect.sleep(Duration.times(short, 2))
        yield* granted("after the pause", backend.lease(key, minute))
      })
  },
  {
    name: "what is stored ends with its time",
    run: (backend, key) =>
      Effect.gen(function*() {
        const fence = yield* granted("first", backend.lease(key, minute))
        yield* backend.write(key, fence, payload, short)
        yield* within("read", (yield* stored("before its end", backend.read(key))).timeLeft, short)
        yield* Effect.sleep(Duration.times(short, 2))
        yield* absent("after its end", backend, key)
      })
  },
  {
    name: "a rejection is of one version, and ends with the next",
    run: (backend, key) =>
      Effect.gen(function*() {
        yield* backend.reject(key, 1)
        yield* absent("after a rejection of nothing", backend, key)
        const first = yield* granted("first", backend.lease(key, minute))
        yield* backend.write(key, first, payload, minute)
        yield* backend.reject(key, first)
        yield* backend.reject(key, first)
        const found = yield* stored("rejected", backend.read(key))
        yield* expect("rejected", [found.rejected, found.version], [true, first])
        const second = yield* granted("second", backend.lease(key, minute))
        yield* backend.write(key, second, payload, minute)
        yield* backend.reject(key, first)
        const next = yield* stored("next", backend.read(key))
        yield* expect("rejected by a late rejection", [next.rejected, next.version], [false, second])
      })
  },
  {
    name: "keys have nothing to do with each other",
    run: (backend, key) =>
      Effect.gen(function*() {
        const fence = yield* granted("first", backend.lease(key, minute))
        yield* granted("of another key", backend.lease(`${key}:other`, minute))
        yield* backend.write(key, fence, payload, minute)
        yield* absent("another key", backend, `${key}:other`)
      })
  },
  {
    name: "changes are told",
    run: (backend, key) =>
      Effect.gen(function*() {
        const told = (what: string, change: Effect.Effect<unknown, TokenStore.TokenStoreError>) =>
          Effect.gen(function*() {
            const stream = yield* backend.changes(key)
            const element = yield* Effect.forkChild(Stream.runHead(stream))
            yield* change
            const head = yield* Effect.timeoutOption(Fiber.join(element), "2 seconds")
            yield* expect(what, Option.isSome(head), true)
          }).pipe(Effect.scoped)
        const first = yield* granted("first", backend.lease(key, minute))
        yield* told("a write", backend.write(key, first, payload, minute))
        yield* told("a rejection", backend.reject(key, first))
        const second = yield* granted("second", backend.lease(key, minute))
        yield* told("a release", backend.release(key, second))
        const third = yield* granted("third", backend.lease(key, minute))
        yield* told("a pause", backend.release(key, third, { time: short, note: payload }))
      })
  }
]
