import { SigningKey, SubjectToken } from "@effect-spotnana/core"
import { SubjectTokenVerifier } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { generateKeyPairSync, sign } from "node:crypto"

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 })
const other = generateKeyPairSync("rsa", { modulusLength: 2048 })
const keys = [
  { kid: "other", ...other.publicKey.export({ format: "jwk" }) },
  { kid: "k", ...pair.publicKey.export({ format: "jwk" }) }
] as ReadonlyArray<SubjectTokenVerifier.VerificationKey>

const claims = {
  email: "ada@partner.example",
  iss: "https://partner.example",
  sub: "ada",
  aud: "spotnana",
  iat: 1_000,
  exp: 1_300
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** A token that Node signed. */
const make = (change: object = {}, header: object = { alg: "RS256", kid: "k" }, key = pair.privateKey) => {
  const text = `${encode(header)}.${encode({ ...claims, ...change })}`
  return `${text}.${sign("RSA-SHA256", Buffer.from(text), key).toString("base64url")}`
}

const verify = (token: string, options: Partial<SubjectTokenVerifier.Options> = {}) =>
  SubjectTokenVerifier.verify(Redacted.make(token), { keys, ...options })

const problemOf = (token: string, options: Partial<SubjectTokenVerifier.Options> = {}) =>
  Effect.match(verify(token, options), { onFailure: ({ problem }) => problem, onSuccess: () => "accepted" })

describe("SubjectTokenVerifier", () => {
  it.effect("accepts a token of Node, and one of the library, with registered keys or those of a JWKS", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_100_000)
      assert.deepStrictEqual(yield* verify(make()), claims)
      assert.deepStrictEqual((yield* verify(make({ aud: ["a", "spotnana"] }))).aud, ["a", "spotnana"])
      const key = yield* SigningKey.generate()
      const token = yield* SubjectToken.signed({ ...key, issuer: "i", claims: { email: "a@b.example" } })
      const { email } = yield* SubjectTokenVerifier.verify(token, { keys: [yield* SigningKey.publicJwk(key)] })
      assert.strictEqual(email, "a@b.example")
    }))

  it.effect("refuses every other one, and says why", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_100_000)
      const [header, body, signature] = make().split(".")
      const cases: ReadonlyArray<readonly [string, string, Partial<SubjectTokenVerifier.Options>?]> = [
        ["", "Malformed"],
        ["a.b.c", "Malformed"],
        [`${header}.${body}.`, "Malformed"],
        [`${make()}.x`, "Malformed"],
        [`${encode("text")}.${body}.${signature}`, "Malformed"],
        [make({}, { alg: "none", kid: "k" }), "WrongAlgorithm"],
        [make({}, { alg: "HS256", kid: "k" }), "WrongAlgorithm"],
        [make({}, { alg: "RS256" }), "UnknownKey"],
        [make({}, { alg: "RS256", kid: "x" }), "UnknownKey"],
        [make(), "UnknownKey", { keys: [] }],
        [make({}, { alg: "RS256", kid: "other" }), "WrongSignature"],
        [make({}, undefined, other.privateKey), "WrongSignature"],
        [`${header}.${encode({ ...claims, sub: "eve" })}.${signature}`, "WrongSignature"],
        [`${header}.${body}.!`, "WrongSignature"],
        [make(), "WrongSignature", { keys: [{ kid: "k" }] }],
        ...Object.keys(claims).map((name) => [make({ [name]: undefined }), "MissingClaim"] as const),
        [make({ email: "" }), "MissingClaim"],
        [make({ exp: "soon" }), "MissingClaim"],
        [make({ aud: "sabre" }), "WrongAudience"],
        [make(), "WrongAudience", { audience: "sandbox" }],
        [make(), "WrongIssuer", { issuer: "https://other.example" }],
        [make({ exp: 1_090 }), "Expired"],
        [make({ exp: 1_090.001 }), "accepted"],
        [make({ exp: 1_100 }), "Expired", { clockTolerance: 0 }],
        [make({ iat: 1_110 }), "accepted"],
        [make({ iat: 1_111 }), "IssuedInFuture"]
      ]
      for (const [token, problem, options] of cases) assert.strictEqual(yield* problemOf(token, options), problem)
    }))
})
