// What the requests of a Worker do under TestClock. That none of them waits for the I/O of another one is shown in workerd
// itself, by examples/cloudflare-worker.full.test.ts.
import { RequestIsolation, TokenProvider, TokenStore } from "@effect-spotnana/core"
import type { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Fault } from "@effect-spotnana/testing"
import type { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Redacted, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { onMock, skewable, subjects } from "./support/harness.ts"

const latency = 300

const isolated = (options?: SpotnanaHttpClient.Options<false>, mock?: MockSpotnana.Options) =>
  onMock(options, { tokenLatency: latency, ...mock }).pipe(Layer.provide(RequestIsolation.layer))

const twenty = <A, E, R>(request: Effect.Effect<A, E, R>) =>
  Effect.forkChild(Effect.all(Array.from({ length: 20 }, () => request), { concurrency: "unbounded" }))

describe("RequestIsolation", () => {
  it.effect("invariant 1: 20 requests at a cold start make one token request", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const requests = yield* twenty(client.get("/v2/companies"))
      yield* TestClock.adjust("1 second")
      const statuses = (yield* Fiber.join(requests)).map(({ status }) => status)
      assert.deepStrictEqual(statuses, statuses.map(() => 200))
      assert.strictEqual(yield* mock.tokenRequests, 1)
    }).pipe(Effect.provide(isolated())))

  it.effect("invariant 7: 20 requests that are answered 401 at once cause one token request", () =>
    Effect.gen(function*() {
      const { client, mock, provider } = yield* subjects
      const cold = yield* Effect.forkChild(provider.get)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(cold)
      yield* mock.revokeTokens
      const requests = yield* twenty(client.get("/v2/companies"))
      yield* TestClock.adjust("1 second")
      const statuses = (yield* Fiber.join(requests)).map(({ status }) => status)
      assert.deepStrictEqual(statuses, statuses.map(() => 200))
      assert.strictEqual(yield* mock.tokenRequests, 2)
    }).pipe(Effect.provide(isolated())))

  it.effect("invariant 2: a caller that is interrupted leaves the acquisition that it began to the others", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const first = yield* Effect.forkChild(provider.get)
      yield* TestClock.adjust("100 millis")
      const second = yield* Effect.forkChild(provider.get)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(second)))
      assert.strictEqual(yield* mock.tokenRequests, 1)
    }).pipe(Effect.provide(isolated())))

  it.effect("invariant 4: the first caller in the renewal window waits for the renewal, and no other one waits", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const cold = yield* Effect.forkChild(provider.get)
      yield* TestClock.adjust("1 second")
      const old = yield* Fiber.join(cold)
      yield* TestClock.adjust("50 minutes")
      assert.strictEqual(yield* mock.tokenRequests, 1, "no fiber renews ahead of time")
      const first = yield* Effect.forkChild(provider.get)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* provider.get, old)
      yield* TestClock.adjust("1 second")
      assert.notStrictEqual(yield* Fiber.join(first), old)
      assert.strictEqual(yield* mock.tokenRequests, 2)
    }).pipe(Effect.provide(isolated())))

  it.effect("invariant 4: it waits for a second at most, and goes on with the token in use", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const cold = yield* Effect.forkChild(provider.get)
      yield* TestClock.adjust("1 second")
      const old = yield* Fiber.join(cold)
      yield* mock.inject("token", Fault.hang)
      yield* TestClock.adjust("50 minutes")
      const first = yield* Effect.forkChild(provider.get)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(first), old)
    }).pipe(Effect.provide(isolated())))

  it.effect("another request takes over from one that ended while it acquired a token", () =>
    Effect.gen(function*() {
      const { context, jump } = yield* skewable
      yield* Effect.gen(function*() {
        const { mock, provider } = yield* subjects
        yield* mock.inject("token", Fault.hang)
        yield* Effect.forkChild(provider.get)
        yield* TestClock.adjust("10 millis")
        // Time in which no timer of that request goes off any more.
        yield* jump(2_000)
        const next = yield* Effect.forkChild(provider.get)
        yield* TestClock.adjust("350 millis")
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(next)))
        assert.strictEqual(yield* mock.tokenRequests, 2)
        assert.strictEqual((yield* provider.status).lastError, undefined)
      }).pipe(Effect.provide(isolated()), Effect.provideContext(context))
    }))

  it.effect("a slow token endpoint is waited for, as long as the request that asked it goes on", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const callers = yield* twenty(provider.get)
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(new Set((yield* Fiber.join(callers)).map(({ value }) => Redacted.value(value))).size, 1)
      assert.strictEqual(yield* mock.tokenRequests, 1)
    }).pipe(Effect.provide(isolated({}, { tokenLatency: "3 seconds" }))))

  it.effect("invariant 6: an API that answers 401 to everything costs few token requests, whatever the requests", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      yield* mock.inject("api", Fault.status(401), { times: Infinity })
      for (let second = 0; second < 600; second += 5) {
        yield* Effect.forkChild(Effect.exit(client.get("/v2/companies")))
        yield* TestClock.adjust("5 seconds")
      }
      assert.isAtMost(yield* mock.tokenRequests, 6)
    }).pipe(Effect.provide(isolated())))

  it.effect("changes has each change a second later at the latest, without a subscription", () =>
    Effect.gen(function*() {
      const provider = yield* TokenProvider.TokenProvider
      const seen: Array<string> = []
      const all = yield* Deferred.make<void>()
      yield* provider.changes.pipe(
        Stream.take(2),
        Stream.runForEach(({ state }) => Effect.sync(() => seen.push(state))),
        Effect.andThen(Deferred.succeed(all, undefined)),
        Effect.forkChild
      )
      yield* TestClock.adjust("3 seconds")
      yield* Effect.forkChild(provider.get)
      yield* TestClock.adjust("2 seconds")
      yield* Deferred.await(all)
      assert.deepStrictEqual(seen, ["empty", "valid"])
    }).pipe(Effect.provide(isolated())))

  it.effect("invariant 11: changes ends within a second of the end of the layer", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const built = yield* Layer.buildWithScope(isolated(), scope)
      const { changes } = Context.get(built, TokenProvider.TokenProvider)
      const reading = yield* Effect.forkChild(Stream.runCollect(Stream.map(changes, ({ state }) => state)))
      yield* TestClock.adjust("3 seconds")
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(reading.pollUnsafe(), Exit.succeed(["empty"]))
    }))

  it.effect("with a TokenStore the layer dies, and says why", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        Effect.scoped(Layer.build(isolated().pipe(Layer.provide(TokenStore.layerMemory))))
      )
      assert.include(String(exit), "A TokenStore cannot be used with RequestIsolation")
    }))
})
