// How one process acquires a token through a store, step by step. What a whole fleet does is in `sharing.test.ts`.
import { AuthError, Environment, RedisTokenStore, TokenStore } from "@effect-spotnana/effect3"
import { assert, describe, it } from "@effect/vitest"
import {
  Clock,
  Config,
  Context,
  DateTime,
  Deferred,
  Duration,
  Effect,
  Either,
  Fiber,
  HashMap,
  Layer,
  Logger,
  Option,
  Redacted,
  Schedule,
  Stream,
  TestClock,
  TestServices
} from "effect"
import type { Scope } from "effect"
import { createHash, randomBytes } from "node:crypto"
import type { Grant } from "../src/internal/tokenEndpoint/requestToken.ts"
import type { Endpoint } from "../src/internal/tokenStore/keys.ts"
import type { Request } from "../src/internal/tokenStore/sharing.ts"
import { skewable } from "./support/harness.ts"

type Backend = TokenStore.Backend

const credentials = { clientId: "client", clientSecret: Redacted.make("s3cr3t") }
const request: Request = { laterThan: 0, retryDelay: () => 30_000 }
const lifetime = Duration.minutes(10)

const memory = Effect.map(
  Effect.provide(TokenStore.TokenStore, Layer.fresh(TokenStore.layerMemory)),
  ({ backend }) => backend
)

/** A store of one's own that has no key, as the layer provides it. */
const storeOf = (backend: Backend) =>
  Effect.map(
    Layer.build(Layer.fresh(TokenStore.layer(Effect.succeed(backend)))),
    (services) => Context.get(services, TokenStore.TokenStore)
  )

let issued = 0

interface Options {
  readonly endpoint?: Partial<Endpoint>
  /** How long a token request takes. */
  readonly latency?: Duration.DurationInput
  readonly failure?: AuthError.TokenEndpointError
}

/** A process on a store, and how many token requests it has made. */
const join = (store: TokenStore.TokenStore["Type"], options: Options = {}) =>
  Effect.gen(function*() {
    const requests = { count: 0 }
    const acquire = Effect.gen(function*() {
      requests.count += 1
      const issuedAt = yield* DateTime.now
      yield* Effect.sleep(options.latency ?? 0)
      if (options.failure !== undefined) return yield* Effect.fail(options.failure)
      return {
        value: Redacted.make(`t0k3n-${issued += 1}`),
        issuedAt,
        expiresAt: DateTime.addDuration(issuedAt, lifetime),
        scope: undefined
      }
    })
    const endpoint = { environment: Environment.production, acquire: () => acquire, ...options.endpoint }
    const sharing = yield* store.share(store.backend, endpoint)
    return { ...sharing, requests }
  })

const tokenOf = (result: Either.Either<Grant, AuthError.TokenEndpointError>) =>
  Redacted.value(Either.getOrThrow(result).token.value)

/** The result of an effect that needs so much time, or `undefined` if it needs more. */
const within = <A, E>(time: Duration.DurationInput, effect: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkScoped(effect)
    yield* TestClock.adjust(time)
    return fiber.unsafePoll() === null ? undefined : yield* Fiber.join(fiber)
  })

/** Runs an effect, and gives its log: each message with its reason. */
const logOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make(({ annotations, message }) =>
      void lines.push([message, Option.toArray(HashMap.get(annotations, "reason"))].flat(2).join(": "))
    )
    return Effect.as(Effect.provide(effect, Logger.replace(Logger.defaultLogger, logger)), lines)
  })
const unavailable = "The token store cannot be used; this process requests tokens by itself until it can"
const available = "The token store can be used again"

/** Counts the operations of a store. */
const counted = (backend: Backend) => {
  const operations = { count: 0 }
  const counting = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      operations.count += 1
      return effect
    })
  return {
    operations,
    backend: {
      ...backend,
      read: (key) => counting(backend.read(key)),
      lease: (key, time) => counting(backend.lease(key, time)),
      extend: (key, fence, time) => counting(backend.extend(key, fence, time)),
      write: (key, fence, payload, time) => counting(backend.write(key, fence, payload, time)),
      release: (key, fence, backoff) => counting(backend.release(key, fence, backoff))
    } satisfies Backend as Backend
  }
}

