import { Jwks, SigningKey, SubjectToken } from "@effect-spotnana/core"
import { assert, describe, it, vi } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted, Schema } from "effect"
import { createPublicKey, generateKeyPairSync } from "node:crypto"
import { makeAudit } from "./support/audit.ts"
import { jwkOf, keyPair, pemOf } from "./support/rsaKeys.ts"

const { privateKey, publicKey } = keyPair("first")
const pem = pemOf(privateKey)
const jwk = jwkOf(privateKey)
const { e, n } = jwkOf(publicKey)

const ec = generateKeyPairSync("ec", { namedCurve: "P-256" })
const ed25519 = generateKeyPairSync("ed25519")
const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 })
const short = keyPair("short", 1024)
const other = jwkOf(keyPair("other").privateKey)

const ofPrivate = (key: string | JsonWebKey, kid?: string) =>
  SigningKey.publicJwk({ privateKey: Redacted.make(key), kid })

/** The longest lines of a key: none of them may be in an error. */
const partsOf = (key: unknown): ReadonlyArray<string> =>
  (typeof key === "string"
    ? key.split("\n")
    : Object.values(key as object).filter((value) => typeof value === "string"))
    .filter((part) => part.length > 20 && !part.includes("-----"))

describe("publicJwk", () => {
  it.effect("is the same for every form of one key, and has six members", () =>
    Effect.gen(function*() {
      const expected = { kty: "RSA", use: "sig", alg: "RS256", kid: "k", n, e }
      for (
        const form of [
          pem,
          pem.replaceAll("\n", "\\n"),
          pem.replaceAll("\n", "\r\n"),
          `\n ${pem}`,
          jwk,
          JSON.stringify(jwk),
          { ...jwk, alg: "RS256", use: "sig", key_ops: ["sign"], ext: false }
        ]
      ) {
        assert.deepStrictEqual(yield* ofPrivate(form, "k"), expected)
      }
      for (const form of [pemOf(publicKey), jwkOf(publicKey), JSON.stringify(jwkOf(publicKey))]) {
        assert.deepStrictEqual(yield* SigningKey.publicJwk({ publicKey: form, kid: "k" }), expected)
      }
    }))

  it.effect("is named by kid, else by the kid of the JWK, else by the RFC 7638 thumbprint", () =>
    Effect.gen(function*() {
      const thumbprint = yield* SigningKey.thumbprint({ n: n!, e: e! })
      assert.strictEqual((yield* ofPrivate(pem)).kid, thumbprint)
      assert.strictEqual((yield* ofPrivate({ ...jwk, kid: "own" } as JsonWebKey)).kid, "own")
      assert.strictEqual((yield* ofPrivate({ ...jwk, kid: "own" } as JsonWebKey, "given")).kid, "given")
    }))

  const cases: ReadonlyArray<readonly [string, string | JsonWebKey, SigningKey.InvalidSigningKey["problem"]]> = [
    [
      "an encrypted PEM",
      privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }) as string,
      "Encrypted"
    ],
    [
      "an encrypted PKCS#1",
      privateKey.export({ type: "pkcs1", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }) as string,
      "Encrypted"
    ],
    ["PKCS#1", privateKey.export({ type: "pkcs1", format: "pem" }) as string, "Pkcs1"],
    ["an EC key", pemOf(ec.privateKey), "NotRsa"],
    ["an EC key in SEC1", ec.privateKey.export({ type: "sec1", format: "pem" }) as string, "NotRsa"],
    ["an EC key as JWK", jwkOf(ec.privateKey), "NotRsa"],
    ["an Ed25519 key", pemOf(ed25519.privateKey), "NotRsa"],
    ["an RSA-PSS key", pemOf(pss.privateKey), "NotRsa"],
    ["a symmetric key", { kty: "oct", k: n! }, "NotRsa"],
    ["a JWK for another algorithm", { ...jwk, alg: "PS256" }, "NotRsa"],
    ["a public key", pemOf(publicKey), "NotPrivate"],
    ["a public key in PKCS#1", publicKey.export({ type: "pkcs1", format: "pem" }) as string, "NotPrivate"],
    ["a public key as JWK", jwkOf(publicKey), "NotPrivate"],
    ["a key of 1024 bits", pemOf(short.privateKey), "TooShort"],
    ["a key of 1024 bits as JWK", jwkOf(short.privateKey), "TooShort"],
    ["two keys", pem + pem, "Malformed"],
    ["a PEM that ends early", pem.slice(0, 900), "Malformed"],
    ["a PEM with a changed byte", pem.replace(/\n.{8}/, "\nAAAAAAAA"), "Malformed"],
    ["a PEM without its frame", pem.replaceAll(/-----.*-----\n/g, ""), "Malformed"],
    ["a quoted PEM", `"${pem.replaceAll("\n", "\\n")}"`, "Malformed"],
    ["a JWK set", { keys: [jwk] } as JsonWebKey, "Malformed"],
    ["a JWK without p and q", { kty: "RSA", n: n!, e: e!, d: jwk.d! }, "Malformed"],
    ["a JWK of numbers", { ...jwk, n: 5 } as unknown as JsonWebKey, "Malformed"],
    ["a JWK with a number for its kid", { ...jwk, kid: 5 } as JsonWebKey, "Malformed"],
    ["a JWK with an empty kid", { ...jwk, kid: "" } as JsonWebKey, "Malformed"],
    ["JSON that is none", "{\"kty\":\"RSA\",", "Malformed"],
    ["no key", "", "Malformed"],
    ["nothing", undefined as unknown as string, "Malformed"],
    ["null", null as unknown as string, "Malformed"]
  ]
  it.effect.each(cases.map(([title, key, problem]) => ({ title, key, problem })))(
    "refuses $title with $problem, and repeats nothing of it",
    ({ key, problem }) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(ofPrivate(key))
        assert.strictEqual(error.problem, problem)
        const audit = makeAudit()
        audit.add(error)
        assert.deepStrictEqual(audit.search(partsOf(key ?? "")), [])
      })
  )

  it.effect("refuses a private key that is given in the clear as a public one", () =>
    Effect.gen(function*() {
      for (
        const key of [pem, jwk, JSON.stringify(jwk), privateKey.export({ type: "pkcs1", format: "pem" }) as string]
      ) {
        const error = yield* Effect.flip(SigningKey.publicJwk({ publicKey: key }))
        assert.strictEqual(error.problem, "NotPublic")
      }
      const pkcs1 = publicKey.export({ type: "pkcs1", format: "pem" }) as string
      assert.strictEqual((yield* Effect.flip(SigningKey.publicJwk({ publicKey: pkcs1 }))).problem, "Pkcs1")
      assert.strictEqual(
        (yield* Effect.flip(SigningKey.publicJwk({ publicKey: pemOf(ec.publicKey) }))).problem,
        "NotRsa"
      )
      assert.strictEqual((yield* Effect.flip(SigningKey.publicJwk({ publicKey: "key" }))).problem, "Malformed")
    }))

  it.effect.each<readonly [string, unknown]>([
    ["a text in place of an object", pem],
    ["a key that is not Redacted", { privateKey: pem }],
    ["a JWK that is not Redacted", { privateKey: jwk }],
    ["no key", undefined]
  ])("refuses %s, and says how to give a key without repeating it", ([, input]) =>
    Effect.gen(function*() {
      const key = input as SigningKey.SigningKey
      const audit = makeAudit()
      const uses: ReadonlyArray<Effect.Effect<unknown, SigningKey.InvalidSigningKey>> = [
        Effect.suspend(() => SigningKey.publicJwk(key)),
        Jwks.make([key]),
        SubjectToken.signer({ key: Effect.succeed(key), issuer: "i" })({ email: "a@b.example" })
      ]
      for (const use of uses) {
        const error = yield* Effect.flip(use)
        audit.add(error)
        assert.include(error.message, "expected an object with `privateKey`, which is Redacted, or with `publicKey`")
      }
      assert.deepStrictEqual(audit.search([...partsOf(pem), ...partsOf(jwk)]), [])
    }))

  const member = Schema.Union([Schema.String, Schema.Null, Schema.Boolean, Schema.Int])
  it.effect.prop(
    "refuses any other text and object with a typed error",
    { label: Schema.String, body: Schema.String, kty: member, n: member, e: member, d: member, alg: member },
    ({ body, d, e, kty, label, n, alg }) =>
      Effect.gen(function*() {
        const own = Object.fromEntries(
          Object.entries({ n, e, d }).map(([name, value]) => [name, value ?? jwk[name as "n"]])
        )
        for (
          const key of [
            body,
            `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----`,
            `-----BEGIN PRIVATE KEY-----\n${Buffer.from(body).toString("base64")}\n-----END PRIVATE KEY-----`,
            `-----BEGIN PUBLIC KEY-----\n${Buffer.from(body).toString("base64")}\n-----END PUBLIC KEY-----`,
            `{${body}`,
            { kty, n, e, d, alg },
            { kty: "RSA", ...own },
            { ...jwk, ...own, oth: [body] }
          ]
        ) {
          for (const input of [{ privateKey: Redacted.make(key as string) }, { publicKey: key as string }]) {
            const result = yield* Effect.match(SigningKey.publicJwk(input), {
              onFailure: ({ _tag }) => _tag,
              onSuccess: ({ kty }) => kty
            })
            assert.include(["InvalidSigningKey", "RSA"], result)
          }
        }
      })
  )

  it.effect("refuses an empty kid", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(ofPrivate(pem, ""))
      assert.include(String(exit), "RangeError: SigningKey.kid is \"\"")
    }))
})

