import { SigningKey, SubjectToken } from "@effect-spotnana/core"
import { Fault, MockSpotnana, SubjectTokenVerifier } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto"
import { parsePublicKey } from "../src/keys/publicKey.ts"
import { configuredUser, Spotnana } from "./support/cli.ts"

const subjects = Effect.all({ mock: MockSpotnana.MockSpotnana, user: configuredUser })

const company = "4974a66b-7493-4f41-908c-58ba81093947"
const ofCompany = ["--company-id", company]

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
const publicPem = publicKey.export({ type: "spki", format: "pem" }).toString()
const privatePem = privateKey.export({ type: "pkcs8", format: "pem" }).toString()

const calls = Effect.map(
  MockSpotnana.MockSpotnana.use((mock) => mock.ledger),
  (ledger) =>
    ledger.filter(({ path }) => path.includes("partner-public-keys")).map(({ method, status }) => `${method} ${status}`)
)

describe("keys", () => {
  it.live("makes a key, registers it, lists it and revokes it; what it signs is accepted until then", () =>
    Effect.gen(function*() {
      const { mock, user } = yield* subjects
      const generated = yield* user.run(["keys", "generate", "--write-file", user.file("key.pem")])
      const jwk = JSON.parse(generated.stdout) as { readonly kid: string }
      expect(generated).toMatchObject({ code: 0, stderr: `kid ${jwk.kid}, the RFC 7638 thumbprint\n` })
      expect(Object.keys(jwk)).toEqual(["kty", "use", "alg", "kid", "n", "e"])
      expect(user.mode("key.pem")).toBe(0o600)
      expect(user.read("key.pem")).toMatch(/^-----BEGIN PRIVATE KEY-----\n[^]*\n-----END PRIVATE KEY-----\n$/)
      const exported = createPublicKey(createPrivateKey(user.read("key.pem"))).export({ format: "jwk" })
      expect(jwk).toMatchObject({ n: exported.n })

      user.write("public.jwk", generated.stdout)
      const added = yield* user.run(["keys", "add", user.file("public.jwk"), ...ofCompany])
      expect(added).toEqual({ code: 0, stderr: "", stdout: `${jwk.kid}\n` })
      const token = yield* SubjectToken.signed({
        privateKey: Redacted.make(user.read("key.pem")),
        issuer: "https://partner.example",
        claims: { email: "ada@partner.example" }
      })
      const { email } = yield* SubjectTokenVerifier.verify(token, { keys: yield* mock.partnerKeys })
      expect(email).toBe("ada@partner.example")

      const listed = yield* user.run(["keys", "list", ...ofCompany])
      expect(listed.stdout).toMatch(new RegExp(`^${jwk.kid} ACTIVE \\d{4}-.*Z ${jwk.kid}\n$`))
      expect(yield* user.run(["keys", "revoke", jwk.kid, ...ofCompany])).toMatchObject({
        code: 0,
        stderr: `${jwk.kid} is revoked\n`
      })
      expect((yield* user.run(["keys", "list", ...ofCompany])).stdout).toBe("")
      const revoked = yield* user.run(["keys", "list", ...ofCompany, "--status", "REVOKED", "--json"])
      expect(JSON.parse(revoked.stdout)).toMatchObject({
        keys: [{ kid: jwk.kid, status: "REVOKED", thumbprint: jwk.kid }]
      })
    }).pipe(Effect.provide(Spotnana)))

  it.live("has JSON for programs, and takes PEM from stdin under a name of one's own", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      const generate = ["keys", "generate", "--write-file", user.file("key.pem"), "--bits", "2056", "--json"]
      const json = JSON.parse((yield* user.run(generate)).stdout) as {
        readonly kid: string
        readonly publicKey: object
      }
      expect(json).toMatchObject({ thumbprint: json.kid, publicKey: { kid: json.kid } })
      expect(createPublicKey(user.read("key.pem")).asymmetricKeyDetails?.modulusLength).toBe(2056)
      const add = ["keys", "add", "-", "--kid", "my-key-1", ...ofCompany, "--json"]
      const added = yield* user.run(add, { stdin: publicPem })
      const thumbprint = yield* SigningKey.thumbprint(publicKey.export({ format: "jwk" }) as { n: string; e: string })
      expect(JSON.parse(added.stdout)).toMatchObject({ kid: "my-key-1", status: "ACTIVE", thumbprint })
      const revoked = yield* user.run(["keys", "revoke", "my-key-1", ...ofCompany, "--json"])
      expect(JSON.parse(revoked.stdout)).toEqual({ kid: "my-key-1", revoked: true })
    }).pipe(Effect.provide(Spotnana)))

  it.live("overwrites no file, and prints no private key", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      user.write("key.pem", "mine")
      const { code, stderr, stdout } = yield* user.run(["keys", "generate", "--write-file", user.file("key.pem")])
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
      expect(stderr).toContain("key.pem already exists. Name another file.")
      expect(user.read("key.pem")).toBe("mine")
    }).pipe(Effect.provide(Spotnana)))

  it.live("says of each mistake what is wrong, and sends nothing", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      user.write("key.pem", privatePem)
      const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [
          ["add", user.file("key.pem"), ...ofCompany],
          "key.pem has a private key, which must stay secret. Nothing was sent."
        ],
        [["add", user.file("none"), ...ofCompany], "none cannot be read: ENOENT"],
        [["add", user.file("key.pem"), "--company-id", ".."], "Expected an id"],
        [["revoke", "", ...ofCompany], "Expected an id"],
        [
          ["generate", "--write-file", user.file("new.pem"), "--bits", "1024"],
          "Expected a multiple of 8 from 2048 to 8192"
        ]
      ]
      for (const [args, expected] of mistakes) {
        const { code, stderr, stdout } = yield* user.run(["keys", ...args])
        expect(stderr).toContain(expected)
        expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
      }
      expect(yield* calls).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("ends with the exit code of the answer, and tells of a key that was exchanged on the way", () =>
    Effect.gen(function*() {
      const { mock, user } = yield* subjects
      user.write("public.pem", publicPem)
      const add = ["keys", "add", user.file("public.pem"), ...ofCompany]
      const unknown = yield* user.run(["keys", "revoke", "nobody", ...ofCompany])
      expect(unknown.code).toBe(4)
      expect(unknown.stderr).toContain("PARTNER_KEY_NOT_FOUND")
      for (const [status, code] of [[307, 3], [503, 5]] as const) {
        yield* mock.inject("api", Fault.status(status, { headers: { location: "https://elsewhere.example/" } }))
        expect(yield* user.run(add)).toMatchObject({ code })
      }
      const { kid } = yield* SigningKey.publicJwk({ publicKey: publicPem })
      yield* mock.inject("api", Fault.status(200, { body: { keys: [{ kid, thumbprint: "another" }] } }))
      const { code, stderr } = yield* user.run(add)
      expect(code).toBe(1)
      expect(stderr).toContain("its thumbprint is another, and not ")
    }).pipe(Effect.provide(Spotnana)))
})

