// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { Jwks, SigningKey, SubjectToken } from "@effect-spotnana/core"
import { Context } from "effect"
import type { Config, Duration, Effect, Layer, Redacted } from "effect"
import type { HttpRouter } from "effect/http"
import { describe, expect, pick, test } from "tstyche"

class Vault extends Context.Service<Vault, {
  readonly read: Effect.Effect<SigningKey.SigningKey, "sealed">
}>()("Vault") {}

declare const key: SigningKey.SigningKey
declare const failure: SigningKey.InvalidSigningKey

describe("SigningKey", () => {
  test("a private key is Redacted, a public one is not", () => {
    expect<SigningKey.SigningKey>().type.toBe<{
      readonly privateKey: Redacted.Redacted<string | JsonWebKey>
      readonly kid?: string | undefined
    }>()
    expect<SigningKey.VerificationKey>().type.toBe<{
      readonly publicKey: string | JsonWebKey
      readonly kid?: string | undefined
    }>()
    expect(SigningKey.publicJwk).type.not.toBeCallableWith({ privateKey: "-----BEGIN PRIVATE KEY-----" })
    expect(SigningKey.publicJwk).type.not.toBeCallableWith({})
  })

  test("its public side has six members, or there is one error", () => {
    expect(SigningKey.publicJwk).type.toBe<
      (
        key: SigningKey.SigningKey | SigningKey.VerificationKey
      ) => Effect.Effect<SigningKey.PublicJwk, SigningKey.InvalidSigningKey>
    >()
    expect<SigningKey.PublicJwk>().type.toBe<{
      readonly kty: "RSA"
      readonly use: "sig"
      readonly alg: "RS256"
      readonly kid: string
      readonly n: string
      readonly e: string
    }>()
    expect(pick(failure, "_tag", "problem")).type.toBe<{
      readonly _tag: "InvalidSigningKey"
      readonly problem:
        | "Encrypted"
        | "Pkcs1"
        | "NotRsa"
        | "NotPrivate"
        | "NotPublic"
        | "TooShort"
        | "Malformed"
        | "DuplicateKid"
    }>()
    expect(failure.message).type.toBe<string>()
  })

  test("is read from configuration, or generated", () => {
    expect(SigningKey.config).type.toBe<Config.Config<SigningKey.SigningKey>>()
    expect(SigningKey.generate({ modulusLength: 4096 })).type.toBe<
      Effect.Effect<SigningKey.SigningKey & { readonly kid: string }>
    >()
    expect(SigningKey.thumbprint({ n: "", e: "" })).type.toBe<Effect.Effect<string>>()
  })
})

describe("SubjectToken", () => {
  const claims = { email: "ada@partner.example" }

  test("one that is signed with one key fails where the key cannot be used", () => {
    expect(SubjectToken.signed({ ...key, issuer: "i", claims })).type.toBe<
      Effect.Effect<Redacted.Redacted, SigningKey.InvalidSigningKey>
    >()
  })

  test("those of a signer fail with what the source of the key fails with, and need what it needs", () => {
    const signFor = SubjectToken.signer({ key: Vault.use((vault) => vault.read), issuer: "i" })
    expect(signFor(claims)).type.toBe<
      Effect.Effect<Redacted.Redacted, SigningKey.InvalidSigningKey | "sealed", Vault>
    >()
    expect(SubjectToken.signer).type.toBeCallableWith({ key: SigningKey.config, issuer: "i" })
    expect<SubjectToken.SignerOptions>().type.toBeAssignableFrom<
      { readonly key: Effect.Effect<SigningKey.SigningKey>; readonly issuer: string }
    >()
  })

  test("its options and claims", () => {
    expect<SubjectToken.TokenOptions>().type.toBe<{
      readonly issuer: string
      readonly audience?: string | undefined
      readonly lifetime?: Duration.Input | undefined
    }>()
    expect<SubjectToken.Options>().type.toBeAssignableTo<SubjectToken.TokenOptions & SigningKey.SigningKey>()
    expect<SubjectToken.Claims>().type.toBeAssignableFrom<
      { readonly email: string; readonly sub: string; readonly groups: ReadonlyArray<string> }
    >()
    expect<SubjectToken.Claims>().type.not.toBeAssignableFrom<{ readonly sub: string }>()
    expect<SubjectToken.Claims>().type.not.toBeAssignableFrom<{ readonly email: string; readonly at: Date }>()
    expect(SubjectToken.signed).type.not.toBeCallableWith({ privateKey: "key", issuer: "i", claims })
    expect(SubjectToken.signed).type.not.toBeCallableWith({ ...key, claims })
  })
})

describe("Jwks", () => {
  test("is made of private and public keys", () => {
    expect(Jwks.make).type.toBe<(keys: Jwks.Keys) => Effect.Effect<Jwks.Jwks, SigningKey.InvalidSigningKey>>()
    expect<Jwks.Jwks>().type.toBe<{ readonly keys: ReadonlyArray<SigningKey.PublicJwk> }>()
    expect<Jwks.Keys>().type.toBe<ReadonlyArray<SigningKey.SigningKey | SigningKey.VerificationKey>>()
  })

  test("is a route, and fails at start-up only", () => {
    expect(Jwks.layer({ keys: [key] })).type.toBe<
      Layer.Layer<never, SigningKey.InvalidSigningKey, HttpRouter.HttpRouter>
    >()
    expect<Jwks.Options>().type.toBe<{
      readonly keys: Jwks.Keys
      readonly path?: HttpRouter.PathInput | undefined
      readonly maxAge?: Duration.Input | undefined
    }>()
    // @ts-expect-error is not assignable to type
    void Jwks.layer({ keys: [key], path: "jwks.json" })
  })
})
