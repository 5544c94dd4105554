import { RedisTokenStore, TokenStore } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Config, Context, Effect, Exit, Layer, Option, Redacted, Ref, Scope } from "effect"
import type { Duration } from "effect"
import { Redis } from "effect/persistence"
import { TestClock } from "effect/testing"

const keys = Config.succeed([Redacted.make<Uint8Array>(new Uint8Array(32))] as const)

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
          send: <A>() => (driver.send ?? Effect.succeed(["", "", "", -2])) as Effect.Effect<A, Redis.RedisError>,
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

describe("a store on a Redis that may be away", () => {
  it.effect("invariant 9: leaves out the arguments of a command that Redis does not know", () =>
    Effect.gen(function*() {
      const cause = new Error("ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'user' 'p4ssw0rd'")
      const { backend } = yield* storeOn({ connect: Effect.fail(new Redis.RedisError({ cause })) })
      const message = messageOf(yield* within(0, backend.read("key")))
      expect(message).toContain("ERR unknown command 'HELLO'.")
      expect(message).not.toContain("p4ssw0rd")
    }))
})