describe("what a process asks of a store", () => {
  it.scoped("is nothing while it has a token and nobody stores another one", () =>
    Effect.gen(function*() {
      const { backend, operations } = counted(yield* memory)
      const process = yield* join(yield* storeOf(backend))
      yield* process.acquire(credentials, request)
      yield* TestClock.adjust("1 second")
      operations.count = 0
      yield* TestClock.adjust("1 day")
      assert.strictEqual(operations.count, 0)
    }))

  it.scoped("is one read for each token that another process stores, and none for its own", () =>
    Effect.gen(function*() {
      const backend = yield* memory
      const [one, two] = [counted(backend), counted(backend)]
      const writer = yield* join(yield* storeOf(one.backend))
      const reader = yield* join(yield* storeOf(two.backend))
      const first = Either.getOrThrow(yield* writer.acquire(credentials, request))
      yield* reader.acquire(credentials, request)
      yield* TestClock.adjust("1 second")
      one.operations.count = two.operations.count = 0
      yield* writer.acquire(credentials, { ...request, laterThan: first.version })
      yield* TestClock.adjust("1 second")
      // Look, lease, look under the lease, write.
      assert.deepStrictEqual([one.operations.count, two.operations.count], [4, 1])
    }))

  it.scoped("is nothing when another process gives back a lease, as it found a token in the store", () =>
    Effect.gen(function*() {
      const inner = yield* memory
      const watching = counted(inner)
      const watcher = yield* join(yield* storeOf(watching.backend))
      const first = Either.getOrThrow(yield* watcher.acquire(credentials, request))
      yield* TestClock.adjust("1 second")
      watching.operations.count = 0
      // What is there is found under the lease only, as if it had been written between look and lease.
      let looks = 0
      const late = yield* join(
        yield* storeOf({
          ...inner,
          read: (key) => Effect.suspend(() => looks++ === 0 ? Effect.succeedNone : inner.read(key))
        })
      )
      const found = yield* late.acquire(credentials, request)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(Either.getOrThrow(found).version, first.version)
      assert.strictEqual(late.requests.count, 0)
      assert.strictEqual(watching.operations.count, 0)
    }))

  it.scoped("comes at moments of its own when the store is back: of 30 processes no 10 at once", () =>
    Effect.gen(function*() {
      const inner = yield* memory
      let outage: Effect.Effect<void, TokenStore.TokenStoreError> = Effect.void
      const moments: Array<number> = []
      const backend: Backend = {
        ...inner,
        read: (key) =>
          Effect.gen(function*() {
            yield* outage
            moments.push(yield* Clock.currentTimeMillis)
            return yield* inner.read(key)
          }),
        changes: (key) =>
          Effect.gen(function*() {
            yield* Effect.suspend(() => outage)
            return Stream.merge(
              yield* inner.changes(key),
              Stream.drain(
                Stream.repeatEffectWithSchedule(Effect.suspend(() => outage), Schedule.spaced("1 second"))
              )
            )
          })
      }
      const store = yield* storeOf(backend)
      const processes = yield* Effect.all(Array.from({ length: 30 }, () => join(store)))
      yield* Effect.forkScoped(
        Effect.forEach(processes, (process) => process.acquire(credentials, request), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("3 seconds")
      outage = Effect.fail(new TokenStore.TokenStoreError({ message: "restarting" }))
      yield* TestClock.adjust("4 seconds")
      outage = Effect.void
      moments.length = 0
      yield* TestClock.adjust("4 seconds")
      assert.isAtLeast(moments.length, 30)
      for (const moment of moments) assert.isBelow(moments.filter((other) => other === moment).length, 10)
    }))

  it.scoped("where subscriptions are refused is two reads every half minute", () =>
    Effect.gen(function*() {
      const { backend, operations } = counted({
        ...yield* memory,
        changes: () => Effect.fail(new TokenStore.TokenStoreError({ message: "NOPERM" }))
      })
      const process = yield* join(yield* storeOf(backend))
      yield* process.acquire(credentials, request)
      yield* TestClock.adjust("5 minutes")
      operations.count = 0
      yield* TestClock.adjust("1 hour")
      assert.isBelow(operations.count, 2 * 150)
    }))
})

describe("a store that can be read, and not written", () => {
  const reasons = ["The disk is full", "READONLY You can't write against a read only replica."]
  for (const reason of reasons) {
    it.scoped(`counts as unavailable until it can be written, with one warning: ${reason}`, () =>
      Effect.gen(function*() {
        const inner = yield* memory
        let isFull = true
        const write = Effect.suspend(() =>
          isFull ? Effect.fail(new TokenStore.TokenStoreError({ message: reason })) : Effect.void
        )
        const backend: Backend = {
          ...inner,
          lease: (key, time) => Effect.andThen(write, inner.lease(key, time)),
          write: (...args) => Effect.andThen(write, inner.write(...args)),
          release: (...args) => Effect.andThen(write, inner.release(...args))
        }
        const log = yield* logOf(Effect.gen(function*() {
          const process = yield* join(yield* storeOf(backend))
          for (let times = 0; times < 3; times++) {
            assert.strictEqual(Either.getOrThrow(yield* process.acquire(credentials, request)).version, 0)
            yield* TestClock.adjust("1 minute")
          }
          isFull = false
          yield* TestClock.adjust("2 seconds")
          assert.isAbove(Either.getOrThrow(yield* process.acquire(credentials, request)).version, 0)
        }))
        assert.deepStrictEqual(log, [`${unavailable}: ${reason}`, available])
      }))
  }

  it.scoped("forges no line of the log with what it says", () =>
    Effect.gen(function*() {
      const inner = yield* memory
      const broken = new TokenStore.TokenStoreError({ message: "full\n2026-01-01 ERROR\u001b[2J \u2028forged" })
      const log = yield* logOf(Effect.gen(function*() {
        const process = yield* join(yield* storeOf({ ...inner, lease: () => Effect.fail(broken) }))
        yield* process.acquire(credentials, request)
      }))
      assert.deepStrictEqual(log, [`${unavailable}: full 2026-01-01 ERROR [2J  forged`])
    }))

  it.scoped("is not used again for a lease that it still holds: the write failed, and the lease is there", () =>
    Effect.gen(function*() {
      const backend: Backend = {
        ...yield* memory,
        write: () => Effect.fail(new TokenStore.TokenStoreError({ message: "The disk is full" }))
      }
      const log = yield* logOf(Effect.gen(function*() {
        const process = yield* join(yield* storeOf(backend))
        yield* process.acquire(credentials, request)
        yield* TestClock.adjust("4 seconds")
      }))
      assert.deepStrictEqual(log, [`${unavailable}: The disk is full`])
    }))
})

describe("a store with a defect", () => {
  const dies = () => Effect.die(new Error("a bug"))
  const throws = () => {
    throw new Error("a bug")
  }
  const defects = { "that dies": dies, "that throws": throws }
  const operations = ["read", "lease", "extend", "write", "release", "changes"] as const
  const cases = Object.entries(defects).flatMap(([how, defect]) =>
    operations.map((operation) => [`${operation} ${how}`, operation, defect] as const)
  )

  it.scoped.each(cases)(
    "counts as unavailable, and every process gets its token: %s",
    ([, operation, defect]) =>
      Effect.gen(function*() {
        const process = yield* join(yield* storeOf({ ...yield* memory, [operation]: defect }), { latency: "3 seconds" })
        for (let times = 0; times < 3; times++) {
          const acquired = yield* within("20 seconds", process.acquire(credentials, { ...request, laterThan: times }))
          assert.isTrue(acquired !== undefined && Either.isRight(acquired))
        }
      })
  )

  for (const answer of [null, "OK", 7, [1, 0, "abc"], [1, 0, "9007199254740993"], {}]) {
    it.scoped(`whose Redis answers ${JSON.stringify(answer)} is reported once, and the process goes on alone`, () =>
      Effect.gen(function*() {
        const client = { eval: () => Promise.resolve(answer), subscribe: () => Promise.resolve(() => {}) }
        const log = yield* logOf(Effect.gen(function*() {
          const services = yield* Layer.build(
            RedisTokenStore.layerClient(Effect.succeed(client), {
              keys: Config.succeed([Redacted.make(new Uint8Array(32))])
            })
          )
          const process = yield* join(Context.get(services, TokenStore.TokenStore))
          // The client's promises are not simulated.
          const acquired = yield* TestServices.provideLive(process.acquire(credentials, request))
          assert.isTrue(Either.isRight(acquired))
        }))
        assert.strictEqual(log.length, 1)
        assert.include(log[0], unavailable)
      }))
  }
})

describe("the time of a stored token", () => {
  it.scoped("invariant 10: with a clock that is set back in the middle of the token request, no process is handed the token after its end", () =>
    Effect.gen(function*() {
      const clock = yield* skewable
      yield* Effect.gen(function*() {
        const store = yield* storeOf(yield* memory)
        const one = yield* join(store, { latency: "4 seconds" })
        const acquiring = yield* Effect.forkScoped(one.acquire(credentials, request))
        yield* TestClock.adjust("2 seconds")
        yield* clock.jump(-3_600_000)
        yield* TestClock.adjust("2 seconds")
        const first = tokenOf(yield* Fiber.join(acquiring))
        yield* TestClock.adjust("1803 seconds")
        const two = yield* join(store)
        assert.notStrictEqual(tokenOf(yield* two.acquire(credentials, request)), first)
        assert.strictEqual(two.requests.count, 1)
      }).pipe(clock.withClock)
    }))

  for (const jump of [-3_600_000, 0, 3_000]) {
    it.scoped(`invariant 10: what is stored is the time that is left by the clock that is further on, with a step of ${jump} ms in the request`, () =>
      Effect.gen(function*() {
        const clock = yield* skewable
        yield* Effect.gen(function*() {
          const backend = yield* memory
          const times: Array<number> = []
          const store = yield* storeOf({
            ...backend,
            write: (key, fence, payload, time) => {
              times.push(Duration.toMillis(time))
              return backend.write(key, fence, payload, time)
            }
          })
          const process = yield* join(store, { latency: "4 seconds" })
          yield* Effect.forkScoped(process.acquire(credentials, request))
          yield* TestClock.adjust("2 seconds")
          yield* clock.jump(jump)
          yield* TestClock.adjust("2 seconds")
          assert.deepStrictEqual(times, [600_000 - 4_000 - Math.max(0, jump)])
        }).pipe(clock.withClock)
      }))
  }

  it.scoped("invariant 10: another process counts the age of a token from right before its request", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* memory)
      const one = yield* join(store, { latency: "4 seconds" })
      const own = Either.getOrThrow((yield* within("4 seconds", one.acquire(credentials, request)))!)
      yield* TestClock.adjust("1 minute")
      const two = yield* join(store)
      const shared = Either.getOrThrow(yield* two.acquire(credentials, request))
      assert.strictEqual(two.requests.count, 0)
      assert.deepStrictEqual(
        [shared.startedAt, shared.lifetime, shared.version],
        [own.startedAt, own.lifetime, own.version]
      )
      assert.deepStrictEqual([own.isShared, shared.isShared], [false, true])
      assert.deepStrictEqual(shared.token.expiresAt, own.token.expiresAt)
    }))

  it.scoped("invariant 3: a token is taken from the store only while it can be used", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* memory)
      yield* (yield* join(store)).acquire(credentials, request)
      // Ten minutes less the last second and the leeway.
      yield* TestClock.adjust("9 minutes")
      const early = yield* join(store)
      yield* early.acquire(credentials, request)
      assert.strictEqual(early.requests.count, 0)
      yield* TestClock.adjust("54 seconds")
      const late = yield* join(store)
      yield* late.acquire(credentials, request)
      assert.strictEqual(late.requests.count, 1)
      const demanding = yield* join(store)
      yield* TestClock.adjust("1 minute")
      yield* demanding.acquire(credentials, { ...request, usableLifetime: () => 59_000 })
      assert.strictEqual(demanding.requests.count, 1)
    }))

  it.scoped("invariant 10: a store that says otherwise makes no token live longer", () =>
    Effect.gen(function*() {
      const backend = yield* memory
      yield* (yield* join(yield* storeOf(backend))).acquire(credentials, request)
      let payload: TokenStore.Stored | undefined
      const lying: Backend = {
        ...backend,
        read: (key) =>
          Effect.map(backend.read(key), (found) => {
            payload ??= Option.getOrUndefined(found)
            return Option.map(Option.fromNullable(payload), (stored) => ({ ...stored, timeLeft: Duration.days(1) }))
          })
      }
      yield* TestClock.adjust("1 minute")
      const early = Either.getOrThrow(yield* (yield* join(yield* storeOf(lying))).acquire(credentials, request))
      assert.strictEqual(early.isShared, true)
      assert.strictEqual(early.startedAt.wall, 0)
      yield* TestClock.adjust("10 minutes")
      const late = yield* join(yield* storeOf(lying))
      yield* late.acquire(credentials, request)
      assert.strictEqual(late.requests.count, 1)
    }))
})

