// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { ApiUserRotation } from "@effect-spotnana/core"
import type { ApiUsers, Credentials, SpotnanaHttpClient, TokenEndpoint } from "@effect-spotnana/core"
import { Context, Effect } from "effect"
import type { Duration, Scope } from "effect"
import type { HttpClient } from "effect/http"
import { describe, expect, pick, test } from "tstyche"

class Vault extends Context.Service<Vault, {
  readonly put: (credentials: Credentials.ClientCredentials) => Effect.Effect<void, "sealed", Scope.Scope>
}>()("Vault") {}

type Needs = SpotnanaHttpClient.SpotnanaHttpClient | TokenEndpoint.TokenEndpoint | Credentials.Credentials

declare const failure: ApiUserRotation.ApiUserRotationFailed

describe("ApiUserRotation", () => {
  test("one error, with the step that failed", () => {
    expect(ApiUserRotation.rotate({ switchTo: () => Effect.void })).type.toBe<
      Effect.Effect<Credentials.ClientCredentials, ApiUserRotation.ApiUserRotationFailed, Needs>
    >()
    expect<ApiUserRotation.Step>().type.toBe<"Check" | "Create" | "Verify" | "Switch" | "Revoke">()
    expect<typeof ApiUserRotation.Step["Type"]>().type.toBe<ApiUserRotation.Step>()
    expect(pick(failure, "_tag", "step", "clientId", "newClientId")).type.toBe<{
      readonly _tag: "ApiUserRotationFailed"
      readonly step: ApiUserRotation.Step
      readonly clientId?: string | undefined
      readonly newClientId?: string | undefined
    }>()
    expect(failure.message).type.toBe<string>()
    expect(failure.cause).type.toBe<unknown>()
  })

  test("what switch and verification need is needed, but for the scope; what they fail with is in the error", () => {
    const rotate = ApiUserRotation.rotate({
      switchTo: (credentials) => Effect.flatMap(Vault, (vault) => vault.put(credentials)),
      verify: (client) => Effect.flatMap(client.get("/v2/companies"), (response) => response.json)
    })
    expect(rotate).type.toBe<
      Effect.Effect<Credentials.ClientCredentials, ApiUserRotation.ApiUserRotationFailed, Needs | Vault>
    >()
  })

  test("its options", () => {
    expect<ApiUserRotation.Options<Vault>>().type.toBe<{
      readonly switchTo: (credentials: Credentials.ClientCredentials) => Effect.Effect<unknown, unknown, Vault>
      readonly user?: ApiUsers.CreateOptions | undefined
      readonly onCreated?:
        | ((users: { readonly clientId: string; readonly newClientId: string }) => Effect.Effect<
          unknown,
          unknown,
          Vault
        >)
        | undefined
      readonly verify?:
        | ((client: HttpClient.HttpClient.With<ApiUsers.ApiUsersError>) => Effect.Effect<unknown, unknown, Vault>)
        | undefined
      readonly stepTimeout?: Duration.Input | undefined
      readonly drain?: Duration.Input | undefined
    }>()
  })

  test("without a switch, or with one that is a promise, it does not compile", () => {
    // @ts-expect-error Property 'switchTo' is missing
    void ApiUserRotation.rotate({ drain: "5 minutes" })
    // @ts-expect-error Type 'Promise<void>' is missing the following properties from type 'Effect<unknown, unknown, never>'
    void ApiUserRotation.rotate({ switchTo: () => Promise.resolve() })
    // @ts-expect-error Object literal may only specify known properties, and 'dryRun' does not exist
    void ApiUserRotation.rotate({ switchTo: () => Effect.void, dryRun: true })
  })

  test("does not run without what it needs", () => {
    // @ts-expect-error is not assignable to type 'never'.
    void Effect.runPromise(ApiUserRotation.rotate({ switchTo: () => Effect.void }))
  })
})
