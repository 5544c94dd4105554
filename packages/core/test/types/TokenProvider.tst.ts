// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { TokenProvider } from "@effect-spotnana/core"
import type {
  AccessToken,
  AuthError,
  Credentials,
  Environment,
  RefreshPolicy,
  TokenEndpoint
} from "@effect-spotnana/core"
import { Effect, Stream } from "effect"
import type { DateTime, Layer, Scope } from "effect"
import { describe, expect, test } from "tstyche"

declare const provider: TokenProvider.TokenProvider["Service"]
declare const token: AccessToken.AccessToken
declare const either: boolean

describe("TokenProvider", () => {
  test("only a token can fail to come", () => {
    expect(provider).type.toBe<{
      readonly environment: Environment.Environment
      readonly get: Effect.Effect<AccessToken.AccessToken, AuthError.AuthError>
      readonly reject: (
        token: AccessToken.AccessToken,
        evidence?: TokenProvider.Evidence
      ) => Effect.Effect<boolean>
      readonly replacement: (
        rejected: AccessToken.AccessToken,
        isRepeated?: boolean
      ) => Effect.Effect<AccessToken.AccessToken, AuthError.AuthError>
      readonly replayAccepted: Effect.Effect<void>
      readonly status: Effect.Effect<TokenProvider.Status>
      readonly changes: Stream.Stream<TokenProvider.Status>
    }>()
  })

  test("its service has a name of its own", () => {
    expect<TokenProvider.Service>().type.toBe<TokenProvider.TokenProvider["Service"]>()
  })

  test("the evidence for a rejection may be left out", () => {
    expect<TokenProvider.Evidence>().type.toBe<{
      readonly wasAccepted?: boolean | undefined
      readonly rejectedInARow?: number | undefined
    }>()
  })

  test("its status has no token", () => {
    expect<TokenProvider.Status>().type.toBe<{
      readonly state: "empty" | "acquiring" | "valid" | "renewing" | "failed" | "expired"
      readonly issuedAt: DateTime.Utc | undefined
      readonly expiresAt: DateTime.Utc | undefined
      readonly nextRenewalAt: DateTime.Utc | undefined
      readonly lastError: AuthError.AuthError | undefined
    }>()
  })

  test("its options may all be left out", () => {
    expect<TokenProvider.Options>().type.toBe<{
      readonly refresh?: RefreshPolicy.Options | undefined
      readonly eager?: boolean | "background" | undefined
    }>()
  })

  test("it is made of an endpoint, credentials and a scope", () => {
    expect(TokenProvider.make).type.toBe<
      (
        options?: TokenProvider.Options
      ) => Effect.Effect<
        TokenProvider.TokenProvider["Service"],
        AuthError.AuthError,
        TokenEndpoint.TokenEndpoint | Credentials.Credentials | Scope.Scope
      >
    >()
  })

  test("its layer fails only where the first token is wanted at once", () => {
    type Needs = TokenEndpoint.TokenEndpoint | Credentials.Credentials
    expect(TokenProvider.layer()).type.toBe<Layer.Layer<TokenProvider.TokenProvider, never, Needs>>()
    expect(TokenProvider.layer({ eager: false })).type.toBe<Layer.Layer<TokenProvider.TokenProvider, never, Needs>>()
    expect(TokenProvider.layer({ eager: "background" })).type.toBe<
      Layer.Layer<TokenProvider.TokenProvider, never, Needs>
    >()
    expect(TokenProvider.layer({ eager: true })).type.toBe<
      Layer.Layer<TokenProvider.TokenProvider, AuthError.AuthError, Needs>
    >()
    expect(TokenProvider.layer({ eager: either })).type.toBe<
      Layer.Layer<TokenProvider.TokenProvider, AuthError.AuthError, Needs>
    >()
  })

  test("nothing of it runs without its layer", () => {
    const get = Effect.flatMap(TokenProvider.TokenProvider, (provider) => provider.get)
    // @ts-expect-error Type 'TokenProvider' is not assignable to type 'never'.
    void Effect.runPromise(get)
    const watch = Stream.unwrap(Effect.map(TokenProvider.TokenProvider, (provider) => provider.changes))
    // @ts-expect-error Type 'TokenProvider' is not assignable to type 'never'.
    void Effect.runPromise(Stream.runDrain(watch))
  })

  test("the service itself is no effect, nor is what it does a promise", () => {
    void Effect.gen(function*() {
      // @ts-expect-error must have a '[Symbol.iterator]()' method
      return yield* provider
    })
    // @ts-expect-error This expression is not callable.
    void provider.get()
    expect(provider.get).type.not.toBeAssignableTo<PromiseLike<unknown>>()
  })

  test("what is rejected is a token, not its text", () => {
    expect(provider.reject).type.toBeCallableWith(token)
    expect(provider.reject).type.not.toBeCallableWith(token.value)
    expect(provider.reject).type.not.toBeCallableWith("eyJhbGciOi")
  })

  test("rejecting, asking for the status and watching leave nothing to catch", () => {
    // @ts-expect-error Argument of type 'string' is not assignable to parameter of type 'readonly [never, ...never[]]'.
    void Effect.catchTag(provider.reject(token), "InvalidCredentials", () => Effect.void)
    // @ts-expect-error Argument of type 'string' is not assignable to parameter of type 'readonly [never, ...never[]]'.
    void Effect.catchTag(provider.status, "InvalidCredentials", () => Effect.void)
    // @ts-expect-error Argument of type 'string' is not assignable to parameter of type 'readonly [never, ...never[]]'.
    void Stream.catchTag(provider.changes, "InvalidCredentials", () => Stream.empty)
  })

  test("unknown options do not compile", () => {
    // @ts-expect-error Object literal may only specify known properties, and 'lazy' does not exist
    void TokenProvider.layer({ lazy: true })
    // @ts-expect-error Object literal may only specify known properties
    void TokenProvider.layer({ refresh: { margin: "1 minute" } })
  })
})
