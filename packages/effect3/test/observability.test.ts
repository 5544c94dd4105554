import { Credentials, Environment, SpotnanaHttpClient, TokenEndpoint, TokenProvider } from "@effect-spotnana/effect3"
import { Fault, MockSpotnana } from "@effect-spotnana/effect3/testing"
import { HttpClient } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, LogLevel, Ref, TestClock } from "effect"
import { clientId, clientSecret, onMock, subjects } from "./support/harness.ts"
import { recordingTracer } from "./support/recordingTracer.ts"
import { seriesOf } from "./support/series.ts"

/** An environment of its own: the registry of Effect 3 is one for all tests of the process. */
const named = (name: string) => Environment.makeUnsafe({ baseUrl: "https://api.spotnana.com", name })

const left = (environment: string) =>
  Effect.map(
    seriesOf(environment),
    (series) => series.find(([name]) => name === "spotnana_auth_token_lifetime_left_seconds")?.[2]
  )

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
      const series = (yield* seriesOf("counted"))
        .map(([name, { client_id: client, outcome }, value]) => [name, outcome ?? client ?? "all", value] as const)
        .toSorted(([one, a], [other, b]) => `${one} ${a}`.localeCompare(`${other} ${b}`))
      expect(series).toEqual([
        ["spotnana_auth_acquisitions_total", "success", 3],
        ["spotnana_auth_acquisitions_total", "TokenEndpointUnavailable", 1],
        ["spotnana_auth_rejections_total", clientId, 1],
        // The replacement of the revoked token is one, too: it had not expired.
        ["spotnana_auth_renewals_total", clientId, 2],
        ["spotnana_auth_replays_total", "all", 1],
        // 12 minutes before the end of an hour, less its last second and the leeway.
        ["spotnana_auth_token_lifetime_left_seconds", clientId, 720 - 1 - 5]
      ])
      // Read when it is exported: nothing happened since.
      yield* TestClock.adjust("100 millis")
      expect(yield* left("counted")).toBe(720 - 1 - 5 - 0.1)
    }).pipe(Effect.provide(onMock({ environment: named("counted"), refresh: { jitter: 0 } }))))

  it.effect("count a client beside another one of the same client id, and one that follows at once, but not a later one", () =>
    Effect.gen(function*() {
      const duplicates = Effect.map(
        seriesOf("duplicated"),
        (series) => series.find(([name]) => name === "spotnana_auth_duplicate_clients_total")?.[2] ?? 0
      )
      const call = Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get).pipe(
        Effect.provide(Layer.fresh(onMock({ environment: named("duplicated") })))
      )
      yield* call
      expect(yield* duplicates).toBe(0)
      yield* call
      expect(yield* duplicates).toBe(1)
      yield* TestClock.adjust("3 minutes")
      yield* call
      expect(yield* duplicates).toBe(1)
    }))

  it.effect("count a client beside another one of the same client id that has got no token yet", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const environment = named("duplicated without a token")
      const layer = Layer.fresh(
        SpotnanaHttpClient.layer({ clientId, clientSecret, environment, refresh: { attempts: 1 } }).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, mock.httpClient))
        )
      )
      const get = Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get)
      yield* Effect.gen(function*() {
        yield* mock.inject("token", Fault.status(503))
        yield* Effect.flip(get)
        yield* Effect.provide(get, layer)
      }).pipe(Effect.provide(layer))
      const duplicates = (yield* seriesOf(environment.name)).filter(([name]) => name.includes("duplicate"))
      expect(duplicates.map(([, , value]) => value)).toEqual([1])
    }).pipe(Effect.provide(MockSpotnana.layer({ clientId, clientSecret }))))

  it.effect("have the labels that the application gives to all its metrics", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const { client, mock } = yield* subjects
        yield* client.get("/v2/companies")
        yield* mock.revokeTokens
        yield* client.get("/v2/companies")
      }).pipe(
        Effect.provide(onMock({ environment: named("labelled") })),
        Effect.tagMetrics({ service: "booking", client_id: "of the application" })
      )
      // A replay is of the environment, not of a client.
      const series = (yield* seriesOf("labelled")).filter(([name]) => name !== "spotnana_auth_replays_total")
      expect(new Set(series.map(([name]) => name)).size).toBe(4)
      const own = { service: "booking", client_id: clientId }
      expect(series.map(([, labels]) => labels)).toEqual(series.map(() => expect.objectContaining(own)))
    }))

  it.effect("the gauge is NaN after its provider was closed, which no alert takes for a client without a token", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get).pipe(
        Effect.zipRight(Effect.map(left("closed"), (seconds) => expect(seconds).toBeGreaterThan(3_000))),
        Effect.provide(onMock({ environment: named("closed") }))
      )
      expect(yield* left("closed")).toBe(NaN)
    }))

  it.effect("the gauge is 0 where another provider was closed, and this one gets no token", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const get = Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get)
      const layer = Layer.fresh(
        SpotnanaHttpClient.layer({
          clientId,
          clientSecret,
          environment: named("back"),
          refresh: { attempts: 1 }
        }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, mock.httpClient)))
      )
      yield* Effect.provide(get, layer)
      yield* mock.inject("token", Fault.status(503))
      yield* Effect.flip(get).pipe(
        Effect.zipRight(Effect.map(left("back"), (seconds) => expect(seconds).toBe(0))),
        Effect.provide(layer)
      )
      expect(yield* left("back")).toBe(NaN)
    }).pipe(Effect.provide(MockSpotnana.layer({ clientId, clientSecret }))))

  it.effect("after a rotation to another client id, the gauge of the old one is NaN", () =>
    Effect.gen(function*() {
      const old = { clientId: "old", clientSecret }
      const mock = yield* MockSpotnana.MockSpotnana
      const current = yield* Ref.make(old)
      yield* mock.addClient(old.clientId, clientSecret)
      const { get } = yield* TokenProvider.make().pipe(
        Effect.provideService(Credentials.Credentials, { current: Ref.get(current) }),
        Effect.provideServiceEffect(
          TokenEndpoint.TokenEndpoint,
          TokenEndpoint.make({ environment: named("rotated") })
        ),
        Effect.provideService(HttpClient.HttpClient, mock.httpClient)
      )
      const gauges = Effect.map(seriesOf("rotated"), (series) =>
        series.filter(([name]) =>
          name === "spotnana_auth_token_lifetime_left_seconds"
        )
          .map(([, { client_id: client }, value]) => [client, value > 0] as const))
      yield* get
      expect(yield* gauges).toEqual([["old", true]])
      yield* Ref.set(current, { clientId, clientSecret })
      yield* TestClock.adjust("1 hour")
      yield* get
      expect(Object.fromEntries(yield* gauges)).toEqual({ [clientId]: true, old: false })
    }).pipe(Effect.scoped, Effect.provide(MockSpotnana.layer({ clientId, clientSecret }))))

  it.effect("of two providers with the same client id, one that goes does not take the other's gauge for good", () =>
    Effect.gen(function*() {
      const { provider } = yield* subjects
      yield* provider.get
      yield* Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get).pipe(
        Effect.provide(Layer.fresh(onMock({ environment: named("shared") }))),
        Effect.scoped
      )
      expect(yield* left("shared")).toBeGreaterThan(0)
      yield* TestClock.adjust("50 minutes")
      expect(yield* left("shared")).toBeGreaterThan(0)
    }).pipe(Effect.provide(onMock({ environment: named("shared") }))))
})

