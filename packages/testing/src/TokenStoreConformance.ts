/**
 * Tests whether a `TokenStore.Backend` does what the processes that share it
 * need.
 *
 * @since 0.1.0
 */
import type { TokenStore } from "@effect-spotnana/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
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
 * One requirement, and the effect that fails if a store does not meet it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Case {
  /** The requirement, as a sentence. */
  readonly name: string
  /**
   * `key` is a key under which nothing was ever stored. `other` is the same store as in another process, with its own
   * connection. With it, the case also finds what a store shares only within its process. Default: `backend`.
   */
  readonly run: (
    backend: TokenStore.Backend,
    key: string,
    other?: TokenStore.Backend
  ) => Effect.Effect<void, Nonconformance | TokenStore.TokenStoreError>
}

const fail = (message: string): Effect.Effect<never, Nonconformance> => Effect.fail(new Nonconformance({ message }))

const expect = (what: string, actual: unknown, expected: unknown): Effect.Effect<void, Nonconformance> =>
  Equal.equals(actual, expected)
    ? Effect.void
    : fail(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`)

// What is checked before the end of this time must be checked within it: see `beforeItsEnd`.
const short = Duration.seconds(2)
const minute = Duration.minutes(1)
const payload = Redacted.make("payload")
const failure = Redacted.make("failure")

// The store began to count before it answered. So more than the short time has then passed by its clock too.
const shortIsOver = Effect.sleep(Duration.times(short, 1.25))

const attempts = 5

/**
 * A case that checks something before the short time is over. If the machine was so busy that the time was over before
 * the checks were, the case runs again, under another key.
 */
const beforeItsEnd = (
  run: (
    shortIsOver: Effect.Effect<void>,
    backend: TokenStore.Backend,
    key: string,
    other: TokenStore.Backend
  ) => ReturnType<Case["run"]>
): Case["run"] =>
(backend, key, other = backend) => {
  const attempt = (number: number): ReturnType<Case["run"]> =>
    Effect.suspend(() => {
      let isChecked = false
      const over = Effect.suspend(() => {
        isChecked = true
        return shortIsOver
      })
      const own = number === 1 ? key : `${key}:${number}`
      return Effect.flatMap(
        Effect.timed(Effect.exit(run(over, backend, own, other))),
        ([taken, exit]) =>
          Exit.isSuccess(exit) || isChecked || number === attempts || Duration.isLessThan(taken, short)
            ? exit
            : attempt(number + 1)
      )
    })
  return attempt(1)
}

// For what takes at most a second, unless the machine is busy.
const longestWait = Duration.seconds(10)

// What a store may lose of a text: spaces at its ends, characters that are not ASCII, everything after a zero byte,
// everything beyond some length.
const long = ` {"a":"ä€😀\\n\u0000"}${"x".repeat(65_536)}é \n`

const granted = (what: string, lease: Effect.Effect<TokenStore.Lease, TokenStore.TokenStoreError>) =>
  Effect.flatMap(lease, (lease) =>
    lease._tag === "Granted"
      ? Effect.succeed(lease.fence)
      : fail(`${what}: the lease is not granted`))

const held = (what: string, lease: Effect.Effect<TokenStore.Lease, TokenStore.TokenStoreError>) =>
  Effect.flatMap(lease, (lease) => {
    if (lease._tag === "Granted") return fail(`${what}: the lease is granted`)
    return lease._tag === "Held" ? Effect.succeed(lease) : fail(`${what}: a backoff, and no lease`)
  })

const backedOff = (what: string, lease: Effect.Effect<TokenStore.Lease, TokenStore.TokenStoreError>) =>
  Effect.flatMap(lease, (lease) => {
    if (lease._tag === "Granted") return fail(`${what}: the lease is granted`)
    return lease._tag === "Backoff" ? Effect.succeed(lease) : fail(`${what}: a lease, and no backoff`)
  })

const stored = (what: string, read: Effect.Effect<Option.Option<TokenStore.Stored>, TokenStore.TokenStoreError>) =>
  Effect.flatMap(read, (found) =>
    Option.isSome(found)
      ? Effect.succeed(found.value)
      : fail(`${what}: nothing is stored`))

const absent = (what: string, read: Effect.Effect<Option.Option<TokenStore.Stored>, TokenStore.TokenStoreError>) =>
  Effect.flatMap(read, (found) => Option.isNone(found) ? Effect.void : fail(`${what}: something is stored`))

const timeLeftIs = (what: string, actual: Duration.Duration, demand: string, isMet: boolean) =>
  isMet ? Effect.void : fail(`${what}: the time left is to be ${demand}, and is ${Duration.format(actual)}`)

const within = (what: string, { timeLeft }: { readonly timeLeft: Duration.Duration }, limit: Duration.Duration) =>
  timeLeftIs(
    what,
    timeLeft,
    `above zero and at most ${Duration.format(limit)}`,
    Duration.isPositive(timeLeft) && !Duration.isGreaterThan(timeLeft, limit)
  )

/** A minute, minus some of the time that a case takes. */
const aMinute = (what: string, { timeLeft }: { readonly timeLeft: Duration.Duration }) =>
  timeLeftIs(
    what,
    timeLeft,
    "a minute or somewhat less",
    Duration.isGreaterThan(timeLeft, Duration.seconds(30)) && !Duration.isGreaterThan(timeLeft, minute)
  )

const failureIs = (
  what: string,
  { failure }: { readonly failure: Redacted.Redacted | undefined },
  expected: string
) =>
  failure !== undefined && Redacted.value(failure) === expected
    ? Effect.void
    : fail(`${what}: the failure is ${failure === undefined ? "missing" : "another"}`)

/**
 * The requirements. Each takes up to five seconds of real time, and 10 seconds if
 * something is missing. A case that a busy machine delays by seconds runs again.
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
 *   it.live(name, () => run(backend, `test:${crypto.randomUUID()}`), 30_000)
 * }
 * ```
 *
 * @category testing
 * @since 0.1.0
 */
export const cases: ReadonlyArray<Case> = [
  {
    name: "nothing is stored at first",
    run: (backend, key) => absent("read", backend.read(key))
  },
  {
    name: "of 50 processes that ask at the same time, one gets the lease",
    run: (backend, key, other = backend) =>
      Effect.gen(function*() {
        const leases = yield* Effect.all(
          Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? backend : other).lease(key, minute)),
          { concurrency: "unbounded" }
        )
        yield* expect("leases granted", leases.filter(({ _tag }) => _tag === "Granted").length, 1)
        for (const lease of leases) {
          if (lease._tag === "Granted") continue
          yield* expect("lease", lease._tag, "Held")
          yield* aMinute("lease", lease)
        }
      })
  },
  {
    name: "what is written is read, with its fencing token as the version, and the lease is over",
    run: (backend, key, other = backend) =>
      Effect.gen(function*() {
        const fence = yield* granted("first", backend.lease(key, minute))
        yield* expect("write", yield* backend.write(key, fence, Redacted.make(long), minute), true)
        const found = yield* stored("read", other.read(key))
        yield* expect("payload is the same", Redacted.value(found.payload) === long, true)
        yield* expect("version is the fence", found.version === fence, true)
        yield* aMinute("read", found)
        const next = yield* granted("after the write", other.lease(key, minute))
        yield* expect("the fence rises", next > fence, true)
        yield* expect("write", yield* other.write(key, next, payload, minute), true)
        const replaced = yield* stored("next", backend.read(key))
        yield* expect("next version is the next fence", replaced.version === next, true)
        yield* expect("next payload", Redacted.value(replaced.payload), Redacted.value(payload))
      })
  },
  {
    name: "a lease ends with its time, and its fencing token is of no use any more",
    run: beforeItsEnd((shortIsOver, backend, key, other) =>
      Effect.gen(function*() {
        const first = yield* granted("first", backend.lease(key, short))
        yield* within("before its end", yield* held("before its end", other.lease(key, minute)), short)
        yield* shortIsOver
        yield* expect("late extension without another", yield* backend.extend(key, first, minute), false)
        yield* expect("late write without another", yield* backend.write(key, first, payload, minute), false)
        yield* backend.release(key, first, { time: minute, failure })
        const second = yield* granted("after its end", other.lease(key, minute))
        yield* expect("the fence rises", second > first, true)
        yield* expect("late write", yield* backend.write(key, first, payload, minute), false)
        yield* absent("after a late write", other.read(key))
        yield* expect("late extension", yield* backend.extend(key, first, minute), false)
        yield* backend.release(key, first)
        yield* held("after a late release", backend.lease(key, minute))
        yield* backend.release(key, first, { time: minute, failure })
        yield* held("after a late backoff", backend.lease(key, minute))
        yield* expect("write of the second", yield* other.write(key, second, payload, minute), true)
      })
    )
  },
  {
    name: "an extended lease lasts for longer",
    run: beforeItsEnd((shortIsOver, backend, key, other) =>
      Effect.gen(function*() {
        const fence = yield* granted("first", backend.lease(key, short))
        yield* expect("extension", yield* backend.extend(key, fence, minute), true)
        const before = yield* held("after the extension", other.lease(key, minute))
        yield* aMinute("after the extension", before)
        yield* shortIsOver
        const after = yield* held("after its first end", other.lease(key, minute))
        yield* timeLeftIs("later", after.timeLeft, "less", Duration.isLessThan(after.timeLeft, before.timeLeft))
        yield* expect("write", yield* backend.write(key, fence, payload, minute), true)
      })
    )
  },
  {
    name: "an extension counts from now, and may shorten the lease",
    run: beforeItsEnd((shortIsOver, backend, key, other) =>
      Effect.gen(function*() {
        const fence = yield* granted("first", backend.lease(key, minute))
        yield* expect("extension", yield* backend.extend(key, fence, short), true)
        yield* within("after the extension", yield* held("after the extension", other.lease(key, minute)), short)
        yield* shortIsOver
        yield* granted("after its end", other.lease(key, minute))
      })
    )
  },
  {
    name: "after a release the lease is free, and what is stored stays",
    run: (backend, key, other = backend) =>
      Effect.gen(function*() {
        const first = yield* granted("first", backend.lease(key, minute))
        yield* backend.write(key, first, payload, minute)
        const second = yield* granted("second", backend.lease(key, minute))
        yield* backend.release(key, second)
        yield* expect("stored", (yield* stored("after the release", other.read(key))).version, first)
        yield* expect("write after the release", yield* backend.write(key, second, payload, minute), false)
        yield* expect("extension after the release", yield* backend.extend(key, second, minute), false)
        const third = yield* granted("after the release", other.lease(key, minute))
        yield* expect("the fence rises", third > second, true)
      })
  },
  {
    name: "a backoff lasts for its time, with its failure, and what is stored stays",
    run: beforeItsEnd((shortIsOver, backend, key, other) =>
      Effect.gen(function*() {
        const first = yield* granted("first", backend.lease(key, minute))
        yield* backend.write(key, first, payload, minute)
        const second = yield* granted("second", backend.lease(key, minute))
        yield* backend.release(key, second, { time: short, failure: Redacted.make(long) })
        const backoff = yield* backedOff("in the backoff", other.lease(key, minute))
        yield* within("in the backoff", backoff, short)
        yield* failureIs("in the backoff", backoff, long)
        yield* expect("stored in the backoff", (yield* stored("in the backoff", other.read(key))).version, first)
        yield* expect("write in the backoff", yield* backend.write(key, second, payload, minute), false)
        yield* expect("extension in the backoff", yield* backend.extend(key, second, minute), false)
        yield* backend.release(key, second)
        const what = "after a release in the backoff"
        yield* failureIs(what, yield* backedOff(what, other.lease(key, minute)), long)
        yield* shortIsOver
        yield* expect("stored after the backoff", (yield* stored("after the backoff", other.read(key))).version, first)
        const third = yield* granted("after the backoff", other.lease(key, minute))
        yield* expect("the fence rises", third > second, true)
        yield* held("the next lease", backend.lease(key, minute))
      })
    )
  },
  {
    name: "what is stored ends with its time, and the next fencing token is greater all the same",
    run: beforeItsEnd((shortIsOver, backend, key, other) =>
      Effect.gen(function*() {
        const first = yield* granted("first", backend.lease(key, minute))
        yield* backend.write(key, first, payload, minute)
        const second = yield* granted("second", backend.lease(key, minute))
        yield* backend.write(key, second, payload, short)
        yield* within("before its end", yield* stored("before its end", other.read(key)), short)
        yield* shortIsOver
        yield* absent("after its end", other.read(key))
        const third = yield* granted("after its end", other.lease(key, minute))
        yield* expect("the fence rises", third > second, true)
      })
    )
  },
  {
    name: "what is stored lasts for its own time",
    run: (backend, key, other = backend) =>
      Effect.gen(function*() {
        const first = yield* granted("first", backend.lease(key, minute))
        yield* backend.write(key, first, payload, short)
        const second = yield* granted("second", backend.lease(key, minute))
        yield* backend.write(key, second, payload, minute)
        const before = yield* stored("read", other.read(key))
        yield* aMinute("read", before)
        yield* granted("third", backend.lease(key, short))
        yield* shortIsOver
        const after = yield* stored("after the end of the first, and of a lease", other.read(key))
        yield* timeLeftIs("later", after.timeLeft, "less", Duration.isLessThan(after.timeLeft, before.timeLeft))
      })
  },
  {
    name: "a lease may last for longer than what is stored",
    run: (backend, key, other = backend) =>
      Effect.gen(function*() {
        const first = yield* granted("first", backend.lease(key, minute))
        yield* backend.write(key, first, payload, short)
        const second = yield* granted("second", backend.lease(key, minute))
        yield* shortIsOver
        yield* held("after the end of what is stored", other.lease(key, minute))
        yield* expect("write", yield* backend.write(key, second, payload, minute), true)
      })
  },
  {
    name: "what is done under one key changes nothing under another",
    run: (backend, key, other = backend) =>
      Effect.gen(function*() {
        // Endings that a store may decode, quote wrongly, or cut off.
        const endings = ["", ":other", "%3Aother", ":o'ther", ":o_ther", `${"x".repeat(100)}1`, `${"x".repeat(100)}2`]
        for (const ending of endings) {
          yield* absent(`key ${ending}`, backend.read(key + ending))
          const fence = yield* granted(`key ${ending}`, backend.lease(key + ending, minute))
          yield* backend.write(key + ending, fence, Redacted.make(ending), minute)
        }
        for (const ending of endings) {
          const found = yield* stored(`key ${ending}`, other.read(key + ending))
          yield* expect(`key ${ending}: payload`, Redacted.value(found.payload), ending)
        }
      })
  },
  {
    name: "changes are published",
    run: (backend, key, other = backend) => {
      const heard = (what: string, element: Effect.Effect<unknown, TokenStore.TokenStoreError>) =>
        Effect.flatMap(
          Effect.timeoutOption(element, longestWait),
          (element) => Option.isSome(element) ? Effect.void : fail(`${what} is not published`)
        )
      const published = (
        what: string,
        change: (key: string, fence: number) => Effect.Effect<unknown, TokenStore.TokenStoreError>
      ) =>
        Effect.gen(function*() {
          const own = `${key}:${what.replaceAll(" ", "-")}`
          const fence = yield* granted("lease", backend.lease(own, minute))
          const stream = yield* other.changes(own)
          // Before anything is taken from the stream, because the subscription is active already.
          yield* change(own, fence)
          yield* heard(
            what,
            Effect.flatMap(
              Stream.runHead(stream),
              Option.match({
                onNone: () => Effect.never,
                onSome: Effect.succeed
              })
            )
          )
        }).pipe(Effect.scoped)
      const write = Effect.flatMap(
        granted("lease", backend.lease(key, minute)),
        (fence) => backend.write(key, fence, payload, minute)
      )
      const publishedAgain = Effect.gen(function*() {
        const elements = yield* Queue.unbounded<unknown>()
        const stream = yield* other.changes(key)
        yield* Effect.forkScoped(Stream.runForEach(stream, (element) => Queue.offer(elements, element)))
        yield* write
        yield* heard("a write", Queue.take(elements))
        yield* Queue.clear(elements)
        yield* write
        yield* heard("a second write", Queue.take(elements))
      }).pipe(Effect.scoped)
      return Effect.all([
        published("a write", (key, fence) => backend.write(key, fence, payload, minute)),
        published("a release", (key, fence) => backend.release(key, fence)),
        published("a backoff", (key, fence) => backend.release(key, fence, { time: minute, failure })),
        publishedAgain
      ], { concurrency: "unbounded", discard: true })
    }
  },
  {
    name: "processes write one at a time, and every read finds the latest version, whole",
    run: (backend, key, other = backend) =>
      Effect.gen(function*() {
        const textOf = (version: number) => `${version}${"-".repeat(10_000)}${version}`
        const writes = 10
        let written = 0
        let holder: number | undefined
        let lastFence = 0
        // A read that begins now finds this version, or a later one.
        let known = 0
        const write = (backend: TokenStore.Backend) =>
          Effect.gen(function*() {
            const lease = yield* backend.lease(key, minute)
            if (lease._tag !== "Granted") return yield* Effect.sleep("1 millis")
            const { fence } = lease
            yield* expect("holders beside this one", holder === undefined ? 0 : 1, 0)
            yield* expect("the fence rises", fence > lastFence, true)
            holder = lastFence = fence
            yield* Effect.yieldNow
            holder = undefined
            yield* expect("write", yield* backend.write(key, fence, Redacted.make(textOf(fence)), minute), true)
            known = Math.max(known, fence)
            written++
          })
        const read = (backend: TokenStore.Backend) =>
          Effect.gen(function*() {
            const atLeast = known
            const { payload, version } = yield* stored("read during writes", backend.read(key))
            yield* expect("an older version is read after a newer one", version < atLeast, false)
            yield* expect("payload of this version", Redacted.value(payload) === textOf(version), true)
            known = Math.max(known, version)
            yield* Effect.sleep("1 millis")
          })
        const untilDone = <E>(effect: Effect.Effect<void, E>) =>
          Effect.whileLoop({ while: () => written < writes, body: () => effect, step: () => {} })
        yield* write(backend)
        yield* Effect.all(
          [backend, other, backend, other].flatMap((backend) => [untilDone(write(backend)), untilDone(read(backend))]),
          { concurrency: "unbounded", discard: true }
        ).pipe(
          Effect.timeoutOrElse({
            duration: longestWait,
            orElse: () => fail(`writes within ${Duration.format(longestWait)}: expected ${writes}, got ${written}`)
          })
        )
      })
  }
]
