// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { SpotnanaHttpClient } from "@effect-spotnana/effect3"
import { Fault, MockSpotnana, Settings } from "@effect-spotnana/effect3/testing"
import type { Ledger } from "@effect-spotnana/effect3/testing"
import type { HttpClient, HttpServer, HttpServerError, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Redacted } from "effect"
import type { Duration, Stream } from "effect"
import { describe, expect, test } from "tstyche"

declare const mock: MockSpotnana.Service
declare const entry: Ledger.LedgerEntry

describe("MockSpotnana for Effect 3", () => {
  test("nothing that it is told to do can fail", () => {
    expect(mock).type.toBe<{
      readonly credentials: Effect.Effect<MockSpotnana.Client>
      readonly addClient: (
        clientId: string,
        clientSecret?: Redacted.Redacted | string
      ) => Effect.Effect<MockSpotnana.Client>
      readonly addUser: (subjectToken: Redacted.Redacted | string, email: string) => Effect.Effect<void>
      readonly removeUser: (email: string) => Effect.Effect<void>
      readonly configure: (settings: Settings.Input) => Effect.Effect<void>
      readonly inject: (
        endpoint: "token" | "api",
        fault: Fault.Fault,
        options?: { readonly times?: number | undefined }
      ) => Effect.Effect<void>
      readonly clearFaults: Effect.Effect<void>
      readonly revokeTokens: Effect.Effect<void>
      readonly revokeTokensOf: (clientId: string) => Effect.Effect<void>
      readonly revokeTokensOfUser: (email: string) => Effect.Effect<void>
      readonly rotateSecret: (clientId?: string) => Effect.Effect<MockSpotnana.Client>
      readonly ledger: Effect.Effect<ReadonlyArray<Ledger.LedgerEntry>>
      readonly requests: Stream.Stream<Ledger.LedgerEntry>
      readonly tokenRequests: Effect.Effect<number>
      readonly apiRequests: Effect.Effect<number>
      readonly clearLedger: Effect.Effect<void>
      readonly httpEffect: Effect.Effect<
        HttpServerResponse.HttpServerResponse,
        HttpServerError.RequestError,
        HttpServerRequest.HttpServerRequest
      >
      readonly httpClient: HttpClient.HttpClient
    }>()
  })

  test("is made of nothing, and served in-process or by any server", () => {
    expect(MockSpotnana.make).type.toBe<
      (options?: MockSpotnana.Options | undefined) => Effect.Effect<MockSpotnana.Service>
    >()
    expect(MockSpotnana.layer).type.toBe<
      (options?: MockSpotnana.Options | undefined) => Layer.Layer<MockSpotnana.MockSpotnana>
    >()
    expect(MockSpotnana.layerHttpClient).type.toBe<
      Layer.Layer<HttpClient.HttpClient, never, MockSpotnana.MockSpotnana>
    >()
    expect(MockSpotnana.layerServer).type.toBe<
      Layer.Layer<never, never, MockSpotnana.MockSpotnana | HttpServer.HttpServer>
    >()
    expect(MockSpotnana.MockSpotnana.use((_) => _.ledger)).type.toBe<
      Effect.Effect<ReadonlyArray<Ledger.LedgerEntry>, never, MockSpotnana.MockSpotnana>
    >()
  })

  test("takes the place of the network below the client", () => {
    const Test = SpotnanaHttpClient.layer({ clientId: "id", clientSecret: Redacted.make("secret") }).pipe(
      Layer.provide(MockSpotnana.layerHttpClient),
      Layer.provide(MockSpotnana.layer())
    )
    const program = Effect.flatMap(SpotnanaHttpClient.SpotnanaHttpClient, (client) => client.get("/v2/companies"))
    expect(Effect.runPromise).type.toBeCallableWith(Effect.provide(program, Test))
  })

  test("is not told what it does not know", () => {
    expect(MockSpotnana.layer).type.not.toBeCallableWith({ clientID: "id" })
    expect(mock.inject).type.not.toBeCallableWith("other", Fault.hang)
    expect(mock.configure).type.not.toBeCallableWith({ refusal: { status: 404 } })
  })

  test("settings and the ledger", () => {
    expect(Settings.defaults).type.toBe<Settings.Settings>()
    expect(Settings.defaults.tokenLifetime).type.toBe<Duration.Duration>()
    expect(Fault.status).type.not.toBeCallableWith(200, { body: { at: new Date() } })
    expect(Fault.status).type.not.toBeCallableWith(200, { body: [1n] })
    expect(Fault.garbage).type.toBe<Fault.Fault>()
    expect(entry.token).type.toBe<Redacted.Redacted | undefined>()
    expect(entry.body).type.toBe<Redacted.Redacted>()
    expect(entry.status).type.toBe<number | "hang" | "drop">()
  })
})
