import { Credentials, Environment, SpotnanaHttpClient, TokenProvider, TokenStore } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it, vi } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Logger, Metric, References, Scope, Tracer } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
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

/** A token endpoint and an API that take everybody. */
const everybody = Layer.sync(HttpClient.HttpClient, () => {
  let serial = 0
  return HttpClient.make((request, { pathname }) =>
    Effect.sync(() => {
      const isToken = pathname.endsWith("/oauth2-token")
      const body = isToken ? { access_token: `token-${serial++}`, token_type: "Bearer", expires_in: 3600 } : {}
      // Every token is rejected once: when it was not accepted yet.
      const status = isToken || serial % 2 === 0 ? 200 : 401
      return HttpClientResponse.fromWeb(request, Response.json(body, { status }))
    })
  )
})

describe("the series of a client id that is not used any more", () => {
  const clientOf = (id: string, options?: SpotnanaHttpClient.Options<false>) =>
    Layer.fresh(SpotnanaHttpClient.layer({ clientId: id, clientSecret, ...options })).pipe(Layer.provide(everybody))

  /** Opens a provider, makes a call, and closes it. */
  const use = (id: string, options?: SpotnanaHttpClient.Options<false>) =>
    SpotnanaHttpClient.SpotnanaHttpClient.use((client) => client.get("/v2/companies")).pipe(
      Effect.provide(clientOf(id, options))
    )

  const open = (id: string) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(clientOf(id), scope)
      yield* Context.get(services, TokenProvider.TokenProvider).get
      return Scope.close(scope, Exit.void)
    })

  const acquisitionsOf = (id: string) =>
    Effect.map(
      Metric.snapshot,
      (snapshots) =>
        snapshots.flatMap(({ attributes, id: name, state }) =>
          name === "spotnana_auth_acquisitions_total" && attributes?.["client_id"] === id && "count" in state
            ? [Number(state.count)]
            : []
        )
    )

  const inRegistry = <A, E, R>(effect: (registry: Metric.MetricRegistry) => Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      const registry: Metric.MetricRegistry = new Map()
      return effect(registry).pipe(
        Effect.provideService(Metric.MetricRegistry, registry),
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    })

  it.effect("are gone two minutes later, at the next thing that any provider does: of 100 client ids none is left", () =>
    inRegistry((registry) =>
      Effect.gen(function*() {
        const environment = Environment.makeUnsafe({ baseUrl: "https://tenant.example" })
        for (let n = 0; n < 100; n++) {
          yield* use(`tenant-${n}`, n < 10 ? { environment } : undefined)
        }
        // Acquisitions, renewals and rejections of each, and the replays of both environments.
        expect(registry.size).toBe(302)
        yield* TestClock.adjust("2 minutes")
        yield* use("next")
        expect(new Set([...registry.values()].map(({ attributes }) => attributes?.["client_id"] ?? "all"))).toEqual(
          new Set(["next", "all"])
        )
        expect(registry.size).toBe(4)
      })
    ))

  it.effect("stay for two minutes, so that they are scraped, and go on from there if the client id comes back", () =>
    inRegistry(() =>
      Effect.gen(function*() {
        yield* use("tenant")
        yield* TestClock.adjust("119 seconds")
        yield* use("other")
        expect(yield* acquisitionsOf("tenant")).toEqual([2])
        yield* use("tenant")
        yield* TestClock.adjust("119 seconds")
        yield* use("other")
        expect(yield* acquisitionsOf("tenant")).toEqual([4])
        yield* TestClock.adjust("1 minute")
        yield* use("other")
        expect(yield* acquisitionsOf("tenant")).toEqual([])
      })
    ))

  it.effect("go with the last of its providers, not with the first", () =>
    inRegistry(() =>
      Effect.gen(function*() {
        const closeOne = yield* open("tenant")
        const closeOther = yield* open("tenant")
        yield* closeOne
        yield* TestClock.adjust("3 minutes")
        yield* use("other")
        expect(yield* acquisitionsOf("tenant")).toEqual([2])
        yield* closeOther
        yield* TestClock.adjust("3 minutes")
        yield* use("other")
        expect(yield* acquisitionsOf("tenant")).toEqual([])
      })
    ))

  it.effect("go at an export, while another provider has a token", () =>
    inRegistry((registry) =>
      Effect.gen(function*() {
        yield* Effect.asVoid(open("living"))
        yield* use("tenant")
        yield* TestClock.adjust("3 minutes")
        yield* Metric.snapshot
        expect([...registry.values()].filter(({ attributes }) => attributes?.["client_id"] === "tenant")).toEqual([])
      })
    ))

  it.effect("go when the credentials of a provider become those of another client", () =>
    inRegistry(() =>
      Effect.gen(function*() {
        let id = "old"
        const services = yield* Layer.build(
          SpotnanaHttpClient.layerCredentials({ refresh: { jitter: 0 } }).pipe(
            Layer.provide(Layer.succeed(Credentials.Credentials, {
              current: Effect.sync(() => ({ clientId: id, clientSecret }))
            })),
            Layer.provide(everybody)
          )
        )
        yield* Context.get(services, TokenProvider.TokenProvider).get
        id = "new"
        yield* TestClock.adjust("48 minutes")
        expect(yield* acquisitionsOf("old")).toEqual([1])
        expect(yield* acquisitionsOf("new")).toEqual([1])
        yield* TestClock.adjust("48 minutes")
        expect(yield* acquisitionsOf("old")).toEqual([])
        expect(yield* acquisitionsOf("new")).toEqual([2])
      }).pipe(Effect.scoped)
    ))

  it.effect("go where the source of the credentials failed, too, and nothing else in the registry does", () =>
    inRegistry((registry) =>
      Effect.gen(function*() {
        yield* Metric.update(Metric.withAttributes(Metric.counter("mine"), { client_id: "tenant" }), 1)
        const failing = SpotnanaHttpClient.layerCredentials({ refresh: { attempts: 1 } }).pipe(
          Layer.provide(Layer.succeed(Credentials.Credentials, { current: Effect.fail("no vault") })),
          Layer.provide(everybody)
        )
        yield* Effect.flip(TokenProvider.TokenProvider.use(({ get }) => get)).pipe(Effect.provide(failing))
        yield* use("tenant")
        expect(yield* acquisitionsOf("unknown")).toEqual([1])
        yield* TestClock.adjust("3 minutes")
        yield* use("other")
        expect(yield* acquisitionsOf("unknown")).toEqual([])
        expect([...registry.values()].map(({ id }) => id)).toContain("mine")
      })
    ))
})