describe("thumbprint", () => {
  it.effect("is the one of the example in RFC 7638 §3.1", () =>
    Effect.gen(function*() {
      const example = {
        n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3" +
          "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA" +
          "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-" +
          "kEgU8awapJzKnqDKgw",
        e: "AQAB"
      }
      const expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
      assert.strictEqual(yield* SigningKey.thumbprint(example), expected)
      assert.strictEqual((yield* SigningKey.publicJwk({ publicKey: { kty: "RSA", ...example } })).kid, expected)
    }))
})

describe("generate", () => {
  it.effect("makes a PEM that Node reads, named by its thumbprint", () =>
    Effect.gen(function*() {
      const made = yield* SigningKey.generate()
      const read = createPublicKey(Redacted.value(made.privateKey) as string)
      assert.strictEqual(read.asymmetricKeyDetails?.modulusLength, 2048)
      const { kid, n, e } = yield* SigningKey.publicJwk(made)
      assert.deepStrictEqual({ kty: "RSA", n, e }, jwkOf(read) as object)
      assert.strictEqual(kid, made.kid)
      assert.strictEqual(kid, yield* SigningKey.thumbprint({ n, e }))
      const audit = makeAudit()
      audit.add(made)
      assert.deepStrictEqual(audit.search(partsOf(Redacted.value(made.privateKey))), [])
    }))

  it.effect("does not name it with a - at the beginning, which command lines take for a flag", () =>
    Effect.gen(function*() {
      const digest = vi.spyOn(crypto.subtle, "digest").mockResolvedValueOnce(new Uint8Array(32).fill(0xf8).buffer)
      const { kid, privateKey } = yield* SigningKey.generate()
      assert.isFalse(kid.startsWith("-"))
      assert.strictEqual(digest.mock.calls.length, 2)
      digest.mockRestore()
      assert.strictEqual((yield* SigningKey.publicJwk({ privateKey })).kid, kid)
    }))

  it.effect.each([1024, 2049, 16_384, Number.NaN])("refuses %s bits", (modulusLength) =>
    Effect.gen(function*() {
      assert.include(String(yield* Effect.exit(SigningKey.generate({ modulusLength }))), "SigningKey.modulusLength")
    }))
})

