// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { PartnerKeyRotation, PartnerKeys } from "@effect-spotnana/core"
import type { AuthError, SigningKey, SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { Context } from "effect"
import type { DateTime, Duration, Effect, Layer } from "effect"
import type { HttpClientError } from "effect/http"
import { describe, expect, pick, test } from "tstyche"

class Vault extends Context.Service<Vault, {
  readonly put: (key: SigningKey.SigningKey) => Effect.Effect<void, "sealed">
}>()("Vault") {}

declare const partnerKeys: PartnerKeys.PartnerKeys["Service"]
declare const key: SigningKey.SigningKey
declare const mismatch: PartnerKeys.PartnerKeyMismatch
declare const failure: PartnerKeyRotation.PartnerKeyRotationFailed

describe("PartnerKeys", () => {
  test("each operation fails with what any authenticated call fails with, and Spotnana's own error", () => {
    expect<PartnerKeys.PartnerKeysError>().type.toBe<
      HttpClientError.HttpClientError | AuthError.AuthError | SpotnanaApiError.SpotnanaApiError
    >()
    expect(partnerKeys).type.toBe<{
      readonly list: (
        companyId: string,
        options?: { readonly status?: "ACTIVE" | "REVOKED" | undefined }
      ) => Effect.Effect<ReadonlyArray<PartnerKeys.PartnerKey>, PartnerKeys.PartnerKeysError>
      readonly add: (
        companyId: string,
        key: SigningKey.PublicJwk
      ) => Effect.Effect<PartnerKeys.PartnerKey, PartnerKeys.PartnerKeysError | PartnerKeys.PartnerKeyMismatch>
      readonly revoke: (companyId: string, kid: string) => Effect.Effect<void, PartnerKeys.PartnerKeysError>
    }>()
  })

  test("a registered key has a name; all else may be absent", () => {
    expect<PartnerKeys.PartnerKey>().type.toBe<{
      readonly kid: string
      readonly status: string | undefined
      readonly id: string | undefined
      readonly orgId: string | undefined
      readonly createdAt: DateTime.Utc | undefined
      readonly thumbprint: string | undefined
    }>()
    expect(pick(mismatch, "_tag", "kid", "expected", "actual")).type.toBe<{
      readonly _tag: "PartnerKeyMismatch"
      readonly kid: string
      readonly expected: string
      readonly actual: string
    }>()
  })

  test("is made of the authenticated client alone", () => {
    expect(PartnerKeys.make).type.toBe<
      (administrator: SpotnanaHttpClient.SpotnanaHttpClient["Service"]) => PartnerKeys.PartnerKeys["Service"]
    >()
    expect(PartnerKeys.layer).type.toBe<
      Layer.Layer<PartnerKeys.PartnerKeys, never, SpotnanaHttpClient.SpotnanaHttpClient>
    >()
  })

  test("a private key and an unknown status do not compile", () => {
    // @ts-expect-error is not assignable to parameter of type 'PublicJwk'
    void partnerKeys.add("company", key)
    // @ts-expect-error Type '"DEAD"' is not assignable to type '"ACTIVE" | "REVOKED" | undefined'.
    void partnerKeys.list("company", { status: "DEAD" })
  })
})

describe("PartnerKeyRotation", () => {
  const options = { companyId: "company", kid: "old", key }

  test("one error, with the step that failed", () => {
    const rotate = PartnerKeyRotation.rotate({
      ...options,
      switchTo: (key) => Vault.use((vault) => vault.put(key))
    })
    expect(rotate).type.toBe<
      Effect.Effect<
        SigningKey.PublicJwk,
        PartnerKeyRotation.PartnerKeyRotationFailed,
        PartnerKeys.PartnerKeys | Vault
      >
    >()
    expect<PartnerKeyRotation.Step>().type.toBe<"Check" | "Add" | "Verify" | "Switch" | "Revoke">()
    expect<typeof PartnerKeyRotation.Step["Type"]>().type.toBe<PartnerKeyRotation.Step>()
    expect(pick(failure, "_tag", "step", "kid", "newKid")).type.toBe<{
      readonly _tag: "PartnerKeyRotationFailed"
      readonly step: PartnerKeyRotation.Step
      readonly kid: string
      readonly newKid?: string | undefined
    }>()
  })

  test("its options", () => {
    expect<PartnerKeyRotation.Options<Vault>>().type.toBe<{
      readonly companyId: string
      readonly kid: string
      readonly key: SigningKey.SigningKey
      readonly switchTo: (key: SigningKey.SigningKey) => Effect.Effect<unknown, unknown, Vault>
      readonly verify?: ((key: SigningKey.SigningKey) => Effect.Effect<unknown, unknown, Vault>) | undefined
      readonly propagation?: Duration.Input | undefined
      readonly drain?: Duration.Input | undefined
      readonly stepTimeout?: Duration.Input | undefined
    }>()
    // @ts-expect-error Property 'switchTo' is missing
    void PartnerKeyRotation.rotate(options)
  })
})