describe("a file that is to have a public key", () => {
  const pem = (label: string) => `-----BEGIN ${label}-----\nc4n4ry\n-----END ${label}-----\n`

  it.effect.each<readonly [string, string, string]>([
    ["PKCS#8", privatePem, "has a private key"],
    ["PKCS#1", pem("RSA PRIVATE KEY"), "has a private key"],
    ["an encrypted one", pem("ENCRYPTED PRIVATE KEY"), "has a private key"],
    ["OpenSSH", pem("OPENSSH PRIVATE KEY"), "has a private key"],
    ["a JWK with private members", JSON.stringify(privateKey.export({ format: "jwk" })), "has a private key"],
    ["a JWK with a prime alone", JSON.stringify({ kty: "RSA", n: "n", e: "e", p: "c4n4ry" }), "has a private key"],
    ["a symmetric JWK", JSON.stringify({ kty: "oct", k: "c4n4ry" }), "has a private key"],
    ["both", publicPem + privatePem, "has a private key"],
    ["an EC key", JSON.stringify({ kty: "EC", crv: "P-256", x: "a", y: "b" }), "no RSA key"],
    ["nothing", "", "cannot be read"]
  ])("is refused with %s, and not repeated", ([, text, expected]) =>
    Effect.gen(function*() {
      const { message } = yield* Effect.flip(parsePublicKey("key", text, undefined))
      expect(message).toContain(expected)
      expect(message).toContain("Nothing was sent.")
      expect(message).not.toContain("c4n4ry")
    }))
})