describe("which stored token is taken", () => {
  it.scoped("invariant 7: one with a later version than the token that was rejected, and no other", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* memory)
      const [one, two, three] = [yield* join(store), yield* join(store), yield* join(store)]
      const first = Either.getOrThrow(yield* one.acquire(credentials, request))
      const again = Either.getOrThrow(yield* two.acquire(credentials, request))
      assert.strictEqual(again.version, first.version)
      const second = Either.getOrThrow(yield* two.acquire(credentials, { ...request, laterThan: first.version }))
      const third = Either.getOrThrow(yield* three.acquire(credentials, { ...request, laterThan: first.version }))
      assert.isAbove(second.version, first.version)
      assert.strictEqual(third.version, second.version)
      assert.deepStrictEqual([one, two, three].map(({ requests }) => requests.count), [1, 1, 0])
    }))

  it.scoped("invariant 3: not one that was requested before this process requested its own while the store was unavailable", () =>
    Effect.gen(function*() {
      const backend = yield* memory
      let outage: Effect.Effect<void, TokenStore.TokenStoreError> = Effect.void
      const failing: Backend = {
        ...backend,
        read: (key) => Effect.andThen(Effect.suspend(() => outage), backend.read(key))
      }
      yield* (yield* join(yield* storeOf(backend))).acquire(credentials, request)
      yield* TestClock.adjust("1 minute")
      outage = Effect.fail(new TokenStore.TokenStoreError({ message: "refused" }))
      const cutOff = yield* join(yield* storeOf(failing))
      const own = Either.getOrThrow(yield* cutOff.acquire(credentials, request))
      assert.strictEqual(own.version, 0)
      outage = Effect.void
      yield* TestClock.adjust("1 minute")
      const next = Either.getOrThrow(yield* cutOff.acquire(credentials, request))
      assert.isFalse(next.isShared)
      assert.isAbove(next.version, 0)
      assert.strictEqual(cutOff.requests.count, 2)
    }))

  it.scoped("an entry from before the format had a version counts as absent", () =>
    Effect.gen(function*() {
      const backend = yield* memory
      let key = ""
      const spying = yield* storeOf({
        ...backend,
        read: (of) => {
          key = of
          return backend.read(of)
        }
      })
      const one = yield* join(spying)
      yield* one.acquire(credentials, request)
      const lease = yield* backend.lease(key, Duration.minutes(1))
      assert(lease._tag === "Granted")
      const old = Redacted.make(JSON.stringify({ value: "old", lifetime: 3_600_000 }))
      yield* backend.write(key, lease.fence, old, Duration.hours(1))
      const two = yield* join(spying)
      assert.notStrictEqual(tokenOf(yield* two.acquire(credentials, request)), "old")
      assert.strictEqual(two.requests.count, 1)
    }))

  const encryptions: ReadonlyArray<
    readonly [string, (backend: Backend) => Effect.Effect<Backend, never, Scope.Scope>]
  > = [
    ["encrypted", (backend) => TokenStore.encrypted(backend, [Redacted.make<Uint8Array>(randomBytes(32))])],
    ["plain", Effect.succeed]
  ]
  it.scoped.each(encryptions)(
    "an old entry that is put back does not live again: %s store",
    ([, encryption]) =>
      Effect.gen(function*() {
        const backend = yield* memory
        let stored: TokenStore.Stored | undefined
        let putBack: ((entry: TokenStore.Stored) => TokenStore.Stored) | undefined
        const tampered: Backend = {
          ...backend,
          read: (key) =>
            Effect.map(backend.read(key), (found) => {
              if (putBack !== undefined) return Option.some(putBack(stored!))
              stored ??= Option.getOrUndefined(found)
              return found
            })
        }
        const store = yield* storeOf(yield* encryption(tampered))
        const first = Either.getOrThrow(yield* (yield* join(store)).acquire(credentials, request))
        const late = yield* join(store)
        yield* late.acquire(credentials, request)
        assert.strictEqual(late.requests.count, 0)

        // As the version after it: what is stored is bound to its fencing token.
        putBack = (entry) => ({ ...entry, version: entry.version + 1 })
        const relabelled = yield* join(store)
        yield* relabelled.acquire(credentials, { ...request, laterThan: first.version })
        assert.strictEqual(relabelled.requests.count, 1)

        // As it was, with all the time that it had: its end of life is in it.
        putBack = (entry) => entry
        const early = yield* join(store)
        yield* early.acquire(credentials, request)
        assert.strictEqual(early.requests.count, 0)
        yield* TestClock.adjust(lifetime)
        const expired = yield* join(store)
        yield* expired.acquire(credentials, request)
        assert.strictEqual(expired.requests.count, 1)
      })
  )
})

