import { RedisTokenStore, TokenStore } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import {
  Cause,
  Config,
  ConfigProvider,
  Context,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  Redacted,
  Ref,
  Scope,
  Stream
} from "effect"
import { Redis } from "effect/persistence"
import { TestClock } from "effect/testing"
import { makeAudit, print } from "./support/audit.ts"

const keys = Config.succeed([Redacted.make<Uint8Array>(new Uint8Array(32))] as const)

const redisError = new Redis.RedisError({ cause: new Error("NOPERM no permission") })

/** What a driver does, in place of one: how its connections begin, answer, and end. */
interface Driver {
  readonly connect?: Effect.Effect<void, Redis.RedisError>
  readonly send?: Effect.Effect<unknown, Redis.RedisError>
  readonly subscribe?: Effect.Effect<void>
  readonly close?: Effect.Effect<void>
}

/** The store on such a driver; how many connections there were, and how many of them are open. */
const storeOn = (driver: Driver) =>
  Effect.gen(function*() {
    const made = yield* Ref.make(0)
    const open = yield* Ref.make(0)
    const redis = Layer.effect(
      Redis.Redis,
      Effect.gen(function*() {
        yield* Effect.acquireRelease(
          Effect.andThen(Ref.update(made, (n) => n + 1), Ref.update(open, (n) => n + 1)),
          () => Effect.andThen(driver.close ?? Effect.void, Ref.update(open, (n) => n - 1))
        )
        yield* driver.connect ?? Effect.void
        return yield* Redis.make({
          send: <A>() => (driver.send ?? Effect.succeed(["", "", -2])) as Effect.Effect<A, Redis.RedisError>,
          subscribe: () => Effect.as(Effect.uninterruptible(driver.subscribe ?? Effect.void), Effect.never),
          connect: Effect.never
        })
      })
    )
    const scope = yield* Scope.make()
    const services = yield* Layer.buildWithScope(RedisTokenStore.layerWith(redis, { keys }), scope)
    return { backend: Context.get(services, TokenStore.TokenStore).backend, made, open, scope }
  })

/** The result of an operation once so much time has passed, if it has one. */
const within = <A, E>(time: Duration.Input, effect: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkScoped(effect)
    yield* TestClock.adjust(time)
    return fiber.pollUnsafe()
  })

const messageOf = (exit: Exit.Exit<unknown, TokenStore.TokenStoreError> | undefined) =>
  exit === undefined ? "none yet" : Exit.match(exit, {
    onSuccess: () => "success",
    onFailure: (cause) => Option.getOrThrow(Exit.findErrorOption(Exit.failCause(cause))).message
  })

