import { WebhookDeliveries } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import type { Config } from "effect"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { Redis } from "effect/persistence"
import { TestClock } from "effect/testing"
import { randomUUID } from "node:crypto"
import * as RealRedis from "./support/redis.ts"

type Operation = "claim" | "setHandled" | "release"

/** As much of a Redis as the deliveries need, on the test's clock. What it was asked for is done, also where no answer comes. */
const fakeRedis = (isAnswered: (operation: Operation) => boolean = () => true) =>
  Layer.effect(
    Redis.Redis,
    Effect.gen(function*() {
      const values = new Map<string, { readonly value: string; readonly until: number }>()
      const clock = yield* TestClock.testClockWith(Effect.succeed)
      const operationOf = (lua: string): Operation =>
        lua.includes("Granted") ? "claim" : lua.includes("DEL") ? "release" : "setHandled"
      const run = (operation: Operation, key: string, args: ReadonlyArray<string>): unknown => {
        const now = clock.currentTimeMillisUnsafe()
        const entry = values.get(key)
        const value = entry !== undefined && entry.until > now ? entry.value : undefined
        if (operation === "release") return value === args[0] && void values.delete(key)
        if (operation === "setHandled") return values.set(key, { value: "handled", until: now + Number(args[0]) })
        if (value !== undefined) return value === "handled" ? "Handled" : "InProgress"
        values.set(key, { value: args[0]!, until: now + Number(args[1]) })
        return "Granted"
      }
      return yield* Redis.make({
        // A script's hash is the script.
        send: <A>(command: string, ...args: ReadonlyArray<string>) =>
          Effect.suspend(() => {
            if (command === "SCRIPT") return Effect.succeed(args[1] as A)
            const [lua, , key, ...rest] = args
            const operation = operationOf(lua!)
            const answer = run(operation, key!, rest) as A
            return isAnswered(operation) ? Effect.succeed(answer) : Effect.never
          }),
        subscribe: () => Effect.never,
        connect: Effect.never
      })
    })
  )

const brokenRedis = Layer.effect(
  Redis.Redis,
  Redis.make({
    send: () => Effect.fail(new Redis.RedisError({ cause: new Error("ECONNREFUSED") })),
    subscribe: () => Effect.never,
    connect: Effect.never
  })
)

const stores = [
  { name: "memory", layer: WebhookDeliveries.layerMemory() },
  { name: "Redis", layer: Layer.provide(WebhookDeliveries.layerRedis(), fakeRedis()) }
]

const once = <A, E, R>(id: string, handle: Effect.Effect<A, E, R>) =>
  WebhookDeliveries.WebhookDeliveries.use((deliveries) =>
    deliveries.once(id, { handle, duplicate: Effect.succeed("duplicate" as const) })
  )

describe.each(stores)("deliveries in $name", ({ layer }) => {
  it.effect("a delivery that is sent again is handled once", () =>
    Effect.gen(function*() {
      let handled = 0
      const handle = Effect.sync(() => handled += 1)
      expect(yield* once("msg_1", handle)).toBe(1)
      expect(yield* once("msg_1", handle)).toBe("duplicate")
      expect(yield* once("msg_2", handle)).toBe(2)
    }).pipe(Effect.provide(layer)))

  it.effect("a delivery whose handler failed is handled when it is sent again", () =>
    Effect.gen(function*() {
      expect(Exit.isFailure(yield* Effect.exit(once("msg_1", Effect.fail("no")))), "failed").toBe(true)
      expect(Exit.isFailure(yield* Effect.exit(once("msg_1", Effect.die("no")))), "died").toBe(true)
      const interrupted = yield* Effect.forkChild(once("msg_1", Effect.never))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(interrupted)
      expect(yield* once("msg_1", Effect.succeed("handled"))).toBe("handled")
    }).pipe(Effect.provide(layer)))

  it.effect("a delivery that comes while it is being handled is to be sent again", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<string>()
      const first = yield* Effect.forkChild(once("msg_1", Deferred.await(gate)))
      yield* TestClock.adjust("1 second")
      const error = yield* Effect.flip(once("msg_1", Effect.succeed("twice")))
      expect(error.reason).toBe("InProgress")
      yield* Deferred.succeed(gate, "handled")
      expect(yield* Fiber.join(first)).toBe("handled")
      expect(yield* once("msg_1", Effect.succeed("twice"))).toBe("duplicate")
    }).pipe(Effect.provide(layer)))

  it.effect("a handler that never ends is not waited for after five minutes, and does not undo the next one", () =>
    Effect.gen(function*() {
      const hanging = yield* Effect.forkChild(once("msg_1", Effect.never))
      yield* TestClock.adjust("5 minutes")
      const gate = yield* Deferred.make<string>()
      const second = yield* Effect.forkChild(once("msg_1", Deferred.await(gate)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(hanging)
      expect((yield* Effect.flip(once("msg_1", Effect.succeed("third")))).reason).toBe("InProgress")
      yield* Deferred.succeed(gate, "second")
      expect(yield* Fiber.join(second)).toBe("second")
    }).pipe(Effect.provide(layer)))

  it.effect("a delivery is remembered for three days", () =>
    Effect.gen(function*() {
      yield* once("msg_1", Effect.void)
      yield* TestClock.adjust("71 hours")
      expect(yield* once("msg_1", Effect.succeed("again"))).toBe("duplicate")
      yield* TestClock.adjust("1 hour")
      expect(yield* once("msg_1", Effect.succeed("again"))).toBe("again")
    }).pipe(Effect.provide(layer)))
})