describe("a lease that does not end", () => {
  const endings: ReadonlyArray<readonly [string, TokenStore.Lease, string]> = [
    ["has no end", { _tag: "Held", timeLeft: Duration.infinity }, "never ends"],
    ["ends in years", { _tag: "Held", timeLeft: Duration.days(1_000) }, "ends in 1000d"],
    [
      "is a backoff without an end",
      { _tag: "Backoff", timeLeft: Duration.infinity, failure: Redacted.make("{}") },
      "never ends"
    ]
  ]
  for (const [title, lease, says] of endings) {
    it.scoped(`is recognised at once when it ${title}: one warning, and the process goes on alone until the lease is gone`, () =>
      Effect.gen(function*() {
        const backend = yield* memory
        let stuck = true
        const { backend: broken, operations } = counted({
          ...backend,
          lease: (key, time) => Effect.suspend(() => stuck ? Effect.succeed(lease) : backend.lease(key, time))
        })
        const log = yield* logOf(Effect.gen(function*() {
          const process = yield* join(yield* storeOf(broken))
          for (let times = 1; times <= 3; times++) {
            assert.strictEqual(Either.getOrThrow(yield* process.acquire(credentials, request)).version, 0)
            assert.strictEqual(process.requests.count, times)
          }
          yield* TestClock.adjust("1 minute")
          assert.isBelow(operations.count, 150)
          stuck = false
          yield* TestClock.adjust("2 seconds")
          assert.isAbove(Either.getOrThrow(yield* process.acquire(credentials, request)).version, 0)
        }))
        assert.strictEqual(log.length, 2)
        assert.include(log[0], unavailable)
        assert.include(log[0], says)
        assert.strictEqual(log[1], available)
      }))
  }

  const leases: ReadonlyArray<readonly [string, Duration.Duration]> = [
    ["is always about to be written", Duration.seconds(5)],
    ["is always just over", Duration.zero]
  ]
  for (const [title, timeLeft] of leases) {
    it.scoped(`costs a call 12 seconds when it ${title}; the store counts as unavailable then`, () =>
      Effect.gen(function*() {
        const backend = yield* memory
        const { backend: broken, operations } = counted({
          ...backend,
          lease: () => Effect.succeed({ _tag: "Held", timeLeft })
        })
        const log = yield* logOf(Effect.gen(function*() {
          const process = yield* join(yield* storeOf(broken))
          const first = yield* Effect.forkScoped(process.acquire(credentials, request))
          yield* TestClock.adjust("11900 millis")
          assert.isNull(first.unsafePoll())
          yield* TestClock.adjust("200 millis")
          assert.isNotNull(first.unsafePoll())
          assert.isAtMost(operations.count, 2 * (12_000 / 50) + 4)
          for (let times = 0; times < 3; times++) {
            assert.isDefined(yield* within(0, process.acquire(credentials, request)))
            yield* TestClock.adjust("10 seconds")
          }
        }))
        assert.strictEqual(log.length, 1)
        assert.include(log[0], unavailable)
        assert.include(log[0], "no token was written")
      }))
  }

  it.scoped("a store that notifies without end is looked into every 50 ms at most", () =>
    Effect.gen(function*() {
      const backend = yield* memory
      const { backend: noisy, operations } = counted({
        ...backend,
        lease: () => Effect.succeed({ _tag: "Held", timeLeft: Duration.seconds(5) }),
        changes: () =>
          Effect.succeed(Stream.map(Stream.tick("1 millis"), () => ({ _tag: "Written", version: Infinity })))
      })
      const process = yield* join(yield* storeOf(noisy))
      yield* Effect.forkScoped(process.acquire(credentials, request))
      yield* TestClock.adjust("1 second")
      // Each notification is a look of the subscription, and each 50 ms a look and a lease of the acquisition.
      assert.isAtMost(operations.count, 1_000 + 2 * 20 + 10)
    }))
})

