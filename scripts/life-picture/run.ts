// Two hours of a program that calls Spotnana, in simulated time: what the library said of itself, what Spotnana
// received, and what the program got.
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import type { Ledger } from "@effect-spotnana/testing"
import { Clock, DateTime, Effect, Layer, Logger, Random, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { setImmediate } from "node:timers/promises"

/** All times are milliseconds since the start. */
export interface Recording {
  /** What `TokenProvider.changes` told, and when. */
  readonly changes: ReadonlyArray<{ readonly at: number; readonly status: TokenProvider.Status }>
  /** What Spotnana received. */
  readonly ledger: ReadonlyArray<Ledger.LedgerEntry>
  /** What the program did. */
  readonly calls: ReadonlyArray<Call>
  /** What was done to Spotnana. */
  readonly acts: ReadonlyArray<{ readonly at: number; readonly who: "trouble" | "relief"; readonly what: string }>
  readonly secrets: ReadonlyArray<Redacted.Redacted>
}

export interface Call {
  readonly from: number
  readonly to: number
  readonly status: number
}

const second = 1000
const minute = 60 * second

export const tokenLatency = 300
export const apiLatency = 80

const clientId = "client"
const clientSecret = Redacted.make("p1ctur3-0f-l1f3")

/** Chance that is always in the middle: the picture does not depend on how often it is asked. */
const middle: typeof Random.Random.Service = { nextDoubleUnsafe: () => 0.5, nextIntUnsafe: () => 0 }

const play = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const provider = yield* TokenProvider.TokenProvider
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const changes: Array<Recording["changes"][number]> = []
  const calls: Array<Call> = []
  const acts: Array<Recording["acts"][number]> = []
  const now = Clock.currentTimeMillis

  yield* provider.changes.pipe(
    Stream.runForEach((status) => Effect.map(now, (at) => void changes.push({ at, status }))),
    Effect.forkScoped
  )
  const act = (who: "trouble" | "relief", what: string, effect: Effect.Effect<void>) =>
    Effect.andThen(Effect.map(now, (at) => void acts.push({ at, who, what })), effect)
  const call = Effect.gen(function*() {
    const from = yield* now
    const { status } = yield* spotnana.get("/v2/companies")
    calls.push({ from, to: yield* now, status })
  }).pipe(Effect.forkScoped)

  /** Small steps, and after each of them what waits for a promise: a body is read through one. */
  const settle = TestClock.adjust(10).pipe(
    Effect.andThen(Effect.promise(() => setImmediate())),
    Effect.repeat({ times: second / 10 - 1 })
  )
  /** Lets time pass, slowly wherever the library has something to do. */
  const until = (time: number): Effect.Effect<void> =>
    Effect.gen(function*() {
      const { nextRenewalAt } = yield* provider.status
      const from = yield* now
      if (from >= time) return
      const renewal = nextRenewalAt === undefined ? Infinity : DateTime.toEpochMillis(nextRenewalAt)
      const next = Math.min(time, renewal)
      yield* TestClock.setTime(next)
      if (next < time) yield* Effect.andThen(settle, until(time))
    })
  const callAt = (...times: ReadonlyArray<number>) =>
    Effect.forEach(times, (time) => until(time * minute).pipe(Effect.andThen(call), Effect.andThen(settle)))

  yield* Effect.all([call, call, call])
  yield* settle
  yield* callAt(10, 20, 30, 40)

  // In the midst of the renewal.
  const { nextRenewalAt } = yield* provider.status
  yield* TestClock.setTime(DateTime.toEpochMillis(nextRenewalAt!))
  yield* TestClock.adjust(tokenLatency / 3)
  yield* call
  yield* settle
  yield* callAt(50, 60)

  yield* until(65 * minute)
  yield* act("trouble", "Spotnana revokes the token", mock.revokeTokens)
  yield* callAt(66, 75, 85, 95, 105)

  yield* until(108 * minute)
  yield* act("trouble", "The token endpoint goes down", mock.inject("token", Fault.status(503), { times: Infinity }))
  yield* callAt(110, 112, 114, 116)
  yield* until(118 * minute)
  yield* act("relief", "It is up again", mock.clearFaults)
  yield* callAt(120)

  const ledger = yield* mock.ledger
  const issued = ledger.flatMap(({ token }) => token === undefined ? [] : [token])
  return { changes, ledger, calls, acts, secrets: [clientSecret, ...issued] } satisfies Recording
})

export const record: Effect.Effect<Recording> = play.pipe(
  Effect.scoped,
  Effect.provide(
    SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(
      Layer.provide(MockSpotnana.layerHttpClient),
      Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, tokenLatency, apiLatency })),
      Layer.provideMerge(TestClock.layer()),
      Layer.provideMerge(Logger.layer([]))
    )
  ),
  Effect.provideService(Random.Random, middle)
)
