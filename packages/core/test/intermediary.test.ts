import { Fault } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { onMock, subjects } from "./support/harness.ts"

/** What a firewall answers in place of the token endpoint. */
const page = (headers?: Record<string, string>) =>
  Fault.status(403, { body: "<!doctype html><h1>Forbidden</h1>", headers: { "content-type": "text/html", ...headers } })

describe("a firewall in front of the token endpoint", () => {
  it.effect("invariant 12: one 403 with a page is not taken for a refusal, and none of 300 calls fails", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      yield* mock.inject("token", page())
      const calls = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 300 }),
          () => Effect.delay(Effect.exit(client.get("/v2/companies")), "1 second")
        )
      )
      yield* TestClock.adjust("10 minutes")
      const exits = yield* Fiber.join(calls)
      assert.strictEqual(exits.filter(Exit.isFailure).length, 0)
      const requests = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "token")
      assert.deepStrictEqual(requests.map(({ status }) => status), [403, 200])
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 5: the Retry-After of its page is waited for", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.inject("token", page({ "retry-after": "4" }))
      const began = yield* Clock.currentTimeMillis
      const waiting = yield* Effect.forkChild(Effect.andThen(provider.get, Clock.currentTimeMillis))
      yield* TestClock.adjust("1 minute")
      const waited = (yield* Fiber.join(waiting)) - began
      assert.isAtLeast(waited, 4000)
      assert.isBelow(waited, 5000)
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 12: callers get TokenEndpointUnavailable while its page goes on", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.inject("token", page(), { times: Infinity })
      const waiting = yield* Effect.forkChild(Effect.flip(provider.get))
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(waiting)
      if (error._tag !== "TokenEndpointUnavailable") return assert.fail(error._tag)
      assert.deepStrictEqual([error.reason, error.status], ["Intermediary", 403])
    }).pipe(Effect.provide(onMock())))
})