describe("spans", () => {
  it.effect("of the credentials source do not hang on the span that the layer was built in", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      const layer = SpotnanaHttpClient.layerCredentials().pipe(
        Layer.provide(Layer.succeed(Credentials.Credentials, {
          current: Effect.withSpan(Effect.succeed({ clientId, clientSecret }), "vault")
        })),
        Layer.provide(MockSpotnana.layerHttpClient),
        Layer.provide(MockSpotnana.layer({ clientId, clientSecret }))
      )
      yield* Effect.gen(function*() {
        const context = yield* Effect.withSpan(Layer.build(layer), "boot")
        yield* Context.get(context, TokenProvider.TokenProvider).get
      }).pipe(Effect.scoped, Effect.withTracer(tracer))
      expect(spans.filter(({ name }) => name === "vault").map(({ parent }) => parent._tag)).toEqual(["None"])
    }))

  it.effect("of logs do not hang on the one that the layer was built in", () =>
    Effect.gen(function*() {
      const found: Array<string> = []
      const logger = Logger.make(({ annotations, spans }) => {
        for (const { label } of spans) found.push(label)
        for (const [key] of annotations) found.push(key)
      })
      const layer = SpotnanaHttpClient.layerCredentials().pipe(
        Layer.provide(Layer.succeed(Credentials.Credentials, {
          current: Effect.as(Effect.logInfo("read"), { clientId, clientSecret })
        })),
        Layer.provide(MockSpotnana.layerHttpClient),
        Layer.provide(MockSpotnana.layer({ clientId, clientSecret }))
      )
      yield* Effect.gen(function*() {
        const context = yield* Layer.build(layer).pipe(
          Effect.withLogSpan("boot"),
          Effect.annotateLogs("service", "trips")
        )
        yield* Context.get(context, TokenProvider.TokenProvider).get
      }).pipe(Effect.scoped, Effect.provide(Logger.add(logger)))
      expect(found).toEqual(["service"])
    }))

  it.effect("the wire has a root span of its own, however it was caused", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      yield* Effect.gen(function*() {
        const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
        yield* client.get("/v2/companies").pipe(Effect.withSpan("caller"))
        yield* TestClock.adjust("1 hour")
      }).pipe(Effect.provide(onMock()), Effect.withTracer(tracer))
      const wire = spans.filter((span) => span.name === "TokenEndpoint.acquire")
      expect(wire.map((span) => span.parent._tag)).toEqual(["None", "None"])
      expect(Object.fromEntries(wire[0]!.attributes)).toEqual({
        "spotnana.client_id": clientId,
        "spotnana.environment": "production",
        "url.full": "https://api.spotnana.com/v2/auth/oauth2-token"
      })
      const callers = spans.filter((span) => span.parent._tag === "Some" && span.parent.value === wire[0])
      expect(callers.map((span) => span.name)).toEqual(["http.client POST"])
    }))

  it.effect("a request has none where tracing is disabled", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      yield* Effect.flatMap(SpotnanaHttpClient.SpotnanaHttpClient, (client) => client.get("/v2/companies")).pipe(
        Effect.withTracerEnabled(false),
        Effect.provide(onMock()),
        Effect.withTracer(tracer)
      )
      expect(spans.filter(({ name }) => name === "http.client GET")).toEqual([])
    }))

  it.effect("the combinators of a client record none where tracing is disabled, by the call or by the client", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordingTracer()
      yield* Effect.gen(function*() {
        const { mock, provider } = yield* subjects
        yield* provider.get
        const client = mock.httpClient.pipe(
          HttpClient.tap(() => Effect.withSpan(Effect.void, "innermost")),
          HttpClient.transformResponse(Effect.withSpan("middleware"))
        )
        const disabled = HttpClient.transformResponse(client, Effect.withTracerEnabled(false))
        const { authenticate } = SpotnanaHttpClient
        spans.length = 0
        yield* Effect.withTracerEnabled(authenticate(provider)(client).get("/v2/companies"), false)
        yield* authenticate(provider)(disabled).get("/v2/companies")
        expect(spans.map(({ name }) => name)).toEqual([])
        yield* authenticate(provider)(client).get("/v2/companies")
        expect(spans.map(({ name }) => name)).toEqual(["middleware", "http.client GET", "innermost"])
      }).pipe(Effect.provide(onMock()), Effect.withTracer(tracer))
    }))
})

