import { Credentials, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Metric, References, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { clientId, clientSecret, onMock, recordingTracer, subjects } from "./support/harness.ts"

/** The series of this library: name, attributes and value. */
const series = Effect.map(Metric.snapshot, (snapshots) =>
  snapshots
    .filter(({ id }) => id.startsWith("spotnana_auth_"))
    .map(({ attributes, id, state }) => {
      const { client_id: client, outcome } = attributes ?? {}
      const value = "count" in state ? Number(state.count) : "value" in state ? Number(state.value) : NaN
      return [id.replace("spotnana_auth_", ""), outcome ?? client ?? attributes?.["environment"], value] as const
    })
    .toSorted(([a], [b]) => a.localeCompare(b)))

describe("metrics", () => {
  it.effect("count acquisitions, renewals, rejections and replays, and gauge the lifetime that is left", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      yield* client.get("/v2/companies")
      yield* TestClock.adjust("2880 seconds")
      yield* mock.revokeTokens
      yield* client.get("/v2/companies")
      yield* mock.inject("token", Fault.status(503), { times: 1 })
      yield* TestClock.adjust("2880 seconds")
      expect(yield* series).toEqual([
        ["acquisitions_total", "success", 3],
        ["acquisitions_total", "TokenEndpointUnavailable", 1],
        ["rejections_total", clientId, 1],
        // The replacement of the revoked token is one, too: it had not expired.
        ["renewals_total", clientId, 2],
        ["replays_total", "production", 1],
        // 12 minutes before the end of an hour, less its last second and the leeway.
        ["token_lifetime_left_seconds", clientId, 720 - 1 - 5]
      ])
      yield* TestClock.adjust("1 second")
      const left = (yield* series).at(-1)![2]
      expect(left).toBeGreaterThan(3500)
    }).pipe(
      Effect.provide(onMock({ refresh: { jitter: 0 } })),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))

  it.effect("the gauge goes with its provider", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(TokenProvider.TokenProvider, (provider) => provider.get).pipe(Effect.provide(onMock()))
      expect((yield* series).map(([name]) => name)).not.toContain("token_lifetime_left_seconds")
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

  it.effect("of two providers with the same client id, one that goes does not take the other's gauge for good", () =>
    Effect.gen(function*() {
      const { provider } = yield* subjects
      yield* provider.get
      yield* Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get).pipe(
        Effect.provide(Layer.fresh(onMock())),
        Effect.scoped
      )
      yield* TestClock.adjust("50 minutes")
      expect((yield* series).map(([name]) => name)).toContain("token_lifetime_left_seconds")
    }).pipe(Effect.provide(onMock()), Effect.provideService(Metric.MetricRegistry, new Map())))
})

describe("spans", () => {
  it.effect("of the credentials source do not hang on the span that the layer was built in", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      const source = Layer.succeed(Credentials.Credentials, {
        current: Effect.withSpan(Effect.succeed({ clientId, clientSecret }), "vault")
      })
      const layer = SpotnanaHttpClient.layerCredentials().pipe(
        Layer.provide(source),
        Layer.provide(MockSpotnana.layerHttpClient),
        Layer.provide(MockSpotnana.layer({ clientId, clientSecret }))
      )
      yield* Effect.gen(function*() {
        const context = yield* Effect.withSpan(Layer.build(layer), "boot")
        yield* Context.get(context, TokenProvider.TokenProvider).get
      }).pipe(Effect.scoped, Effect.provideService(Tracer.Tracer, tracer))
      expect(spans.filter(({ name }) => name === "vault").map(({ parent }) => parent._tag)).toEqual(["None"])
    }))

  it.effect("the wire has a root span of its own, however it was caused", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      yield* Effect.gen(function*() {
        const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
        yield* client.get("/v2/companies").pipe(Effect.withSpan("caller"))
        yield* TestClock.adjust("1 hour")
      }).pipe(Effect.provide(onMock()), Effect.provideService(Tracer.Tracer, tracer))
      const wire = spans.filter((span) => span.name === "TokenEndpoint.acquire")
      expect(wire.length).toBe(2)
      expect(wire.map((span) => span.parent._tag)).toEqual(["None", "None"])
      expect(Object.fromEntries(wire[0]!.attributes)).toEqual({
        "spotnana.client_id": clientId,
        "spotnana.environment": "production",
        "url.full": "https://api.spotnana.com/v2/auth/oauth2-token"
      })
      const callers = spans.filter((span) => span.parent._tag === "Some" && span.parent.value === wire[0])
      expect(callers.map((span) => span.name)).toEqual(["POST"])
    }))
})

