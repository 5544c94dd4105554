import { TokenExchange } from "@effect-spotnana/core"
import type { AccessToken, AuthError, Credentials, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Effect } from "effect"
import type { Layer, Option, Redacted, Stream } from "effect"
import type { HttpClient, HttpClientError } from "effect/http"
import { describe, expect, test } from "tstyche"

declare const token: Redacted.Redacted
declare const readSession: Effect.Effect<Redacted.Redacted, Error>
declare const user: TokenExchange.UserHttpClient["Service"]
declare const application: SpotnanaHttpClient.SpotnanaHttpClient["Service"]
declare const provider: TokenExchange.UserTokenProvider["Service"]

type Provides = TokenExchange.UserHttpClient | TokenExchange.UserTokenProvider
type Needs = Credentials.Credentials | HttpClient.HttpClient

describe("TokenExchange", () => {
  test("its layer needs the client's credentials and an HttpClient, and fails only where it is eager", () => {
    expect(TokenExchange.layer({ user: "ada", subjectToken: readSession })).type.toBe<
      Layer.Layer<Provides, never, Needs>
    >()
    expect(TokenExchange.layer({ user: "ada", subjectToken: readSession, eager: "background" })).type.toBe<
      Layer.Layer<Provides, never, Needs>
    >()
    expect(TokenExchange.layer({ user: "ada", subjectToken: readSession, eager: true })).type.toBe<
      Layer.Layer<Provides, TokenExchange.UserAuthError, Needs>
    >()
    expect<TokenExchange.Options>().type.toBeAssignableFrom<{
      readonly user: string
      readonly subjectToken: Effect.Effect<Redacted.Redacted>
      readonly subjectTokenType: string
      readonly scope: string
      readonly audience: string
      readonly rejectsSubject: (error: AuthError.InvalidCredentials) => boolean
    }>()
  })

  test("a token in place of its source, a token that is not Redacted, and no user do not compile", () => {
    expect(TokenExchange.layer).type.not.toBeCallableWith({ user: "ada", subjectToken: token })
    expect(TokenExchange.layer).type.not.toBeCallableWith({ user: "ada", subjectToken: Effect.succeed("token") })
    expect(TokenExchange.layer).type.not.toBeCallableWith({ subjectToken: readSession })
  })

  test("the client has one error more than the application's own, and does not pass for it", () => {
    expect(user).type.toBe<
      HttpClient.HttpClient.With<
        HttpClientError.HttpClientError | AuthError.AuthError | TokenExchange.SubjectTokenRejected
      >
    >()
    expect(user).type.not.toBeAssignableTo<SpotnanaHttpClient.SpotnanaHttpClient["Service"]>()
    expect(application.get("/").pipe(Effect.catch((error) => Effect.succeed(error._tag)))).type.not.toBeAssignableFrom<
      Effect.Effect<"SubjectTokenRejected">
    >()
    expect<TokenExchange.UserAuthError>().type.toBe<AuthError.AuthError | TokenExchange.SubjectTokenRejected>()
    expect(TokenExchange.isUserAuthError).type.toBe<(u: unknown) => u is TokenExchange.UserAuthError>()
    expect(TokenExchange.rejectsSubject).type.toBe<(error: AuthError.InvalidCredentials) => boolean>()
  })

  test("the refusal of a user is caught by its tag", () => {
    const caught = user.get("/").pipe(
      Effect.catchTag(
        "SubjectTokenRejected",
        (error) => Effect.succeed([error.user, error.status, error.code] as const)
      )
    )
    expect<Effect.Error<typeof caught>>().type.toBe<HttpClientError.HttpClientError | AuthError.AuthError>()
    expect<Effect.Success<typeof caught>>().type.toBeAssignableFrom<readonly [string, number, string | undefined]>()
  })

  test("the provider hands out the access token and the refresh token, Redacted", () => {
    expect(provider).type.toBe<{
      readonly get: Effect.Effect<TokenExchange.UserToken, TokenExchange.UserAuthError>
      readonly status: Effect.Effect<TokenExchange.UserStatus>
      readonly changes: Stream.Stream<TokenExchange.UserStatus>
    }>()
    expect<TokenExchange.UserToken>().type.toBeAssignableTo<AccessToken.AccessToken>()
    expect<TokenExchange.UserToken["refreshToken"]>().type.toBe<Redacted.Redacted | undefined>()
    expect<TokenExchange.UserStatus["lastError"]>().type.toBe<TokenExchange.UserAuthError | undefined>()
    expect<TokenExchange.UserStatus["state"]>().type.toBe<TokenProvider.Status["state"]>()
  })

  test("there is a plain HttpClient, from whose errors ours come out again", () => {
    expect(TokenExchange.layerHttpClient).type.toBe<
      Layer.Layer<HttpClient.HttpClient, never, TokenExchange.UserHttpClient>
    >()
    expect(TokenExchange.fromHttpClientError).type.toBe<
      (error: unknown) => Option.Option<TokenExchange.UserAuthError>
    >()
  })

  test("the types of tokens are those of RFC 8693", () => {
    expect(TokenExchange.accessTokenType).type.toBe<"urn:ietf:params:oauth:token-type:access_token">()
    expect(TokenExchange.jwtType).type.toBe<"urn:ietf:params:oauth:token-type:jwt">()
  })
})