describe.skipIf(!RealRedis.isThere)("deliveries in a real Redis", () => {
  const layers: Record<
    string,
    (
      redis: Layer.Layer<Redis.Redis, Redis.RedisError>,
      prefix: string
    ) => Layer.Layer<WebhookDeliveries.WebhookDeliveries, Redis.RedisError | Config.ConfigError>
  > = {
    layerRedis: (redis, prefix) => Layer.provide(WebhookDeliveries.layerRedis({ prefix }), redis),
    layerRedisWith: (redis, prefix) => WebhookDeliveries.layerRedisWith(redis, { prefix })
  }
  it.live.each(Object.keys(layers))(
    "a delivery is handled once, and again if its handler failed: %s",
    (name) =>
      Effect.gen(function*() {
        const url = yield* RealRedis.url
        const deliveries = Layer.fresh(layers[name]!(RealRedis.layerOf(url), `webhook:${randomUUID()}:`))
        yield* Effect.gen(function*() {
          expect(Exit.isFailure(yield* Effect.exit(once("msg_1", Effect.fail("no"))))).toBe(true)
          const gate = yield* Deferred.make<string>()
          const started = yield* Deferred.make<void>()
          const first = yield* Effect.forkChild(
            once("msg_1", Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(gate)))
          )
          yield* Deferred.await(started)
          expect((yield* Effect.flip(once("msg_1", Effect.succeed("twice")))).reason).toBe("InProgress")
          yield* Deferred.succeed(gate, "handled")
          expect(yield* Fiber.join(first)).toBe("handled")
          expect(yield* once("msg_1", Effect.succeed("twice"))).toBe("duplicate")
        }).pipe(Effect.provide(deliveries))
      })
  )
})

