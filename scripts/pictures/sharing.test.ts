// The picture of docs/sharing-tokens.md is drawn by hand. Each step of its description is held against runs of three
// processes in simulated time, that share a token through a store.
import { SpotnanaHttpClient, TokenProvider, TokenStore } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { Clock, Context, Effect, Latch, Layer, Logger, Option, Redacted, Stream } from "effect"
import type { Scope } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { setImmediate } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { readPicture } from "./svg.ts"

/** How long it takes to the store, and back from it, in milliseconds. */
const oneWay = 5
const tokenLatency = 300
const clientId = "client"
const clientSecret = Redacted.make("p1ctur3-s3cr3t")
const tokenPath = "/v2/auth/oauth2-token"

type Recorder = (label: string) => Effect.Effect<void>

/** The store as one process sees it. An operation is recorded when the store runs it, between request and answer. */
const recorded = (
  backend: TokenStore.Backend,
  record: Recorder,
  nameOf: (text: Redacted.Redacted) => string
): TokenStore.Backend => {
  const operation = <A, E>(run: Effect.Effect<A, E>, inWords: (answer: A) => string): Effect.Effect<A, E> =>
    Effect.delay(run, oneWay).pipe(Effect.tap((answer) => record(inWords(answer))), Effect.tap(Effect.sleep(oneWay)))
  return {
    ...backend,
    read: (key) =>
      operation(
        backend.read(key),
        (found) => `read: ${Option.match(found, { onNone: () => "nothing", onSome: ({ payload }) => nameOf(payload) })}`
      ),
    lease: (key, time) =>
      operation(
        backend.lease(key, time),
        (lease) => lease._tag === "Granted" ? `lease: granted, fence ${lease.fence}` : "lease: held by another"
      ),
    extend: (key, fence, time) => operation(backend.extend(key, fence, time), () => `extend fence ${fence}`),
    write: (key, fence, payload, time) =>
      operation(
        backend.write(key, fence, payload, time),
        (isDone) => `write ${nameOf(payload)} with fence ${fence}${isDone ? "" : ": refused"}`
      ),
    release: (key, fence, backoff) => operation(backend.release(key, fence, backoff), () => `release fence ${fence}`),
    changes: (key) =>
      Effect.map(
        backend.changes(key),
        Stream.tap(() => Effect.andThen(Effect.sleep(oneWay), record("told: changed")))
      )
  }
}

const makeFleet = Effect.gen(function*() {
  const { backend } = yield* TokenStore.TokenStore
  const mock = yield* MockSpotnana.MockSpotnana
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const steps: Array<{ readonly at: number; readonly step: string }> = []
  // A token goes by the order in which it was issued.
  let issued: ReadonlyArray<Redacted.Redacted> = []
  const nameOf = (text: Redacted.Redacted) =>
    `token ${1 + issued.findIndex((token) => Redacted.value(text).includes(Redacted.value(token)))}`
  const noteIssued = Effect.map(mock.ledger, (entries) => {
    issued = entries.flatMap(({ endpoint, token }) => endpoint === "token" && token !== undefined ? [token] : [])
  })

  const join = (process: "A" | "B" | "C") =>
    Effect.gen(function*() {
      const record: Recorder = (label) =>
        Effect.sync(() => void steps.push({ at: clock.currentTimeMillisUnsafe(), step: `${process} – ${label}` }))
      const awake = yield* Latch.make(true)
      // While it is frozen, no sleep of a process begins or ends, and no answer reaches it.
      const itsClock: Clock.Clock = {
        ...clock,
        sleep: (duration) => Effect.andThen(Effect.andThen(awake.await, clock.sleep(duration)), awake.await)
      }
      const requestToken = <A, E, R>(exchange: Effect.Effect<A, E, R>) =>
        Effect.gen(function*() {
          yield* record(`POST ${tokenPath}`)
          const name = `token ${1 + issued.length}`
          const response = yield* exchange
          yield* noteIssued
          yield* record(awake.isOpen() ? name : `${name}, not read yet`)
          return response
        })
      const http = HttpClient.transform(mock.httpClient, (exchange, { url }) =>
        (url.endsWith(tokenPath)
          ? requestToken(exchange)
          : Effect.tap(exchange, ({ status }) => record(`API: ${status}`))).pipe(
            Effect.provideService(Clock.Clock, clock),
            Effect.tap(awake.await)
          ))
      const services = yield* Layer.build(
        Layer.fresh(SpotnanaHttpClient.layer({ clientId, clientSecret })).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, http)),
          Layer.provide(TokenStore.layer(Effect.succeed(recorded(backend, record, nameOf))))
        )
      ).pipe(Effect.provideService(Clock.Clock, itsClock))
      const provider = Context.get(services, TokenProvider.TokenProvider)
      return {
        get: record("get").pipe(
          Effect.andThen(provider.get),
          Effect.flatMap(({ value }) => record(`get: ${nameOf(value)}`)),
          Effect.forkScoped
        ),
        call: Effect.forkScoped(Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient).get("/v2/companies")),
        freeze: Effect.andThen(record("freezes"), awake.close),
        wake: Effect.andThen(record("wakes"), awake.open)
      }
    })
  return { A: yield* join("A"), B: yield* join("B"), C: yield* join("C"), revokeTokens: mock.revokeTokens, steps }
})

