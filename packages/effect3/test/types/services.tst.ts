import type { AccessToken, ApiUsers, AuthError } from "@effect-spotnana/effect3"
import {
  Credentials,
  Environment,
  FileTokenStore,
  RedisTokenStore,
  SpotnanaApiError,
  TokenEndpoint,
  TokenProvider,
  TokenStore
} from "@effect-spotnana/effect3"
import type { FileSystem, HttpClient, HttpClientError, HttpClientResponse, Path } from "@effect/platform"
import { Effect } from "effect"
import type { Config, ConfigError, Either, Layer, Redacted, Scope, Stream } from "effect"
import { describe, expect, test } from "tstyche"

declare const token: AccessToken.AccessToken
declare const provider: TokenProvider.Service
declare const endpoint: TokenEndpoint.TokenEndpoint["Type"]
declare const users: ApiUsers.ApiUsers["Type"]
declare const response: HttpClientResponse.HttpClientResponse
declare const backend: TokenStore.Backend
declare const connect: Effect.Effect<RedisTokenStore.Client, Error, HttpClient.HttpClient | Scope.Scope>

describe("what an effect fails with", () => {
  test("a provider: our errors, and nothing for what it is told", () => {
    expect(provider.get).type.toBe<Effect.Effect<AccessToken.AccessToken, AuthError.AuthError>>()
    expect(provider.reject(token)).type.toBe<Effect.Effect<boolean>>()
    expect(provider.replacement(token)).type.toBe<Effect.Effect<AccessToken.AccessToken, AuthError.AuthError>>()
    expect(provider.replayAccepted).type.toBe<Effect.Effect<void>>()
    expect(provider.status).type.toBe<Effect.Effect<TokenProvider.Status>>()
    expect(provider.changes).type.toBe<Stream.Stream<TokenProvider.Status>>()
  })

  test("a token request: all but a rejection", () => {
    expect(endpoint.acquire).type.toBe<
      (
        credentials: Credentials.ClientCredentials
      ) => Effect.Effect<
        AccessToken.AccessToken,
        AuthError.InvalidCredentials | AuthError.TokenEndpointUnavailable | AuthError.MalformedTokenResponse
      >
    >()
  })

  test("a call of the API: its error besides", () => {
    expect(SpotnanaApiError.fromResponse(response)).type.toBe<Effect.Effect<SpotnanaApiError.SpotnanaApiError>>()
    expect(users.list).type.toBe<
      Effect.Effect<
        ReadonlyArray<string>,
        HttpClientError.HttpClientError | AuthError.AuthError | SpotnanaApiError.SpotnanaApiError
      >
    >()
  })

  test("each of our errors is caught by its tag", () => {
    const caught = Effect.catchTags(provider.get, {
      InvalidCredentials: () => Effect.succeed(token),
      TokenExpired: () => Effect.succeed(token),
      TokenEndpointUnavailable: () => Effect.succeed(token),
      MalformedTokenResponse: () => Effect.succeed(token)
    })
    expect(caught).type.toBe<Effect.Effect<AccessToken.AccessToken>>()
  })
})

describe("what a layer provides, fails with and needs", () => {
  test("a provider", () => {
    expect(TokenProvider.layer()).type.toBe<
      Layer.Layer<TokenProvider.TokenProvider, never, TokenEndpoint.TokenEndpoint | Credentials.Credentials>
    >()
    expect(TokenProvider.layer({ eager: true })).type.toBe<
      Layer.Layer<
        TokenProvider.TokenProvider,
        AuthError.AuthError,
        TokenEndpoint.TokenEndpoint | Credentials.Credentials
      >
    >()
    expect(TokenEndpoint.layer()).type.toBe<
      Layer.Layer<TokenEndpoint.TokenEndpoint, never, HttpClient.HttpClient>
    >()
    expect(Credentials.layerConfig()).type.toBe<Layer.Layer<Credentials.Credentials, ConfigError.ConfigError>>()
  })

  test("a store", () => {
    expect(TokenStore.layerMemory).type.toBe<Layer.Layer<TokenStore.TokenStore>>()
    expect(TokenStore.encrypted).type.toBeCallableWith(backend, [undefined as unknown as TokenStore.Key])
    expect(TokenStore.keys).type.toBe<
      Config.Config<readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>]>
    >()
    expect(FileTokenStore.layer({ directory: "/tmp/store" })).type.toBe<
      Layer.Layer<
        TokenStore.TokenStore,
        ConfigError.ConfigError | TokenStore.TokenStoreError,
        FileSystem.FileSystem | Path.Path
      >
    >()
    // A client that cannot connect is no failure of the layer, and its scope is the store's.
    expect(RedisTokenStore.layerClient(connect)).type.toBe<
      Layer.Layer<TokenStore.TokenStore, ConfigError.ConfigError, HttpClient.HttpClient>
    >()
  })
})

test("what may be wrong is an Either", () => {
  expect(Environment.make).type.toBe<
    (options: Environment.Options) => Either.Either<Environment.Environment, Environment.InvalidEnvironment>
  >()
  expect<AccessToken.AccessToken["value"]>().type.toBe<Redacted.Redacted>()
  // @ts-expect-error Type 'string' is not assignable to type 'Redacted<string>'.
  void Credentials.layer({ clientId: "id", clientSecret: "secret" })
})
