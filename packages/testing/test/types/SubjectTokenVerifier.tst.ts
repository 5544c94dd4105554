import type { SigningKey } from "@effect-spotnana/core"
import { SubjectTokenVerifier } from "@effect-spotnana/testing"
import type { MockSpotnana } from "@effect-spotnana/testing"
import type { Duration, Effect, Redacted } from "effect"
import { describe, expect, pick, test } from "tstyche"

declare const failure: SubjectTokenVerifier.InvalidSubjectToken

describe("SubjectTokenVerifier", () => {
  test("gives claims, or says why not, and needs nothing", () => {
    expect(SubjectTokenVerifier.verify).type.toBe<
      (
        token: Redacted.Redacted,
        options: SubjectTokenVerifier.Options
      ) => Effect.Effect<SubjectTokenVerifier.Claims, SubjectTokenVerifier.InvalidSubjectToken>
    >()
    expect(pick(failure, "_tag", "problem")).type.toBe<{
      readonly _tag: "InvalidSubjectToken"
      readonly problem:
        | "Malformed"
        | "WrongAlgorithm"
        | "UnknownKey"
        | "WrongSignature"
        | "MissingClaim"
        | "WrongAudience"
        | "WrongIssuer"
        | "Expired"
        | "IssuedInFuture"
    }>()
    expect(failure.message).type.toBe<string>()
    expect<SubjectTokenVerifier.Claims["email"]>().type.toBe<string>()
  })

  test("takes registered keys, and those of a JWKS", () => {
    expect<SubjectTokenVerifier.Options>().type.toBe<{
      readonly keys: ReadonlyArray<SubjectTokenVerifier.VerificationKey>
      readonly audience?: string | undefined
      readonly issuer?: string | undefined
      readonly clockTolerance?: Duration.Input | undefined
    }>()
    expect<SubjectTokenVerifier.VerificationKey>().type.toBeAssignableFrom<MockSpotnana.PartnerJwk>()
    expect<SubjectTokenVerifier.VerificationKey>().type.toBeAssignableFrom<SigningKey.PublicJwk>()
    expect<SubjectTokenVerifier.VerificationKey>().type.toBeAssignableFrom<JsonWebKey>()
  })
})
