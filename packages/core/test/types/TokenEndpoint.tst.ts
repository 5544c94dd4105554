// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { TokenEndpoint } from "@effect-spotnana/core"
import type { AccessToken, AuthError, Credentials, Environment } from "@effect-spotnana/core"
import { Effect, Layer } from "effect"
import type { Duration, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import type { HttpClient, HttpClientRequest } from "effect/http"
import { describe, expect, test } from "tstyche"

declare const credentials: Credentials.ClientCredentials
declare const mine: Environment.Environment

const acquire = Effect.gen(function*() {
  const endpoint = yield* TokenEndpoint.TokenEndpoint
  return yield* endpoint.acquire(credentials)
})

describe("TokenEndpoint", () => {
  test("one request is one token or one of three errors", () => {
    expect<TokenEndpoint.TokenEndpoint["Service"]>().type.toBe<{
      readonly environment: Environment.Environment
      readonly variant?: string | Redacted.Redacted | undefined
      readonly timeout?: Duration.Duration | undefined
      readonly acquire: (
        credentials: Credentials.ClientCredentials
      ) => Effect.Effect<AccessToken.AccessToken, AuthError.TokenEndpointError>
    }>()
  })

  test("it has no TokenExpired, which is the API's verdict", () => {
    expect(acquire).type.toBe<
      Effect.Effect<
        AccessToken.AccessToken,
        AuthError.InvalidCredentials | AuthError.TokenEndpointUnavailable | AuthError.MalformedTokenResponse,
        TokenEndpoint.TokenEndpoint
      >
    >()
    // @ts-expect-error Argument of type '"TokenExpired"' is not assignable
    void Effect.catchTag(acquire, "TokenExpired", () => Effect.void)
  })

  test("its options may all be left out", () => {
    expect<TokenEndpoint.Options>().type.toBe<{
      readonly environment?: Environment.Environment | undefined
      readonly scope?: string | undefined
      readonly audience?: string | undefined
      readonly parameters?: Readonly<Record<string, string | Redacted.Redacted>> | undefined
      readonly clientAuthentication?: "body" | "basic" | undefined
      readonly timeout?: Duration.Input | undefined
      readonly maxBodySize?: number | undefined
    }>()
  })

  test("one of your own is made of an environment and a request at least, and cannot fail at that", () => {
    expect<TokenEndpoint.CustomOptions>().type.toBe<{
      readonly environment: Environment.Environment
      readonly request: (credentials: Credentials.ClientCredentials) => HttpClientRequest.HttpClientRequest
      readonly translate?:
        | ((json: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>)
        | undefined
      readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
      readonly variant?: string | Redacted.Redacted | undefined
      readonly timeout?: Duration.Input | undefined
      readonly maxBodySize?: number | undefined
    }>()
    expect(TokenEndpoint.makeWith).type.toBe<
      (
        options: TokenEndpoint.CustomOptions
      ) => Effect.Effect<TokenEndpoint.TokenEndpoint["Service"], never, HttpClient.HttpClient>
    >()
    // @ts-expect-error Property 'request' is missing
    void TokenEndpoint.makeWith({ environment: mine })
  })

  test("it is made of an HttpClient and cannot fail at that", () => {
    expect(TokenEndpoint.make).type.toBe<
      (
        options?: TokenEndpoint.Options
      ) => Effect.Effect<TokenEndpoint.TokenEndpoint["Service"], never, HttpClient.HttpClient>
    >()
    expect(TokenEndpoint.layer).type.toBe<
      (options?: TokenEndpoint.Options) => Layer.Layer<TokenEndpoint.TokenEndpoint, never, HttpClient.HttpClient>
    >()
  })

  test("a program without an HttpClient does not run", () => {
    const program = Effect.provide(acquire, TokenEndpoint.layer())
    // @ts-expect-error Type 'HttpClient' is not assignable to type 'never'.
    void Effect.runPromise(program)
    expect(Effect.runPromise).type.toBeCallableWith(
      Effect.provide(acquire, Layer.provide(TokenEndpoint.layer(), FetchHttpClient.layer))
    )
  })

  test("a secret in the clear and an unknown way to present it do not compile", () => {
    // @ts-expect-error Type 'string' is not assignable to type 'Redacted<string>'.
    void Effect.map(TokenEndpoint.TokenEndpoint, (_) => _.acquire({ clientId: "id", clientSecret: "secret" }))
    // @ts-expect-error Type '"header"' is not assignable to type '"body" | "basic" | undefined'.
    void TokenEndpoint.layer({ clientAuthentication: "header" })
    // @ts-expect-error Type 'number' is not assignable to type 'string | Redacted<string>'.
    void TokenEndpoint.layer({ parameters: { resource: 1 } })
  })
})