/** Lines of our own: how serious they are, and what they say. */
const recorded = () => {
  const lines: Array<readonly [string, string]> = []
  const logger = Logger.make(({ logLevel, message }) => {
    const text = String(Array.isArray(message) ? message[0] : message)
    if (text.startsWith("Spotnana")) lines.push([logLevel.label, text])
  })
  const layer = Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(LogLevel.All))
  return { layer, lines }
}

describe("logs", () => {
  it.effect("are debug for what is usual, info, warning and error for what is not", () =>
    Effect.gen(function*() {
      const { layer, lines } = recorded()
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
      }).pipe(Effect.provide(onMock({ refresh: { jitter: 0 } }).pipe(Layer.provideMerge(layer))))
      expect(lines).toEqual([
        ["DEBUG", "Spotnana access token acquired"],
        ["DEBUG", "Spotnana access token renewed"],
        ["WARN", "Spotnana access token not renewed; the current one stays in use"],
        ["INFO", "Spotnana access token acquired after failures"],
        ["WARN", "Spotnana rejected an access token before it expired"],
        ["DEBUG", "Spotnana access token renewed"],
        ["WARN", "Spotnana rejected an access token before it expired"],
        ["ERROR", "Spotnana access token not renewed; the current one stays in use"]
      ])
    }))

  it.effect("rejections that replace nothing are logged once for each replacement, not once a request", () =>
    Effect.gen(function*() {
      const { layer, lines } = recorded()
      yield* Effect.gen(function*() {
        const { client, mock } = yield* subjects
        yield* mock.inject("api", Fault.status(401), { times: Infinity })
        for (let minute = 0; minute < 4; minute++) {
          for (let i = 0; i < 100; i++) yield* Effect.exit(client.get("/v2/companies"))
          yield* TestClock.adjust("1 minute")
        }
      }).pipe(Effect.provide(onMock().pipe(Layer.provideMerge(layer))))
      // A token is replaced at the start, and a minute and two minutes later.
      expect(lines.filter(([, line]) => line.includes("rejected an access token")).length).toBe(3)
      expect(lines.filter(([, line]) => line.includes("one new access token after another")).length).toBe(3)
    }))

  it.effect("a refusal that is answered from memory is not logged again", () =>
    Effect.gen(function*() {
      const { layer, lines } = recorded()
      yield* Effect.gen(function*() {
        const { provider } = yield* subjects
        for (let i = 0; i < 100; i++) yield* Effect.flip(provider.get)
      }).pipe(Effect.provide(onMock({}, { clientSecret: "another" }).pipe(Layer.provideMerge(layer))))
      expect(lines.length).toBe(1)
    }))
})