describe("a client that is made for each call", () => {
  const messages = (lines: Array<unknown>) =>
    Logger.layer([Logger.make(({ message }) => {
      lines.push(Array.isArray(message) ? message[0] : message)
    })])
  const told = "Several Spotnana clients request tokens for one client id; provide the layer once, at the start"

  const call = Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get)
  const clientOf = (id = clientId) => Layer.fresh(SpotnanaHttpClient.layer({ clientId: id, clientSecret }))

  const duplicates = Effect.map(series, (all) => all.filter(([name]) => name === "duplicate_clients_total"))

  const run = <A, E>(effect: Effect.Effect<A, E, HttpClient.HttpClient>, lines: Array<unknown>) =>
    effect.pipe(
      Effect.provide(Layer.merge(everybody, messages(lines))),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )

  it.effect("is counted and logged at debug from the second one on, also where each ends before the next", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      yield* run(
        Effect.gen(function*() {
          for (let calls = 0; calls < 5; calls++) yield* Effect.provide(call, clientOf())
          expect(yield* duplicates).toEqual([["duplicate_clients_total", clientId, 4]])
        }),
        lines
      )
      expect(lines.filter((line) => line === told).length).toBe(4)
    }))

  it.effect("is not told of where it is one, renewed or used again after minutes, nor of another client id", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      yield* run(
        Effect.gen(function*() {
          yield* Effect.gen(function*() {
            yield* call
            yield* TestClock.adjust("3 hours")
            yield* call
          }).pipe(Effect.provide(clientOf()))
          yield* Effect.provide(call, clientOf("another"))
          // What is idle for so long is made anew by a LayerMap too.
          yield* TestClock.adjust("5 minutes")
          yield* Effect.provide(call, clientOf())
          expect(yield* duplicates).toEqual([])
        }),
        lines
      )
      expect(lines).not.toContain(told)
    }))

  it.effect("is not told of with a store, by which all of them have one token", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      yield* run(
        Effect.gen(function*() {
          for (let calls = 0; calls < 3; calls++) yield* Effect.provide(call, clientOf())
          expect(yield* duplicates).toEqual([])
        }).pipe(Effect.provide(TokenStore.layerMemory)),
        lines
      )
      expect(lines).not.toContain(told)
    }))
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
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provideService(Metric.MetricRegistry, new Map())
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

  it.effect("a date is formatted for a line that is logged, and for no other", () =>
    Effect.gen(function*() {
      const formatted = vi.spyOn(Date.prototype, "toISOString")
      const expiries: Array<unknown> = []
      const logger = Logger.make(({ fiber }) => {
        expiries.push(fiber.getRef(References.CurrentLogAnnotations)["expires_at"])
      })
      const acquire = Effect.suspend(() =>
        TokenProvider.TokenProvider.use(({ get }) => get).pipe(
          Effect.provide(Layer.fresh(onMock()).pipe(Layer.provideMerge(Logger.layer([logger])))),
          Effect.provideService(Metric.MetricRegistry, new Map())
        )
      )
      yield* acquire
      expect([formatted.mock.calls.length, expiries]).toEqual([0, []])
      yield* Effect.provideService(acquire, References.MinimumLogLevel, "Debug")
      expect([formatted.mock.calls.length, expiries]).toEqual([1, ["1970-01-01T01:00:00.000Z"]])
      formatted.mockRestore()
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
