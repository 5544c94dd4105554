// The function of the example is frozen: by a clock that jumps, and as a process that is really stopped.
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Clock, ConfigProvider, Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { skewable } from "../packages/core/test/support/harness.ts"
import { Auth, companies } from "./serverless.ts"
import { start } from "./support/process.ts"
import { seen, serve } from "./support/serve.ts"

const minute = 60_000

describe("serverless.ts, invariant 10: what was frozen is right when it goes on", () => {
  const Function = Auth.pipe(
    Layer.provide(MockSpotnana.layerHttpClient),
    Layer.provideMerge(MockSpotnana.layer({ clientSecret: "secret", tokenLatency: "200 millis" })),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({
      env: { SPOTNANA_CLIENT_ID: "mock-client", SPOTNANA_CLIENT_SECRET: "secret" }
    })))
  )

  /** The function, invoked at its start and after each of these: a time in which nothing of it ran, or a fault. */
  const invoked = (...frozen: ReadonlyArray<number | Fault.Fault>) =>
    Effect.gen(function*() {
      const { context, jump } = yield* skewable
      return yield* Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const invoke = Effect.gen(function*() {
          const invocation = yield* Effect.forkChild(companies({ limit: 2 }))
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* Fiber.join(invocation), ["Company 1", "Company 2"])
        })
        yield* invoke
        for (const what of frozen) {
          yield* typeof what === "number" ? jump(what) : mock.inject("api", what)
          yield* invoke
        }
        return yield* seen(mock)
      }).pipe(Effect.provide(Function), Effect.provideContext(context))
    })

  it.effect("with the token that it has, while that lives", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* invoked(10 * minute, 10 * minute), ["token 1", "api 1", "api 1", "api 1"])
    }))

  it.effect("with a new one where that has died: no dead one is sent", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* invoked(61 * minute, 24 * 60 * minute),
        ["token 1", "api 1", "token 2", "api 2", "token 3", "api 3"]
      )
    }))

  it.effect("and with the old one while a renewal is under way", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* invoked(55 * minute, minute), ["token 1", "api 1", "token 2", "api 1", "api 2"])
    }))

  it.effect("and tries again where a connection is lost", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* invoked(Fault.drop), ["token 1", "api 1", "api 1 drop", "api 1"])
    }))

  // Windows knows no signal that stops a process.
  describe.skipIf(process.platform === "win32").concurrent("a process that is stopped", () => {
    const answer = JSON.stringify(["Company 1", "Company 2"])

    /** The function as a process of its own, and a Spotnana whose first token is short-lived. */
    const deployed = Effect.fnUntraced(function*(...answers: Parameters<typeof serve>) {
      const { closeIdleConnections, mock, variables } = yield* serve(...answers)
      yield* mock.configure({ tokenLifetime: lifetime })
      const node = yield* start(process.execPath, ["examples/serverless.ts"], variables)
      return {
        mock,
        ...node,
        ask: node.say(JSON.stringify({ limit: 2 })),
        // Between its answers there may be lines of its log.
        answered: Effect.repeat(node.hear, { until: (line) => line === answer }),
        /** While nothing of it runs its token dies, in real time, and the server closes what is idle. */
        tokenDies: Effect.gen(function*() {
          const [token] = yield* mock.ledger
          yield* Effect.sleep(token!.at + lifetime - (yield* Clock.currentTimeMillis))
          yield* closeIdleConnections
          yield* mock.configure({ tokenLifetime: "1 hour" })
        }),
        ended: Effect.map(node.end, (end) => assert.deepStrictEqual(end, { exitCode: 0, stderr: "" }))
      }
    })
    const lifetime = 2_000

    it.live("between two invocations", () =>
      Effect.gen(function*() {
        const { answered, ask, ended, freeze, mock, thaw, tokenDies } = yield* deployed()
        yield* Effect.andThen(ask, answered)
        yield* Effect.andThen(freeze, tokenDies)
        yield* Effect.andThen(thaw, ask)
        yield* Effect.andThen(answered, ended)
        assert.deepStrictEqual(yield* seen(mock), ["token 1", "api 1", "token 2", "api 2"])
      }).pipe(Effect.scoped))

    it.live("while its token is on the way, and arrives dead", () =>
      Effect.gen(function*() {
        const asked = yield* Deferred.make<void>()
        const frozen = yield* Deferred.make<void>()
        const { answered, ask, ended, freeze, mock, thaw, tokenDies } = yield* deployed((mock) =>
          Effect.tap(
            mock.httpEffect,
            Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(frozen))
          )
        )
        yield* Effect.andThen(ask, Deferred.await(asked))
        yield* Effect.andThen(freeze, Deferred.succeed(frozen, undefined))
        yield* Effect.andThen(tokenDies, thaw)
        yield* Effect.andThen(answered, ended)
        assert.deepStrictEqual(yield* seen(mock), ["token 1", "token 2", "api 2"])
      }).pipe(Effect.scoped))
  })
})