describe("config", () => {
  const read = (variables: Record<string, string>) => SigningKey.config.parse(ConfigProvider.fromUnknown(variables))

  it.effect("reads PEM with line breaks or `\\n`, and a JWK; the key id may be absent", () =>
    Effect.gen(function*() {
      const expected = yield* ofPrivate(pem)
      for (const value of [pem, pem.replaceAll("\n", "\\n"), JSON.stringify(jwk)]) {
        const key = yield* read({ SPOTNANA_PARTNER_PRIVATE_KEY: value, SPOTNANA_PARTNER_KEY_ID: "" })
        assert.deepStrictEqual(yield* SigningKey.publicJwk(key), expected)
      }
      const named = yield* read({ SPOTNANA_PARTNER_PRIVATE_KEY: pem, SPOTNANA_PARTNER_KEY_ID: "k" })
      assert.strictEqual((yield* SigningKey.publicJwk(named)).kid, "k")
    }))

  it.effect("names the variable and what was expected, and never prints the key", () =>
    Effect.gen(function*() {
      assert.include(String(yield* Effect.flip(read({}))), "SPOTNANA_PARTNER_PRIVATE_KEY is not set")
      for (const value of [pem.slice(0, 500), pemOf(short.privateKey), pemOf(ec.privateKey)]) {
        const error = yield* Effect.flip(read({ SPOTNANA_PARTNER_PRIVATE_KEY: value }))
        assert.include(String(error), "SPOTNANA_PARTNER_PRIVATE_KEY cannot be used: ")
        const audit = makeAudit()
        audit.add(error)
        assert.deepStrictEqual(audit.search(partsOf(value)), [])
      }
    }))
})

describe("a JWK whose members are of two keys", () => {
  it.effect("is refused when it is read or when it signs", () =>
    Effect.gen(function*() {
      for (const mixed of [{ ...other, n: n! }, { ...jwk, d: other.d!, dp: other.dp! }, { ...jwk, p: other.p! }]) {
        const privateKey = Redacted.make(mixed)
        const error = yield* Effect.flip(
          SubjectToken.signed({ privateKey, issuer: "i", claims: { email: "a@b.example" } })
        )
        assert.strictEqual(error.problem, "Malformed")
      }
    }))
})
