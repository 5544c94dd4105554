// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import type { SigningKey } from "@effect-spotnana/core"
import { Fault, MockSpotnana, Settings } from "@effect-spotnana/testing"
import type { Ledger } from "@effect-spotnana/testing"
import { Effect, Layer, Redacted } from "effect"
import type { DateTime, Duration, Schema, Scope, Stream } from "effect"
import type {
  Headers,
  HttpClient,
  HttpServer,
  HttpServerError,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import { describe, expect, test } from "tstyche"

declare const mock: MockSpotnana.MockSpotnana["Service"]
declare const entry: Ledger.LedgerEntry

describe("MockSpotnana", () => {
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
      readonly partnerKeys: Effect.Effect<ReadonlyArray<MockSpotnana.PartnerJwk>>
      readonly ledger: Effect.Effect<ReadonlyArray<Ledger.LedgerEntry>>
      readonly requests: Stream.Stream<Ledger.LedgerEntry>
      readonly tokenRequests: Effect.Effect<number>
      readonly apiRequests: Effect.Effect<number>
      readonly clearLedger: Effect.Effect<void>
      readonly httpEffect: Effect.Effect<
        HttpServerResponse.HttpServerResponse,
        HttpServerError.HttpServerError,
        HttpServerRequest.HttpServerRequest
      >
      readonly httpClient: HttpClient.HttpClient
    }>()
  })

  test("is made of nothing", () => {
    expect(MockSpotnana.make).type.toBe<
      (
        options?: MockSpotnana.Options | undefined
      ) => Effect.Effect<MockSpotnana.MockSpotnana["Service"], never, Scope.Scope>
    >()
    expect(MockSpotnana.layer).type.toBe<
      (options?: MockSpotnana.Options | undefined) => Layer.Layer<MockSpotnana.MockSpotnana>
    >()
  })

  test("is served in-process or by any server", () => {
    expect(MockSpotnana.layerHttpClient).type.toBe<
      Layer.Layer<HttpClient.HttpClient, never, MockSpotnana.MockSpotnana>
    >()
    expect(MockSpotnana.layerServer).type.toBe<
      Layer.Layer<never, never, MockSpotnana.MockSpotnana | HttpServer.HttpServer>
    >()
  })

  test("takes the place of the network below the client", () => {
    const Test = SpotnanaHttpClient.layer({ clientId: "id", clientSecret: Redacted.make("secret") }).pipe(
      Layer.provide(MockSpotnana.layerHttpClient),
      Layer.provideMerge(MockSpotnana.layer({ clientId: "id", clientSecret: "secret" }))
    )
    expect<Layer.Services<typeof Test>>().type.toBe<never>()
    expect<Layer.Error<typeof Test>>().type.toBe<never>()
  })

  test("its options, which for once take a secret in the clear: it is a made-up one", () => {
    expect<MockSpotnana.Options>().type.toBe<{
      readonly clientId?: string | undefined
      readonly clientSecret?: Redacted.Redacted | string | undefined
      readonly companies?: ReadonlyArray<MockSpotnana.Reference> | undefined
      readonly users?: ReadonlyArray<string> | undefined
      readonly tokenLifetime?: Duration.Input | undefined
      readonly expiresIn?: "lifetime" | "absent" | Schema.Json | undefined
      readonly tokenLatency?: Duration.Input | undefined
      readonly apiLatency?: Duration.Input | undefined
      readonly refusal?: Partial<Settings.Refusal> | undefined
      readonly subjectRefusal?: "invalid_request" | "invalid_grant" | undefined
      readonly userEndpoint?: string | undefined
      readonly jwksUrl?: string | undefined
      readonly embedders?: ReadonlyArray<string> | undefined
      readonly apiUserQuota?: number | undefined
      readonly partnerClient?: HttpClient.HttpClient | undefined
    }>()
    expect<MockSpotnana.Client>().type.toBe<{ readonly clientId: string; readonly clientSecret: Redacted.Redacted }>()
    expect<MockSpotnana.Reference>().type.toBe<{ readonly id: string; readonly name: string }>()
    expect<MockSpotnana.PartnerJwk>().type.toBe<SigningKey.PublicJwk>()
    expect(MockSpotnana.companies).type.toBe<ReadonlyArray<MockSpotnana.Reference>>()
    expect(MockSpotnana.users).type.toBe<ReadonlyArray<string>>()
  })

  test("misuse does not compile", () => {
    // @ts-expect-error Argument of type '"other"' is not assignable to parameter of type '"token" | "api"'.
    void mock.inject("other", Fault.hang)
    // @ts-expect-error Argument of type 'number' is not assignable to parameter of type '{ readonly _tag: "Status";
    void mock.inject("token", 503)
    // @ts-expect-error Type '404' is not assignable to type '400 | 401 | 403 | undefined'.
    void mock.configure({ refusal: { status: 404 } })
    // @ts-expect-error Object literal may only specify known properties, and 'lifetime' does not exist
    void MockSpotnana.layer({ lifetime: "1 minute" })
    // @ts-expect-error Type 'MockSpotnana' is not assignable to type 'never'.
    void Effect.runPromise(Effect.flatMap(MockSpotnana.MockSpotnana, (mock) => mock.tokenRequests))
  })
})

