// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { Credentials, Environment, SpotnanaHttpClient } from "@effect-spotnana/effect3"
import type { AuthError, RefreshPolicy, TokenProvider } from "@effect-spotnana/effect3"
import { FetchHttpClient, HttpClient } from "@effect/platform"
import type { HttpClientError, HttpClientResponse } from "@effect/platform"
import { Effect, Layer, Redacted } from "effect"
import type { ConfigError, Duration } from "effect"
import { describe, expect, test } from "tstyche"

type Provides = SpotnanaHttpClient.SpotnanaHttpClient | TokenProvider.TokenProvider

declare const spotnana: SpotnanaHttpClient.SpotnanaHttpClient["Type"]
declare const provider: TokenProvider.TokenProvider["Type"]
declare const plain: HttpClient.HttpClient
declare const either: boolean

const credentials = { clientId: "id", clientSecret: Redacted.make("secret") }

const program = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const response = yield* spotnana.get("/v2/companies")
  return yield* response.json
})

describe("SpotnanaHttpClient", () => {
  test("is an HttpClient whose calls fail with our errors too", () => {
    type Call = Effect.Effect<
      HttpClientResponse.HttpClientResponse,
      | HttpClientError.HttpClientError
      | AuthError.InvalidCredentials
      | AuthError.TokenExpired
      | AuthError.TokenEndpointUnavailable
      | AuthError.MalformedTokenResponse
    >
    expect(spotnana).type.toBe<
      HttpClient.HttpClient.With<HttpClientError.HttpClientError | AuthError.AuthError>
    >()
    expect(spotnana.execute).type.toBe<(request: Parameters<typeof plain.execute>[0]) => Call>()
    expect(spotnana.get("/")).type.toBe<Call>()
    expect(spotnana.head("/")).type.toBe<Call>()
    expect(spotnana.post("/")).type.toBe<Call>()
    expect(spotnana.patch("/")).type.toBe<Call>()
    expect(spotnana.put("/")).type.toBe<Call>()
    expect(spotnana.del("/")).type.toBe<Call>()
    expect(spotnana.options("/")).type.toBe<Call>()
  })

  test("does not pass for a plain HttpClient, whose callers do not know our errors", () => {
    expect(spotnana).type.not.toBeAssignableTo<HttpClient.HttpClient>()
  })

  test("its layers provide the client and the provider, and need an HttpClient", () => {
    expect(SpotnanaHttpClient.layer(credentials)).type.toBe<Layer.Layer<Provides, never, HttpClient.HttpClient>>()
    expect(SpotnanaHttpClient.layerConfig()).type.toBe<
      Layer.Layer<Provides, ConfigError.ConfigError, HttpClient.HttpClient>
    >()
    expect(SpotnanaHttpClient.layerCredentials()).type.toBe<
      Layer.Layer<Provides, never, Credentials.Credentials | HttpClient.HttpClient>
    >()
    expect(SpotnanaHttpClient.layerProvider).type.toBe<
      Layer.Layer<
        SpotnanaHttpClient.SpotnanaHttpClient,
        never,
        TokenProvider.TokenProvider | HttpClient.HttpClient
      >
    >()
  })

  test("they fail with our errors only where the first token is wanted at once", () => {
    type Eager = Layer.Layer<Provides, AuthError.AuthError, HttpClient.HttpClient>
    expect(SpotnanaHttpClient.layer({ ...credentials, eager: true })).type.toBe<Eager>()
    expect(SpotnanaHttpClient.layer({ ...credentials, eager: either })).type.toBe<Eager>()
    expect(SpotnanaHttpClient.layer({ ...credentials, eager: false })).type.toBe<
      Layer.Layer<Provides, never, HttpClient.HttpClient>
    >()
    expect(SpotnanaHttpClient.layer({ ...credentials, eager: "background" })).type.toBe<
      Layer.Layer<Provides, never, HttpClient.HttpClient>
    >()
    expect(SpotnanaHttpClient.layerConfig({ eager: "background" })).type.toBe<
      Layer.Layer<Provides, ConfigError.ConfigError, HttpClient.HttpClient>
    >()
    expect(SpotnanaHttpClient.layerCredentials({ eager: "background" })).type.toBe<
      Layer.Layer<Provides, never, Credentials.Credentials | HttpClient.HttpClient>
    >()
    expect(SpotnanaHttpClient.layerConfig({ eager: true })).type.toBe<
      Layer.Layer<Provides, ConfigError.ConfigError | AuthError.AuthError, HttpClient.HttpClient>
    >()
    expect(SpotnanaHttpClient.layerCredentials({ eager: true })).type.toBe<
      Layer.Layer<Provides, AuthError.AuthError, Credentials.Credentials | HttpClient.HttpClient>
    >()
  })

  test("the plain client is made of it, and cannot fail at that", () => {
    expect(SpotnanaHttpClient.layerHttpClient).type.toBe<
      Layer.Layer<HttpClient.HttpClient, never, SpotnanaHttpClient.SpotnanaHttpClient>
    >()
  })

  test("authenticating adds our errors to those of a client, and nothing to its needs", () => {
    expect(SpotnanaHttpClient.authenticate).type.toBe<
      (
        provider: TokenProvider.TokenProvider["Type"]
      ) => <E, R>(
        client: HttpClient.HttpClient.With<E, R>
      ) => HttpClient.HttpClient.With<E | AuthError.AuthError, R>
    >()
    expect(plain.pipe(SpotnanaHttpClient.authenticate(provider), HttpClient.filterStatusOk)).type.toBe<
      HttpClient.HttpClient.With<HttpClientError.HttpClientError | AuthError.AuthError>
    >()
  })

  test("the first program says what can go wrong", () => {
    const runnable = Effect.provide(program, Layer.provide(SpotnanaHttpClient.layerConfig(), FetchHttpClient.layer))
    expect(runnable).type.toBe<
      Effect.Effect<
        unknown,
        | HttpClientError.HttpClientError
        | AuthError.InvalidCredentials
        | AuthError.TokenExpired
        | AuthError.TokenEndpointUnavailable
        | AuthError.MalformedTokenResponse
        | ConfigError.ConfigError
      >
    >()
    expect(Effect.runPromise).type.toBeCallableWith(runnable)
  })

  test("the first program does not run without a layer, nor the layer without an HttpClient", () => {
    // @ts-expect-error Type 'SpotnanaHttpClient' is not assignable to type 'never'.
    void Effect.runPromise(program)
    // @ts-expect-error Type 'HttpClient' is not assignable to type 'never'.
    void Effect.runPromise(Effect.provide(program, SpotnanaHttpClient.layerConfig()))
    const withoutCredentials = Layer.provide(SpotnanaHttpClient.layerCredentials(), FetchHttpClient.layer)
    // @ts-expect-error Type 'Credentials' is not assignable to type 'never'.
    void Effect.runPromise(Effect.provide(program, withoutCredentials))
    // @ts-expect-error Type 'SpotnanaHttpClient' is not assignable to type 'never'.
    void Effect.runPromise(Effect.provide(HttpClient.get("/"), SpotnanaHttpClient.layerHttpClient))
  })

  test("what was caught is gone, and what cannot occur cannot be caught", () => {
    const caught = Effect.catchTag(program, "InvalidCredentials", () => Effect.succeed(null))
    expect<Effect.Effect.Error<typeof caught>>().type.toBe<
      | HttpClientError.HttpClientError
      | AuthError.TokenExpired
      | AuthError.TokenEndpointUnavailable
      | AuthError.MalformedTokenResponse
    >()
    // @ts-expect-error Argument of type '"ConfigError"' is not assignable
    void Effect.catchTag(program, "ConfigError", () => Effect.void)
  })

  test("options", () => {
    expect<SpotnanaHttpClient.Options>().type.toBe<{
      readonly environment?: Environment.Environment | undefined
      readonly scope?: string | undefined
      readonly audience?: string | undefined
      readonly parameters?: Readonly<Record<string, string | Redacted.Redacted>> | undefined
      readonly clientAuthentication?: "body" | "basic" | undefined
      readonly timeout?: Duration.DurationInput | undefined
      readonly maxBodySize?: number | undefined
      readonly refresh?: RefreshPolicy.Options | undefined
      readonly eager?: boolean | "background" | undefined
    }>()
    expect(SpotnanaHttpClient.layerConfig).type.toBeCallableWith({ credentials: Credentials.config, eager: true })
    expect(SpotnanaHttpClient.layer).type.toBeCallableWith({ ...credentials, environment: Environment.sandbox })
  })

  test("misuse does not compile", () => {
    // @ts-expect-error Type 'string' is not assignable to type 'Redacted<string>'.
    void SpotnanaHttpClient.layer({ clientId: "id", clientSecret: "secret" })
    // @ts-expect-error Property 'clientSecret' is missing
    void SpotnanaHttpClient.layer({ clientId: "id" })
    // @ts-expect-error Object literal may only specify known properties, and 'secret' does not exist
    void SpotnanaHttpClient.layer({ ...credentials, secret: "secret" })
    // @ts-expect-error Type 'string' is not assignable to type 'Environment'.
    void SpotnanaHttpClient.layer({ ...credentials, environment: "sandbox" })
    // @ts-expect-error Object literal may only specify known properties, and 'clientId' does not exist
    void SpotnanaHttpClient.layerConfig({ clientId: "id" })
    // @ts-expect-error is not assignable to parameter of type
    void SpotnanaHttpClient.authenticate(plain)
  })
})