describe("deliveries", () => {
  it.effect("a Redis that does not answer lets nothing through, and says why", () =>
    Effect.gen(function*() {
      let handled = 0
      const error = yield* Effect.flip(once("msg_1", Effect.sync(() => handled += 1)))
      expect(error.reason).toBe("Store")
      expect(error.message).toBe(
        "It is not known whether the webhook delivery msg_1 was handled before. Redis failed: ECONNREFUSED. Check its " +
          "address, its access rules and its state."
      )
      expect(handled).toBe(0)
    }).pipe(Effect.provide(Layer.provide(WebhookDeliveries.layerRedis(), brokenRedis))))

  const onSilentRedis = (silent: Set<Operation>) =>
    Layer.provide(WebhookDeliveries.layerRedis(), fakeRedis((operation) => !silent.has(operation)))

  it.effect("a Redis that never answers a claim is given up after 2 seconds, and the delivery can be sent again", () => {
    const silent = new Set<Operation>(["claim"])
    return Effect.gen(function*() {
      const first = yield* Effect.forkChild(Effect.flip(once("msg_1", Effect.succeed("handled"))))
      yield* TestClock.adjust("2 seconds")
      expect((yield* Fiber.join(first)).reason).toBe("Store")
      silent.clear()
      expect(yield* once("msg_1", Effect.succeed("handled"))).toBe("handled")
    }).pipe(Effect.provide(onSilentRedis(silent)))
  })

  it.effect("a request that is interrupted while it claims a delivery leaves it to the next one", () => {
    const silent = new Set<Operation>(["claim"])
    return Effect.gen(function*() {
      const first = yield* Effect.forkChild(once("msg_1", Effect.succeed("handled")))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(first)
      silent.clear()
      expect(yield* once("msg_1", Effect.succeed("handled"))).toBe("handled")
    }).pipe(Effect.provide(onSilentRedis(silent)))
  })

  it.effect("a Redis that goes silent while a delivery is handled does not hold up its answer", () => {
    const silent = new Set<Operation>()
    return Effect.gen(function*() {
      const goesSilent = Effect.sync(() =>
        (["setHandled", "release"] as const).forEach((operation) => silent.add(operation))
      )
      for (const [id, end] of [["msg_1", Effect.succeed("handled")], ["msg_2", Effect.fail("no")]] as const) {
        silent.clear()
        const handling = yield* Effect.forkChild(Effect.exit(once(id, Effect.andThen(goesSilent, end))))
        yield* TestClock.adjust("2 seconds")
        expect(handling.pollUnsafe()).toEqual(Exit.succeed(yield* Effect.exit(end)))
      }
    }).pipe(Effect.provide(onSilentRedis(silent)))
  })

  const dies = Effect.die(new TypeError("no connection"))
  const throws = () => {
    throw new TypeError("no connection")
  }
  it.effect.each([["dies", () => dies], ["throws", throws]] as const)(
    "a Redis that %s counts as one that cannot be used, and a delivery keeps the result of its handler",
    ([, send]) => {
      let isDead = true
      const layer = Layer.effect(
        Redis.Redis,
        Redis.make({
          send: <A>() => isDead ? send() : Effect.succeed("OK" as A),
          subscribe: () => Effect.never,
          connect: Effect.never
        })
      )
      return Effect.gen(function*() {
        expect((yield* Effect.flip(once("msg_1", Effect.succeed("handled")))).reason).toBe("Store")
        for (const end of [Effect.succeed("handled"), Effect.fail("no")]) {
          isDead = false
          const handler = Effect.andThen(Effect.sync(() => void (isDead = true)), end)
          expect(yield* Effect.exit(once("msg_1", handler))).toEqual(yield* Effect.exit(end))
        }
      }).pipe(Effect.provide(Layer.provide(WebhookDeliveries.layerRedis(), layer)))
    }
  )

  /** A Redis that may be unavailable at the start, and whose first clients give up. */
  const unsteadyRedis = () => {
    const state = { isThere: true, connections: 0, givenUp: 0 }
    const redis = Layer.effect(
      Redis.Redis,
      Effect.gen(function*() {
        if (!state.isThere) {
          return yield* Effect.fail(new Redis.RedisError({ cause: new Error("connect ECONNREFUSED") }))
        }
        const number = ++state.connections
        return yield* Redis.make({
          send: <A>(command: string) =>
            number <= state.givenUp
              ? Effect.fail(new Redis.RedisError({ cause: new Error("The client is closed") }))
              : Effect.succeed((command === "SCRIPT" ? "sha" : "Granted") as A),
          subscribe: () => Effect.never,
          connect: Effect.never
        })
      })
    )
    return { state, redis }
  }

  it.effect("layerRedisWith starts without a Redis, says why a delivery is not handled, and connects later", () => {
    const { redis, state } = unsteadyRedis()
    state.isThere = false
    return Effect.gen(function*() {
      const error = yield* Effect.flip(once("msg_1", Effect.succeed("handled")))
      expect(error.reason).toBe("Store")
      expect(error.message).toContain("Redis is not connected: connect ECONNREFUSED")
      state.isThere = true
      yield* TestClock.adjust("10 seconds")
      expect(yield* once("msg_1", Effect.succeed("handled"))).toBe("handled")
    }).pipe(Effect.provide(WebhookDeliveries.layerRedisWith(redis)))
  })

  it.effect("layerRedisWith replaces a connection whose client has given up, also if the application uses it too", () => {
    const { redis, state } = unsteadyRedis()
    return Effect.gen(function*() {
      expect(yield* once("msg_1", Effect.succeed("handled"))).toBe("handled")
      state.givenUp = state.connections
      expect((yield* Effect.flip(once("msg_2", Effect.succeed("handled")))).message).toContain("The client is closed")
      yield* TestClock.adjust("10 seconds")
      expect(yield* once("msg_2", Effect.succeed("handled"))).toBe("handled")
    }).pipe(Effect.provide(Layer.provideMerge(WebhookDeliveries.layerRedisWith(redis), redis)))
  })

  it("options that cannot be used are refused", () => {
    const made = (options: WebhookDeliveries.Options) => () =>
      Effect.runSync(Effect.provide(Effect.void, WebhookDeliveries.layerMemory(options)))
    expect(made({ timeToLive: 0 })).toThrow(
      "WebhookDeliveries.timeToLive is 0; expected a finite duration of at least 1 ms"
    )
    expect(made({ handlerTimeout: Infinity })).toThrow("WebhookDeliveries.handlerTimeout is Infinity")
  })
})