describe("the failure of another process", () => {
  const rateLimited = new AuthError.TokenEndpointUnavailable({
    reason: "RateLimited",
    status: 429,
    message: "Too many requests.",
    retryAfter: Duration.seconds(30),
    debugIdentifier: "debug-1"
  })

  it.scoped("invariant 5: is the answer to every process until its backoff is over", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* memory)
      const failing = yield* join(store, { failure: rateLimited })
      assert.isTrue(Either.isLeft(yield* failing.acquire(credentials, request)))
      yield* TestClock.adjust("10 seconds")
      const other = yield* join(store)
      const error = Either.getOrThrow(Either.flip(yield* other.acquire(credentials, request)))
      assert.deepInclude(error, {
        _tag: "TokenEndpointUnavailable",
        reason: "RateLimited",
        status: 429,
        message: "Too many requests.",
        debugIdentifier: "debug-1"
      })
      assert.strictEqual("retryAfter" in error && Duration.toSeconds(error.retryAfter!), 20)
      assert.strictEqual(other.requests.count, 0)
      yield* TestClock.adjust("20 seconds")
      assert.isTrue(Either.isRight(yield* other.acquire(credentials, request)))
    }))

  it.scoped("invariant 10: an old one that is put back with a long time holds up nobody", () =>
    Effect.gen(function*() {
      const inner = yield* memory
      const stored: Array<Redacted.Redacted> = []
      const backend: Backend = {
        ...inner,
        release: (key, fence, backoff) => {
          if (backoff !== undefined) stored.push(backoff.failure)
          return inner.release(key, fence, backoff)
        }
      }
      const failing = yield* join(yield* storeOf(backend), { failure: rateLimited })
      yield* failing.acquire(credentials, request)
      yield* TestClock.adjust("5 minutes")
      const putBack: Backend = {
        ...inner,
        lease: () => Effect.succeed({ _tag: "Backoff", timeLeft: Duration.hours(23), failure: stored[0] })
      }
      const other = yield* join(yield* storeOf(putBack))
      assert.isTrue(Either.isRight(yield* other.acquire(credentials, request)))
      assert.strictEqual(other.requests.count, 1)
    }))

  it.scoped("a backend may be an instance of a class", () =>
    Effect.gen(function*() {
      const inner = yield* memory
      class Own implements Backend {
        readonly name = "own"
        readonly #inner = inner
        read(key: string) {
          return this.#inner.read(key)
        }
        lease(key: string, time: Duration.Duration) {
          return this.#inner.lease(key, time)
        }
        extend(key: string, fence: number, time: Duration.Duration) {
          return this.#inner.extend(key, fence, time)
        }
        write(key: string, fence: number, payload: Redacted.Redacted, time: Duration.Duration) {
          return this.#inner.write(key, fence, payload, time)
        }
        release(key: string, fence: number, backoff?: TokenStore.Backoff) {
          return this.#inner.release(key, fence, backoff)
        }
        changes(key: string) {
          return this.#inner.changes(key)
        }
      }
      for (const backend of [new Own(), yield* TokenStore.encrypted(new Own(), [Redacted.make(randomBytes(32))])]) {
        const one = yield* join(yield* storeOf(backend))
        yield* one.acquire(credentials, request)
        const other = yield* join(yield* storeOf(backend))
        assert.isTrue(Either.getOrThrow(yield* other.acquire(credentials, request)).isShared)
      }
    }))

  it.scoped("a process that cannot read it, as it lacks the key, goes on alone at once", () =>
    Effect.gen(function*() {
      const inner = yield* memory
      // The backoff is written after the answer.
      const released = yield* Deferred.make<void>()
      const backend: Backend = {
        ...inner,
        release: (...args) => Effect.tap(inner.release(...args), () => Deferred.succeed(released, undefined))
      }
      const newKey = () => Redacted.make<Uint8Array>(randomBytes(32))
      const one = yield* join(yield* storeOf(yield* TokenStore.encrypted(backend, [newKey()])), {
        failure: rateLimited
      })
      const log = yield* logOf(Effect.gen(function*() {
        yield* one.acquire(credentials, request)
        yield* Deferred.await(released)
        const other = yield* join(yield* storeOf(yield* TokenStore.encrypted(backend, [newKey()])))
        const result = yield* other.acquire(credentials, request)
        assert.strictEqual(Either.getOrThrow(result).version, 0)
        assert.strictEqual(other.requests.count, 1)
      }))
      assert.strictEqual(log.length, 1)
      assert.include(log[0], "A stored failure of a token request cannot be decrypted")
    }))

  it.scoped("invariant 6: a refusal is shared by processes with the same credentials, and nothing that is stored follows from the secret", () =>
    Effect.gen(function*() {
      const backend = yield* memory
      const failures: Array<string> = []
      const store = yield* storeOf({
        ...backend,
        release: (key, fence, backoff) => {
          if (backoff !== undefined) failures.push(Redacted.value(backoff.failure))
          return backend.release(key, fence, backoff)
        }
      })
      const refused = new AuthError.InvalidCredentials({ message: "Refused.", status: 401, clientId: "client" })
      const wrong = { ...credentials, clientSecret: Redacted.make("wr0ng") }
      yield* (yield* join(store, { failure: refused })).acquire(wrong, request)
      yield* TestClock.adjust(0)
      const same = yield* join(store)
      const error = Either.getOrThrow(Either.flip(yield* same.acquire(wrong, request)))
      assert.deepInclude(error, { _tag: "InvalidCredentials", message: "Refused.", status: 401, clientId: "client" })
      const other = yield* join(store)
      const result = yield* within("2 seconds", other.acquire(credentials, request))
      assert.isTrue(Either.isRight(result!))
      assert.deepStrictEqual([same.requests.count, other.requests.count], [0, 1])
      assert.strictEqual(failures.length, 1)
      const hashes = ["sha256", "sha1", "md5"].map((name) => createHash(name).update("wr0ng").digest("hex"))
      for (const trace of ["wr0ng", ...hashes]) assert.notInclude(failures[0], trace)
    }))
})