describe("a store on a Redis that may be unavailable", () => {
  it.effect("leaves nothing of an attempt that failed, however many there are", () =>
    Effect.gen(function*() {
      const { made, open, scope } = yield* storeOn({ connect: Effect.fail(redisError) })
      yield* TestClock.adjust("1 hour")
      expect(yield* Ref.get(made)).toBeGreaterThan(600)
      // One at most: the attempt that is under way.
      expect(yield* Ref.get(open)).toBeLessThanOrEqual(1)
      yield* Scope.close(scope, Exit.void)
      expect(yield* Ref.get(open)).toBe(0)
    }))

  it.effect("says why it is not connected, and before an operation times out that nothing answers", () =>
    Effect.gen(function*() {
      const refused = yield* storeOn({ connect: Effect.fail(redisError) })
      const hanging = yield* storeOn({ connect: Effect.never })
      expect(messageOf(yield* within(0, refused.backend.read("key")))).toContain("NOPERM no permission")
      expect(messageOf(yield* within("1900 millis", hanging.backend.read("key")))).toContain("does not answer")
    }))

  it.effect("invariant 9: fails for a mistake in the configuration, named by its kind: its text may have a password in it", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(storeOn({ connect: Effect.die(new TypeError("redis://user:p4ssw0rd@")) }))
      expect(String(error)).toContain("The Redis client cannot be made: TypeError")
      expect(print(error)).not.toContain("p4ssw0rd")
    }))

  it.effect("fails for what the configuration lacks", () =>
    Effect.gen(function*() {
      const redis = Layer.effect(Redis.Redis, Effect.andThen(Config.String("REDIS_URL"), Effect.never))
      const error = yield* Effect.flip(Effect.scoped(Layer.build(RedisTokenStore.layerWith(redis, { keys })))).pipe(
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} })))
      )
      expect(error._tag).toBe("ConfigError")
      expect(String(error)).toContain("REDIS_URL")
    }))

  it.effect("refuses a namespace that does not fit into an access list", () =>
    Effect.gen(function*() {
      for (const namespace of ["", "a b", "a*", "a{b}", 5 as unknown as string]) {
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(
          RedisTokenStore.layerWith(Layer.effect(Redis.Redis, Effect.never), { keys, namespace })
        )))
        expect(print(exit)).toContain(
          `RedisTokenStore.namespace is ${JSON.stringify(namespace)}; expected letters, digits and _.:-`
        )
      }
    }))

  it.effect("invariant 9: leaves out what the client logs, as it may repeat the password", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      yield* audit.run(Effect.gen(function*() {
        yield* storeOn({
          connect: Effect.andThen(Effect.logWarning("with args 'AUTH' 'p4ssw0rd'"), Effect.fail(redisError))
        })
        yield* TestClock.adjust("1 minute")
      }))
      expect(audit.search(["p4ssw0rd"])).toEqual([])
    }))

  it.effect("invariant 9: leaves out the arguments of a command that Redis does not know", () =>
    Effect.gen(function*() {
      const cause = new Error("ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'user' 'p4ssw0rd'")
      const { backend } = yield* storeOn({ connect: Effect.fail(new Redis.RedisError({ cause })) })
      const message = messageOf(yield* within(0, backend.read("key")))
      expect(message).toContain("ERR unknown command 'HELLO'.")
      expect(message).not.toContain("p4ssw0rd")
    }))

  it.effect("replaces a connection that only fails, and keeps one that answers in between", () =>
    Effect.gen(function*() {
      let answer: Effect.Effect<unknown, Redis.RedisError> = Effect.fail(redisError)
      const { backend, made, open } = yield* storeOn({ send: Effect.suspend(() => answer) })
      expect(messageOf(yield* within("9 seconds", backend.read("key")))).toContain("NOPERM no permission")
      answer = Effect.succeed(["", "", -2])
      yield* within("1 minute", backend.read("key"))
      expect(yield* Ref.get(made)).toBe(1)
      answer = Effect.never
      yield* within("10 seconds", Effect.timeout(backend.read("key"), "2 seconds"))
      // What is asked at that moment is counted too.
      yield* TestClock.adjust("2 seconds")
      expect([yield* Ref.get(made), yield* Ref.get(open)]).toEqual([2, 1])
    }))

  it.effect("replaces a connection that only fails, also if the application provides the same layer elsewhere", () => {
    let connections = 0
    const redis = Layer.effect(
      Redis.Redis,
      Effect.suspend(() => {
        connections++
        return Redis.make({
          send: () => Effect.fail(redisError),
          subscribe: () => Effect.never,
          connect: Effect.never
        })
      })
    )
    return Effect.gen(function*() {
      const { backend } = yield* TokenStore.TokenStore
      const before = connections
      yield* within("12 seconds", backend.read("key"))
      expect(connections).toBe(before + 1)
    }).pipe(Effect.provide(Layer.provideMerge(RedisTokenStore.layerWith(redis, { keys }), redis)))
  })

  it.effect("keeps a connection that answers, when scripts are interrupted", () =>
    Effect.gen(function*() {
      let answer: Effect.Effect<unknown, Redis.RedisError> = Effect.never
      const { backend, made } = yield* storeOn({ send: Effect.suspend(() => answer) })
      const reading = yield* Effect.forkChild(backend.read("key"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(reading)
      answer = Effect.succeed(["", "", -2])
      yield* TestClock.adjust("1 minute")
      expect(yield* Ref.get(made)).toBe(1)
    }))

  it.effect("fails a script that is not answered before an operation times out, and replaces the connection", () =>
    Effect.gen(function*() {
      const { backend, made } = yield* storeOn({ send: Effect.never })
      expect(messageOf(yield* within("1900 millis", backend.read("key")))).toContain("Redis failed: no answer.")
      yield* TestClock.adjust("10 seconds")
      expect(yield* Ref.get(made)).toBe(2)
    }))

  it.effect("ends the subscriptions of a connection that it replaces", () =>
    Effect.gen(function*() {
      const { backend } = yield* storeOn({ send: Effect.fail(redisError) })
      const changes = yield* backend.changes("key")
      const ended = yield* Effect.forkScoped(Stream.runDrain(changes))
      yield* within(0, Effect.exit(backend.read("key")))
      yield* TestClock.adjust("9 seconds")
      expect(ended.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("2 seconds")
      expect(ended.pollUnsafe()).toEqual(Exit.void)
    }))

  it.effect("invariant 11: is closed within seconds, though its driver never is", () =>
    Effect.gen(function*() {
      const { scope } = yield* storeOn({ close: Effect.never })
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
    }))

  it.effect("invariant 11: is closed within seconds while its driver cannot be interrupted", () =>
    Effect.gen(function*() {
      const { scope } = yield* storeOn({ connect: Effect.uninterruptible(Effect.never) })
      yield* TestClock.adjust("1 second")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
    }))

  it.effect("invariant 11: does not wait for a subscription that does not come about", () =>
    Effect.gen(function*() {
      const { backend } = yield* storeOn({ subscribe: Effect.never })
      const subscribing = yield* Effect.forkChild(Effect.scoped(backend.changes("key")))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.interrupt(subscribing)
    }))
})

describe("a store on a client of the application's own", () => {
  /** What was asked of a client, in place of one. */
  const recording = () => {
    const scripts: Array<readonly [script: string, keys: Array<string>, args: Array<string>]> = []
    const channels = new Map<string, (message: unknown) => void>()
    const client: RedisTokenStore.Client = {
      eval: async (...script) => {
        scripts.push(script)
        return [1, 0, "7"]
      },
      subscribe: async (channel, onMessage) => {
        channels.set(channel, onMessage)
        return () => channels.delete(channel)
      }
    }
    return { scripts, channels, client }
  }
  const backendOf = <E, R>(client: Effect.Effect<RedisTokenStore.Client, E, R>) =>
    Effect.map(
      Layer.build(RedisTokenStore.layerClient(client, { keys })),
      (services) => Context.get(services, TokenStore.TokenStore).backend
    )

  it.live("runs each script with its keys, which are all in one slot", () =>
    Effect.gen(function*() {
      const { client, scripts } = recording()
      const backend = yield* backendOf(Effect.succeed(client))
      expect(yield* backend.lease("key", Duration.seconds(5))).toEqual({ _tag: "Granted", fence: 7 })
      expect(scripts).toEqual([[
        expect.stringContaining("redis.call"),
        ["spotnana:{key}:lease", "spotnana:{key}:token"],
        ["5000"]
      ]])
    }))

  it.live("tells of the versions that are written, and of leases that end, until the subscription is closed", () =>
    Effect.gen(function*() {
      const { channels, client } = recording()
      const backend = yield* backendOf(Effect.succeed(client))
      yield* Effect.gen(function*() {
        const changes = yield* backend.changes("key")
        for (const message of ["7", "released"]) channels.get("spotnana:{key}:changes")!(message)
        expect(yield* Stream.runCollect(Stream.take(changes, 2))).toEqual([
          { _tag: "Written", version: 7 },
          { _tag: "Released" }
        ])
      }).pipe(Effect.scoped)
      expect(channels.size).toBe(0)
    }))

  it.effect("invariant 11: a subscription that the client never ends is closed within seconds", () =>
    Effect.gen(function*() {
      const client: RedisTokenStore.Client = {
        ...recording().client,
        subscribe: async () => () => new Promise<never>(() => {})
      }
      const backend = yield* backendOf(Effect.succeed(client))
      const scope = yield* Scope.make()
      yield* Effect.asVoid(Scope.provide(backend.changes("key"), scope))
      expect(messageOf(yield* within("2 seconds", Scope.close(scope, Exit.void)))).toBe("success")
    }))

  it.effect("says what a client failed with that cannot connect, and connects again", () =>
    Effect.gen(function*() {
      const { client } = recording()
      let attempts = 0
      const backend = yield* backendOf(
        Effect.suspend(() =>
          attempts++ < 3
            ? Effect.fail(new Cause.UnknownError(new Error("connect ECONNREFUSED")))
            : Effect.succeed(client)
        )
      )
      expect(messageOf(yield* within(0, backend.lease("key", Duration.seconds(5))))).toContain("connect ECONNREFUSED")
      yield* TestClock.adjust("10 seconds")
      expect(attempts).toBe(4)
    }))
})
