import { SpotnanaHttpClient } from "@effect-spotnana/core"
import type { AuthError, TokenProvider } from "@effect-spotnana/core"
import { describe, expectTypeOf, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import type { Config, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import type { HttpClient, HttpClientError } from "effect/http"

const credentials = { clientId: "id", clientSecret: Redacted.make("secret") }
const lazy = SpotnanaHttpClient.layer(credentials)
const eager = SpotnanaHttpClient.layer({ ...credentials, eager: true })
const either = SpotnanaHttpClient.layer({ ...credentials, eager: Math.PI > 3 })
const configured = SpotnanaHttpClient.layerConfig()
const configuredEager = SpotnanaHttpClient.layerConfig({ eager: true })

// These compile or they do not; nothing is run.
describe("types", () => {
  it("a layer provides the client and its provider, and needs an HttpClient", () => {
    expectTypeOf<Layer.Success<typeof lazy>>().toEqualTypeOf<
      SpotnanaHttpClient.SpotnanaHttpClient | TokenProvider.TokenProvider
    >()
    expectTypeOf<Layer.Services<typeof lazy>>().toEqualTypeOf<HttpClient.HttpClient>()
  })

  it("its error channel has our errors only where the first token is wanted at once", () => {
    expectTypeOf<Layer.Error<typeof lazy>>().toEqualTypeOf<never>()
    expectTypeOf<Layer.Error<typeof eager>>().toEqualTypeOf<AuthError.AuthError>()
    expectTypeOf<Layer.Error<typeof either>>().toEqualTypeOf<AuthError.AuthError>()
    expectTypeOf<Layer.Error<typeof configured>>().toEqualTypeOf<Config.ConfigError>()
    expectTypeOf<Layer.Error<typeof configuredEager>>().toEqualTypeOf<Config.ConfigError | AuthError.AuthError>()
  })

  it("the first program says what can go wrong", () => {
    const program = Effect.gen(function*() {
      const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
      const response = yield* spotnana.get("/v2/companies")
      return yield* response.json
    })
    const runnable = Effect.provide(program, Layer.provide(configured, FetchHttpClient.layer))
    expectTypeOf(runnable).toEqualTypeOf<
      Effect.Effect<
        Schema.Json,
        | HttpClientError.HttpClientError
        | AuthError.InvalidCredentials
        | AuthError.TokenExpired
        | AuthError.TokenEndpointUnavailable
        | AuthError.MalformedTokenResponse
        | Config.ConfigError
      >
    >()
  })

  it("a secret in the clear does not compile", () => {
    // @ts-expect-error
    void SpotnanaHttpClient.layer({ clientId: "id", clientSecret: "secret" })
  })
})
