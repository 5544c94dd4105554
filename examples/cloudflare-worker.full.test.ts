// The Worker of the example in workerd, where a request that waits for the I/O of another one is answered 500.
import { Fault } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Schedule } from "effect"
import { reportFigure } from "../packages/core/test/support/figures.ts"
import { isThere, workerd } from "./runtimes/runtimes.ts"
import { serveWorker } from "./runtimes/workerd.ts"
import { seen, serve } from "./support/serve.ts"

const lifetime = 4_000

/** Slow enough for requests to come while a token is acquired. */
const latency = 300

/** A Worker, and the Spotnana that it calls. */
const deploy = Effect.fnUntraced(function*(file: string, variables: Readonly<Record<string, string>> = {}) {
  const spotnana = yield* serve()
  yield* spotnana.mock.configure({ tokenLatency: latency })
  const { url } = yield* serveWorker(file, { ...spotnana.variables, ...variables })
  const call = (query = "") =>
    Effect.promise(async (signal) => {
      const response = await fetch(url + query, { signal })
      return { status: response.status, body: await response.text(), retryAfter: response.headers.get("retry-after") }
    })
  const twenty = Effect.map(
    Effect.all(Array.from({ length: 20 }, () => call()), { concurrency: "unbounded" }),
    (answers) => answers.map(({ status }) => status)
  )
  return { mock: spotnana.mock, call, twenty }
})

const all200 = Array.from({ length: 20 }, () => 200)

describe.skipIf(!isThere(workerd)).concurrent("cloudflare-worker.ts in workerd", { timeout: 120_000 }, () => {
  const deployed = deploy("examples/cloudflare-worker.ts")

  it.live("20 requests at once share one token, at a cold start and when it was revoked", (context) =>
    Effect.gen(function*() {
      const { mock, twenty } = yield* deployed
      assert.deepStrictEqual(yield* twenty, all200)
      const cold = yield* mock.tokenRequests
      yield* mock.revokeTokens
      assert.deepStrictEqual(yield* twenty, all200)
      const revoked = (yield* mock.tokenRequests) - cold
      assert.deepStrictEqual([cold, revoked], [1, 1])
      reportFigure(context, {
        of: "token requests for 20 requests at once to a Worker: cold, revoked",
        figure: `${cold}, ${revoked}`,
        claim: "one each"
      })
    }).pipe(Effect.scoped))

  it.live("20 requests at once share one token when the one before has expired, and none is sent with that", () =>
    Effect.gen(function*() {
      const { call, mock, twenty } = yield* deployed
      yield* mock.configure({ tokenLifetime: lifetime })
      yield* call()
      const token = (yield* mock.ledger).findLast(({ endpoint }) => endpoint === "token")!
      yield* Effect.sleep(token.at + lifetime - (yield* Clock.currentTimeMillis))
      yield* mock.configure({ tokenLifetime: "1 hour" })
      yield* mock.clearLedger
      assert.deepStrictEqual(yield* twenty, all200)
      assert.deepStrictEqual(yield* seen(mock), ["token 1", ...all200.map(() => "api 1")], "invariant 3")
    }).pipe(Effect.scoped))

  it.live("a client that goes away while its request acquires the token costs the others nothing", () =>
    Effect.gen(function*() {
      const { call, mock, twenty } = yield* deployed
      yield* Effect.timeoutOption(call(), latency / 2)
      assert.deepStrictEqual(yield* twenty, all200)
      assert.isAtMost(yield* mock.tokenRequests, 2)
    }).pipe(Effect.scoped))

  it.live("answers 503 while the token endpoint is down, and works again when it is back", () =>
    Effect.gen(function*() {
      const { call, mock, twenty } = yield* deployed
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: Duration.seconds(7) }))
      const { retryAfter, status } = yield* call()
      assert.deepStrictEqual({ retryAfter, status }, { retryAfter: "7", status: 503 })
      yield* Effect.sleep("7 seconds")
      assert.deepStrictEqual(yield* twenty, all200)
      assert.strictEqual(yield* mock.tokenRequests, 2)
    }).pipe(Effect.scoped))
})

describe.skipIf(!isThere(workerd)).concurrent(
  "a runtime that is made once for an isolate",
  { timeout: 120_000 },
  () => {
    const deployed = (variables: Readonly<Record<string, string>>) => deploy("examples/runtimes/worker.ts", variables)

    it.live("with RequestIsolation, 20 requests at once take over from one that ended while it acquired the token", () =>
      Effect.gen(function*() {
        const { call, mock, twenty } = yield* deployed({ MODE: "isolated" })
        const endsEarly = Effect.gen(function*() {
          yield* mock.inject("token", Fault.hang)
          assert.strictEqual((yield* call("?patience=2000")).status, 504)
        })
        yield* endsEarly
        assert.deepStrictEqual(yield* twenty, all200)
        assert.strictEqual(yield* mock.tokenRequests, 2)
        yield* mock.revokeTokens
        yield* endsEarly
        assert.deepStrictEqual(yield* twenty, all200)
        assert.strictEqual(yield* mock.tokenRequests, 4)
      }).pipe(Effect.scoped))

    for (const mode of ["background", "onDemand"]) {
      it.live(`without it, in mode ${mode}, requests that wait for a token of another one are answered 500`, () =>
        Effect.gen(function*() {
          const { twenty } = yield* deployed({ MODE: mode })
          const statuses = yield* twenty
          assert.include(statuses, 200)
          assert.include(statuses, 500)
        }).pipe(Effect.scoped))

      it.live(`without it, in mode ${mode}, an acquisition whose request has ended is replaced when it is overdue`, () =>
        Effect.gen(function*() {
          const { call, mock } = yield* deployed({ MODE: mode, ACQUISITION_TIMEOUT: "3 seconds" })
          yield* mock.inject("token", Fault.hang)
          assert.strictEqual((yield* call("?patience=1000")).status, 504)
          // Until then a request has nothing of its own to wait for: workerd answers 500.
          const { status } = yield* Effect.repeat(call(), {
            while: ({ status }) => status === 500,
            schedule: Schedule.spaced("500 millis")
          })
          assert.strictEqual(status, 200)
          assert.strictEqual(yield* mock.tokenRequests, 2)
        }).pipe(Effect.scoped))
    }
  }
)