describe("logs", () => {
  it.effect("are debug for what is usual, info, warning and error for what is not", () =>
    Effect.gen(function*() {
      const lines: Array<readonly [string, unknown]> = []
      const logger = Logger.make(({ logLevel, message }) => {
        lines.push([logLevel, Array.isArray(message) ? message[0] : message])
      })
      yield* Effect.gen(function*() {
        const { client, mock } = yield* subjects
        yield* client.get("/v2/companies")
        yield* TestClock.adjust("2880 seconds")
        yield* mock.inject("token", Fault.status(503))
        yield* TestClock.adjust("1 hour")
        yield* mock.revokeTokens
        yield* client.get("/v2/companies")
        yield* mock.rotateSecret()
        // However many calls fail after that, no line repeats it.
        for (let calls = 0; calls < 10; calls++) yield* Effect.flip(client.get("/v2/companies"))
      }).pipe(
        Effect.provide(onMock({ refresh: { jitter: 0 } }).pipe(Layer.provideMerge(Logger.layer([logger])))),
        Effect.provideService(References.MinimumLogLevel, "All")
      )
      expect(lines).toEqual([
        ["Debug", "Spotnana access token acquired"],
        ["Debug", "Spotnana access token renewed"],
        ["Warn", "Spotnana access token not renewed; the current one stays in use"],
        ["Info", "Spotnana access token acquired after failures"],
        // The mock answers without a suspension: what comes of an acquisition is logged before what it is for.
        ["Debug", "Spotnana access token renewed"],
        ["Warn", "Spotnana rejected an access token before it expired"],
        ["Error", "Spotnana access token not renewed; the current one stays in use"],
        ["Warn", "Spotnana rejected an access token before it expired"]
      ])
    }))

  it.effect("rejections that replace nothing are logged once for each replacement, not once a request", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => {
        lines.push(Array.isArray(message) ? message[0] : message)
      })
      yield* Effect.gen(function*() {
        const { client, mock } = yield* subjects
        yield* mock.inject("api", Fault.status(401), { times: Infinity })
        for (let minute = 0; minute < 4; minute++) {
          for (let i = 0; i < 100; i++) yield* Effect.exit(client.get("/v2/companies"))
          yield* TestClock.adjust("1 minute")
        }
      }).pipe(Effect.provide(onMock().pipe(Layer.provideMerge(Logger.layer([logger])))))
      // A token is replaced at the start, and a minute and two minutes later.
      expect(lines.filter((line) => String(line).includes("rejected an access token")).length).toBe(3)
      expect(lines.filter((line) => String(line).includes("one new access token after another")).length).toBe(3)
    }))

  it.effect("a refusal that is answered from memory is not logged again", () =>
    Effect.gen(function*() {
      let lines = 0
      const logger = Logger.make(() => {
        lines++
      })
      yield* Effect.gen(function*() {
        const { provider } = yield* subjects
        for (let i = 0; i < 100; i++) yield* Effect.flip(provider.get)
      }).pipe(
        Effect.provide(onMock({}, { clientSecret: "another" }).pipe(Layer.provideMerge(Logger.layer([logger]))))
      )
      expect(lines).toBe(1)
    }))
})
