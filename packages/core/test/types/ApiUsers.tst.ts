// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { ApiUsers } from "@effect-spotnana/core"
import type { AuthError, Credentials, SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { Effect } from "effect"
import type { Layer, Redacted } from "effect"
import type { HttpClient, HttpClientError } from "effect/http"
import { describe, expect, test } from "tstyche"

declare const users: ApiUsers.ApiUsers["Service"]
declare const plain: HttpClient.HttpClient

describe("ApiUsers", () => {
  test("each operation fails with what any authenticated call fails with, and Spotnana's own error", () => {
    expect<ApiUsers.ApiUsersError>().type.toBe<
      | HttpClientError.HttpClientError
      | AuthError.InvalidCredentials
      | AuthError.TokenExpired
      | AuthError.TokenEndpointUnavailable
      | AuthError.MalformedTokenResponse
      | SpotnanaApiError.SpotnanaApiError
    >()
    expect(users).type.toBe<{
      readonly create: (
        options?: ApiUsers.CreateOptions
      ) => Effect.Effect<Credentials.ClientCredentials, ApiUsers.ApiUsersError>
      readonly createScimToken: (
        options?: ApiUsers.ScimTokenOptions
      ) => Effect.Effect<ApiUsers.ScimToken, ApiUsers.ApiUsersError>
      readonly list: Effect.Effect<ReadonlyArray<string>, ApiUsers.ApiUsersError>
      readonly rotateSecret: (
        clientId: string
      ) => Effect.Effect<Credentials.ClientCredentials, ApiUsers.ApiUsersError>
      readonly revoke: (clientId: string) => Effect.Effect<void, ApiUsers.ApiUsersError>
    }>()
  })

  test("a new user is a TMC's or a company's administrator", () => {
    expect<ApiUsers.CreateOptions>().type.toBe<{
      readonly role?: "TMC_ADMIN" | "COMPANY_ADMIN" | undefined
      readonly tmcId?: string | undefined
      readonly orgId?: string | undefined
    }>()
  })

  test("a SCIM token is redacted, and its user's role cannot be chosen", () => {
    expect<ApiUsers.ScimToken>().type.toBe<{ readonly clientId: string; readonly scimToken: Redacted.Redacted }>()
    expect<ApiUsers.ScimTokenOptions>().type.toBe<{
      readonly tmcId?: string | undefined
      readonly orgId?: string | undefined
    }>()
    expect(users.createScimToken).type.not.toBeCallableWith({ role: "TMC_ADMIN" } as const)
  })

  test("is made of the authenticated client alone", () => {
    expect(ApiUsers.make).type.toBe<
      (administrator: SpotnanaHttpClient.SpotnanaHttpClient["Service"]) => ApiUsers.ApiUsers["Service"]
    >()
    expect(ApiUsers.layer).type.toBe<
      Layer.Layer<ApiUsers.ApiUsers, never, SpotnanaHttpClient.SpotnanaHttpClient>
    >()
  })

  test("a client that does not authenticate will not do", () => {
    expect(ApiUsers.make).type.not.toBeCallableWith(plain)
  })

  test("unknown roles and operations on nobody do not compile", () => {
    // @ts-expect-error Type '"ADMIN"' is not assignable to type '"TMC_ADMIN" | "COMPANY_ADMIN" | undefined'.
    void users.create({ role: "ADMIN" })
    // @ts-expect-error Expected 1 arguments, but got 0.
    void users.revoke()
    // @ts-expect-error Argument of type '"NotFound"' is not assignable
    void Effect.catchTag(users.revoke("id"), "NotFound", () => Effect.void)
  })

  test("nothing runs without an authenticated client", () => {
    const list = Effect.flatMap(ApiUsers.ApiUsers, (users) => users.list)
    // @ts-expect-error Type 'SpotnanaHttpClient' is not assignable to type 'never'.
    void Effect.runPromise(Effect.provide(list, ApiUsers.layer))
  })
})