type Fleet = Effect.Success<typeof makeFleet>

/** Lets time pass in small steps, and after each of them what waits for a promise: a body is read through one. */
const pass = (millis: number) =>
  TestClock.adjust(oneWay).pipe(
    Effect.andThen(Effect.promise(() => setImmediate())),
    Effect.repeat({ times: millis / oneWay - 1 })
  )

/** The steps of a scene, `15 ms: A – lease: granted, fence 1`, from a moment on. */
const run = (
  start: number,
  play: (fleet: Fleet) => Effect.Effect<unknown, unknown, Scope.Scope>
): Promise<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    const fleet = yield* makeFleet
    yield* Effect.all([fleet.A.get, fleet.B.get, fleet.C.get])
    yield* play(fleet)
    return fleet.steps.map(({ at, step }) => `${at - start} ms: ${step}`)
  }).pipe(
    Effect.scoped,
    Effect.provide(
      TokenStore.layerMemory.pipe(
        Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, tokenLatency })),
        Layer.provideMerge(TestClock.layer()),
        Layer.provideMerge(Logger.layer([]))
      )
    ),
    Effect.runPromise
  )

const scenes = await Promise.all([
  run(0, () => pass(1000)),
  run(1000, ({ B, C, revokeTokens }) => Effect.all([pass(1000), revokeTokens, B.call, C.call, pass(1000)])),
  run(0, ({ A }) => Effect.all([pass(100), A.freeze, pass(6900), A.wake, pass(1000)]))
])

describe("docs/sharing-tokens.svg", () => {
  const { lines, texts } = readPicture("docs/sharing-tokens.svg")
  const described = lines.map((line) =>
    [...line.matchAll(/([\d.]+) (m?s), ([ABC](?:, [ABC])*) – (.+?)\.(?= [\d.]+ m?s, |$)/g)]
      .map(([, time, unit, processes = "", label = ""]) => ({
        at: Math.round(Number(time) * (unit === "s" ? 1000 : 1)),
        shown: unit === "s" ? `${time} s` : `${time} ms`,
        processes: processes.split(", "),
        label
      }))
  )

  it("describes three scenes, in steps", () => {
    expect(described.map((steps) => steps.length)).toEqual([11, 10, 22])
  })

  it.each([0, 1, 2])("describes nothing in scene %i that a run does not do at that time", (scene) => {
    const claims = described[scene]!.flatMap(({ at, label, processes }) =>
      processes.map((process) =>
        `${at} ms: ${process} – ${label.replace("lease, every second: still held", "lease: held by another")}`
      )
    )
    expect(claims.filter((claim) => !scenes[scene]!.includes(claim))).toEqual([])
  })

  it("shows the steps and times of its description, and no others", () => {
    const steps = described.flat()
    expect(steps.filter(({ label, shown }) => !texts.has(label) || !texts.has(shown))).toEqual([])
    const times = [...texts].filter((text) => /^[\d.]+ m?s$/.test(text))
    expect(times.filter((time) => !steps.some(({ shown }) => shown === time))).toEqual([])
  })
})
