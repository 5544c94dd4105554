import { AuthError } from "@effect-spotnana/core"
import { Effect } from "effect"
import type { Duration, Option, Schema } from "effect"
import type { HttpClientError, HttpClientRequest } from "effect/http"
import { describe, expect, pick, test } from "tstyche"

declare const error: AuthError.AuthError
declare const failing: Effect.Effect<string, AuthError.AuthError>

describe("AuthError", () => {
  test("is the four errors, told apart by their tags", () => {
    expect<AuthError.AuthError>().type.toBe<
      | AuthError.InvalidCredentials
      | AuthError.TokenExpired
      | AuthError.TokenEndpointUnavailable
      | AuthError.MalformedTokenResponse
    >()
    expect<AuthError.TokenEndpointError>().type.toBe<
      AuthError.InvalidCredentials | AuthError.TokenEndpointUnavailable | AuthError.MalformedTokenResponse
    >()
    expect<AuthError.AuthError["_tag"]>().type.toBe<
      "InvalidCredentials" | "TokenExpired" | "TokenEndpointUnavailable" | "MalformedTokenResponse"
    >()
  })

  test("each has a message, and the fields that help to act", () => {
    expect<AuthError.AuthError["message"]>().type.toBe<string>()
    const invalid = {} as AuthError.InvalidCredentials
    expect(pick(invalid, "_tag", "clientId", "status", "code", "debugIdentifier")).type.toBe<{
      readonly _tag: "InvalidCredentials"
      readonly clientId?: string | undefined
      readonly status?: number | undefined
      readonly code?: string | undefined
      readonly debugIdentifier?: string | undefined
    }>()
    const expired = {} as AuthError.TokenExpired
    expect(pick(expired, "_tag", "reason", "retryAfter", "debugIdentifier")).type.toBe<{
      readonly _tag: "TokenExpired"
      readonly reason: "Rejected" | "NotReplayable"
      readonly retryAfter?: Duration.Duration | undefined
      readonly debugIdentifier?: string | undefined
    }>()
    const unavailable = {} as AuthError.TokenEndpointUnavailable
    expect(pick(unavailable, "_tag", "reason", "status", "retryAfter", "debugIdentifier")).type.toBe<{
      readonly _tag: "TokenEndpointUnavailable"
      readonly reason: "Transport" | "Timeout" | "RateLimited" | "ServerError" | "Intermediary" | "CredentialsSource"
      readonly status?: number | undefined
      readonly retryAfter?: Duration.Duration | undefined
      readonly debugIdentifier?: string | undefined
    }>()
    const malformed = {} as AuthError.MalformedTokenResponse
    expect(pick(malformed, "_tag", "status", "retryAfter", "debugIdentifier")).type.toBe<{
      readonly _tag: "MalformedTokenResponse"
      readonly status: number
      readonly retryAfter?: Duration.Duration | undefined
      readonly debugIdentifier?: string | undefined
    }>()
  })

  test("none has a field of another", () => {
    expect<AuthError.InvalidCredentials>().type.not.toHaveProperty("retryAfter")
    expect<AuthError.TokenExpired>().type.not.toHaveProperty("status")
    expect<AuthError.TokenEndpointUnavailable>().type.not.toHaveProperty("code")
    expect<AuthError.MalformedTokenResponse>().type.not.toHaveProperty("reason")
  })

  test("has a codec", () => {
    expect<typeof AuthError.AuthError>().type.toBeAssignableTo<Schema.Codec<AuthError.AuthError, unknown>>()
    expect<typeof AuthError.AuthError["Type"]>().type.toBe<AuthError.AuthError>()
  })

  test("its predicates narrow", () => {
    expect(AuthError.isAuthError).type.toBe<(u: unknown) => u is AuthError.AuthError>()
    expect(AuthError.isTransient).type.toBe<
      (
        error: AuthError.AuthError
      ) => error is AuthError.TokenEndpointUnavailable | AuthError.MalformedTokenResponse
    >()
    expect(AuthError.retryAfter).type.toBe<(error: AuthError.AuthError) => Option.Option<Duration.Duration>>()
  })

  test("goes into an HttpClientError and comes out of it", () => {
    expect(AuthError.toHttpClientError).type.toBe<
      (
        error: AuthError.AuthError,
        request: HttpClientRequest.HttpClientRequest
      ) => HttpClientError.HttpClientError
    >()
    expect(AuthError.fromHttpClientError).type.toBe<(error: unknown) => Option.Option<AuthError.AuthError>>()
  })

  test("catching a tag takes it out of the error channel", () => {
    expect(Effect.catchTag(failing, "InvalidCredentials", () => Effect.succeed("no"))).type.toBe<
      Effect.Effect<
        string,
        AuthError.TokenExpired | AuthError.TokenEndpointUnavailable | AuthError.MalformedTokenResponse
      >
    >()
  })

  test("a tag that cannot occur cannot be caught", () => {
    // @ts-expect-error Argument of type '"TokenRevoked"' is not assignable
    void Effect.catchTag(failing, "TokenRevoked", () => Effect.succeed("no"))
    const caught = Effect.catchTag(failing, "TokenExpired", () => Effect.succeed("no"))
    // @ts-expect-error Argument of type '"TokenExpired"' is not assignable
    void Effect.catchTag(caught, "TokenExpired", () => Effect.succeed("twice"))
  })

  test("a field cannot be changed, nor a reason be made up", () => {
    // @ts-expect-error Cannot assign to '_tag' because it is a read-only property.
    error._tag = "TokenExpired"
    // @ts-expect-error Type '"Revoked"' is not assignable to type '"Rejected" | "NotReplayable"'.
    void new AuthError.TokenExpired({ message: "", reason: "Revoked" })
    // @ts-expect-error Object literal may only specify known properties
    void new AuthError.InvalidCredentials({ message: "", clientSecret: "secret" })
  })
})