describe("Settings", () => {
  test("are complete once merged", () => {
    expect(Settings.defaults).type.toBe<Settings.Settings>()
    expect(Settings.merge).type.toBe<(self: Settings.Settings, input: Settings.Input) => Settings.Settings>()
    expect<keyof Settings.Input>().type.toBe<keyof Settings.Settings>()
    expect<Settings.Settings["tokenLifetime"]>().type.toBe<Duration.Duration>()
    expect<Settings.Refusal>().type.toBe<{ readonly status: 400 | 401 | 403; readonly body: "oauth2" | "spotnana" }>()
  })
})

describe("Fault", () => {
  test("is made by name", () => {
    expect(Fault.status).type.toBe<
      (
        status: number,
        options?: { readonly body?: Fault.Body | undefined; readonly headers?: Headers.Input | undefined }
      ) => Fault.Fault
    >()
    expect(Fault.rateLimited).type.toBe<
      (
        options?: { readonly retryAfter?: Duration.Duration | DateTime.DateTime | Date | string | undefined }
      ) => Fault.Fault
    >()
    expect(Fault.hang).type.toBe<Fault.Fault>()
    expect(Fault.drop).type.toBe<Fault.Fault>()
    expect(Fault.garbage).type.toBe<Fault.Fault>()
    expect<Fault.Body>().type.toBe<
      string | Uint8Array | Stream.Stream<Uint8Array, unknown> | Schema.JsonObject | Schema.JsonArray
    >()
  })

  test("is taken apart by all of its tags or not at all", () => {
    expect(Fault.match).type.toBeCallableWith(Fault.hang, {
      Status: () => 1,
      RateLimited: () => 2,
      Garbage: () => 3,
      Hang: () => 4,
      Drop: () => 5
    })
    // @ts-expect-error is missing the following properties from type
    void Fault.match(Fault.hang, { Status: () => 1 })
  })
})

describe("Ledger", () => {
  test("has neither a body nor a token in the clear", () => {
    expect(entry).type.toBe<{
      readonly endpoint: Ledger.Endpoint
      readonly method: string
      readonly path: string
      readonly query: string
      readonly headers: Headers.Headers
      readonly body: Redacted.Redacted
      readonly clientId: string | undefined
      readonly user: string | undefined
      readonly token: Redacted.Redacted | undefined
      readonly at: number
      readonly status: number | "hang" | "drop"
      readonly debugIdentifier: string
    }>()
    expect<Ledger.Endpoint>().type.toBe<"token" | "api" | "other">()
  })
})
