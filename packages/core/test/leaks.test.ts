import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import {
  Cause,
  ConfigProvider,
  DateTime,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Metric,
  Redacted,
  References,
  Stream,
  Tracer
} from "effect"
import { HttpBody } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { clientId, clientSecret, recordingTracer } from "./support/harness.ts"

/** All the ways in which a value finds its way to a person or a file. */
const print = (value: unknown): string =>
  [
    String(value),
    inspect(value, { depth: Infinity, showHidden: true }),
    JSON.stringify(value, (_, part: unknown) => typeof part === "bigint" ? String(part) : part),
    value instanceof Error ? `${value.stack}${value.message}` : "",
    Cause.isCause(value) ? Cause.pretty(value) : "",
    Exit.isExit(value) && Exit.isFailure(value) ? Cause.pretty(value.cause) : ""
  ].join("\n")

const disguises = (secret: string): ReadonlyArray<string> => [
  secret,
  encodeURIComponent(secret),
  new URLSearchParams([["", secret]]).toString().slice(1),
  Buffer.from(secret).toString("base64"),
  Buffer.from(secret).toString("hex")
]

/** Runs a scenario with every log, span, metric and exit recorded, and returns what was printed of it. */
const record = <A, E, R>(scenario: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const seen: Array<unknown> = []
    const logger = Logger.make((options) => {
      seen.push(Logger.formatJson.log(options), Logger.formatLogFmt.log(options), options.message, options.cause)
    })
    const { spans, tracer } = recordingTracer()
    const exit = yield* Effect.exit(scenario).pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(Tracer.Tracer, tracer),
      Effect.provideService(References.MinimumLogLevel, "All")
    )
    seen.push(yield* Metric.dump, yield* Metric.snapshot)
    for (const { attributes, events, name, status } of spans) {
      seen.push(name, [...attributes], events)
      // What a span succeeded with is exported by nobody; why it failed is.
      if (status._tag === "Ended" && Exit.isFailure(status.exit)) seen.push(status.exit)
    }
    return { exit, logs: seen, spans, printed: seen.map(print).join("\n") }
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

const onMock = SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(Layer.provide(MockSpotnana.layerHttpClient))

const none = {
  value: Redacted.make("none"),
  issuedAt: DateTime.makeUnsafe(0),
  expiresAt: DateTime.makeUnsafe(1),
  scope: undefined
}

/** A secret that a server echoes in every shape, and what else may come with it. */
const echo = (secret: string) => ({
  error: "invalid_client",
  error_description: `bad secret ${secret} ${encodeURIComponent(secret)} ${Buffer.from(secret).toString("base64")}`
})

describe("invariant 9: nothing leaks", () => {
  const secret = Redacted.value(clientSecret)

  const life = Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    const provider = yield* TokenProvider.TokenProvider
    const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
    const outcomes: Array<unknown> = [provider, client, yield* Effect.context()]
    const keep = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.exit(effect))
        yield* TestClock.adjust("1 minute")
        outcomes.push(yield* Fiber.join(fiber), yield* provider.status)
      })
    yield* Effect.forkChild(Stream.runForEach(provider.changes, (status) => Effect.sync(() => outcomes.push(status))))

    yield* keep(provider.get)
    yield* keep(client.get("/v2/companies"))
    yield* keep(client.post("/v2/echo", { body: HttpBody.text("hello") }))
    yield* TestClock.adjust("50 minutes")
    yield* mock.revokeTokens
    yield* keep(client.get("/v2/companies"))
    const token = Redacted.value((yield* provider.get).value)
    yield* mock.inject("api", Fault.status(401, { body: { message: `Access Token Invalid: ${token}` } }), { times: 2 })
    yield* keep(client.get("/v2/companies"))
    yield* keep(client.post("/v2/echo", { body: HttpBody.stream(Stream.make(new Uint8Array([1]))) }))
    yield* mock.inject("api", Fault.drop)
    yield* keep(client.get("/v2/companies"))
    for (
      const fault of [
        Fault.status(401, { body: echo(secret) }),
        Fault.status(403, { body: `<html>${secret}</html>` }),
        Fault.status(500, { body: { debugIdentifier: secret, errorMessages: [{ message: secret }] } }),
        Fault.status(200, { body: `{"access_token": "${token}", "oops": ${secret}` }),
        Fault.status(200, { body: { access_token: `${token}\n`, token_type: "Bearer" } }),
        Fault.status(307, { headers: { location: `https://evil.example/?client_secret=${secret}` } }),
        Fault.garbage,
        Fault.drop,
        Fault.hang
      ]
    ) {
      yield* provider.reject(yield* Effect.orElseSucceed(provider.get, () => none))
      yield* TestClock.adjust("10 minutes")
      yield* mock.inject("token", fault, { times: 20 })
      yield* TestClock.adjust("2 hours")
      yield* keep(client.get("/v2/companies"))
      yield* keep(provider.get)
      yield* mock.clearFaults
      yield* TestClock.adjust("10 minutes")
    }
    const tokens = (yield* mock.ledger).flatMap((entry) =>
      entry.token === undefined ? [] : [Redacted.value(entry.token)]
    )
    return { outcomes, tokens: [...new Set(tokens)] }
  })

  it.effect("neither the secret nor any token is in a log, a span, a metric, an error or an inspection", () =>
    Effect.gen(function*() {
      const { exit, printed, spans } = yield* record(
        Effect.provide(life, Layer.provideMerge(onMock, MockSpotnana.layer({ clientId, clientSecret })))
      )
      const { outcomes, tokens } = yield* exit
      const text = printed + outcomes.map(print).join("\n")
      // What is searched was really recorded.
      for (const word of ["Spotnana access token acquired", "InvalidCredentials", "MalformedTokenResponse", "Bearer"]) {
        expect([word, text.includes(word)]).toEqual([word, word !== "Bearer"])
      }
      expect(spans.some((span) => span.name === "TokenEndpoint.acquire")).toBe(true)
      expect(text).toContain("spotnana_auth_acquisitions_total")
      expect(tokens.length).toBeGreaterThan(5)
      for (const canary of [secret, ...tokens]) {
        for (const disguise of disguises(canary)) {
          const index = text.indexOf(disguise)
          // Shown without what was found, so that a failing test does not leak either.
          const where = index < 0
            ? "nowhere"
            : text.slice(index - 300, index) + "‹here›" +
              text.slice(index + disguise.length, index + disguise.length + 100)
          expect(where).toBe("nowhere")
        }
      }
    }))

  it.effect("a configuration mistake does not print the secret", () =>
    Effect.gen(function*() {
      const layer = SpotnanaHttpClient.layerConfig().pipe(
        Layer.provide(MockSpotnana.layerHttpClient),
        Layer.provide(MockSpotnana.layer()),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({
          env: { SPOTNANA_CLIENT_ID: clientId, SPOTNANA_CLIENT_SECRET: `${secret}\n` }
        })))
      )
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(layer)))
      expect(print(exit)).toContain("SPOTNANA_CLIENT_SECRET cannot be used")
      expect(print(exit)).not.toContain(secret)
    }))
})