describe("the keys of a store", () => {
  const secrets = ["p4r4m3t3r-1", "p4r4m3t3r-2"] as const
  const variants = secrets.map((secret) => ({ variant: Redacted.make(secret) }))

  /** The key under which a process with this endpoint looks. */
  const keyOf = (store: TokenStore.TokenStore["Type"], endpoint: Partial<Endpoint>) =>
    Effect.gen(function*() {
      let key = ""
      const backend: Backend = {
        ...store.backend,
        read: (of) => {
          key = of
          return store.backend.read(of)
        }
      }
      const process = yield* join({ ...store, backend }, { endpoint })
      yield* process.acquire(credentials, request)
      return key
    })

  const stores: ReadonlyArray<readonly [string, Effect.Effect<Backend, never, Scope.Scope>]> = [
    ["without a key of its own", memory],
    [
      "that is encrypted",
      Effect.flatMap(memory, (backend) => TokenStore.encrypted(backend, [Redacted.make<Uint8Array>(randomBytes(32))]))
    ]
  ]
  for (const [title, backend] of stores) {
    it.scoped(`in a store ${title}, two tenants with the same client id and another Redacted parameter get two tokens`, () =>
      Effect.gen(function*() {
        const store = yield* storeOf(yield* backend)
        const tokens: Array<string> = []
        for (const endpoint of [...variants, ...variants, { variant: secrets[0] }, {}]) {
          const process = yield* join(store, { endpoint })
          tokens.push(tokenOf(yield* process.acquire(credentials, request)))
        }
        const [first, second, firstAgain, secondAgain, inTheClear, without] = tokens
        assert.deepStrictEqual([firstAgain, secondAgain], [first, second])
        assert.strictEqual(new Set([first, second, inTheClear, without]).size, 4)
      }))

    it.scoped(`invariant 9: in a store ${title}, no key holds a Redacted parameter or a hash of it`, () =>
      Effect.gen(function*() {
        const store = yield* storeOf(yield* backend)
        const key = yield* keyOf(store, variants[0]!)
        assert.match(key, /^[\w.]+:client:[0-9a-f]{32}$/)
        const { baseUrl, tokenUrl } = Environment.production
        const texts = [secrets[0], JSON.stringify([baseUrl, tokenUrl, secrets[0]])]
        for (const text of texts) {
          assert.notInclude(key, text)
          for (const name of ["sha256", "sha1", "md5"]) {
            assert.notInclude(key, createHash(name).update(text).digest("hex").slice(0, 32))
          }
        }
      }))
  }

  it.scoped("depend on the key of an encrypted store, and are the same in every process that has it", () =>
    Effect.gen(function*() {
      const [one, two] = [Redacted.make<Uint8Array>(randomBytes(32)), Redacted.make<Uint8Array>(randomBytes(32))]
      const backend = yield* memory
      const encrypted = (...keys: readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>]) =>
        Effect.gen(function*() {
          return yield* keyOf(yield* storeOf(yield* TokenStore.encrypted(backend, keys)), variants[0]!)
        })
      const first = yield* encrypted(one)
      assert.strictEqual(yield* encrypted(one), first)
      // The first step of a rotation changes nothing.
      assert.strictEqual(yield* encrypted(one, two), first)
      assert.notStrictEqual(yield* encrypted(two), first)
      assert.strictEqual(yield* encrypted(two, one), yield* encrypted(two))
    }))

  it.scoped("are the same in every process where no parameter is Redacted", () =>
    Effect.gen(function*() {
      const [one, two] = [yield* storeOf(yield* memory), yield* storeOf(yield* memory)]
      assert.strictEqual(yield* keyOf(one, { variant: "a" }), yield* keyOf(two, { variant: "a" }))
      assert.notStrictEqual(yield* keyOf(one, variants[0]!), yield* keyOf(two, variants[0]!))
    }))

  it.scoped("depend on the addresses of API and token endpoint, and not on the origins that a process sends the token to", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* memory)
      const keyAt = (options: Partial<Environment.Options>) => {
        const environment = Environment.makeUnsafe({ name: "acme", baseUrl: "https://api.example", ...options })
        return keyOf(store, { environment })
      }
      const key = yield* keyAt({})
      assert.strictEqual(yield* keyAt({ origins: ["https://reports.example"] }), key)
      assert.strictEqual(yield* keyAt({ rejectsToken: ({ status }) => status === 403 }), key)
      assert.notStrictEqual(yield* keyAt({ baseUrl: "https://reports.example" }), key)
      assert.notStrictEqual(yield* keyAt({ tokenUrl: "/login" }), key)
    }))
})
