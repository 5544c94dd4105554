import { SigningKey, SubjectToken } from "@effect-spotnana/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { makeAudit } from "./support/audit.ts"
import { skewable } from "./support/harness.ts"
import { jwkOf, keyPair, pemOf, readJwt } from "./support/rsaKeys.ts"

const { privateKey, publicKey } = keyPair("first")
const second = keyPair("second")

const options = {
  privateKey: Redacted.make(pemOf(privateKey)),
  kid: "my-key-1",
  issuer: "https://partner.example",
  claims: { email: "ada@partner.example" }
}
const start = 1_800_000_000_000

const read = (token: Redacted.Redacted, key = publicKey) => readJwt(Redacted.value(token), key)

describe("a signed subject token", () => {
  it.effect("is a JWT of RS256 that Node verifies, from PEM and from JWK", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(start + 999)
      for (const key of [options.privateKey, Redacted.make(jwkOf(privateKey))]) {
        const { header, isSigned, payload } = read(yield* SubjectToken.signed({ ...options, privateKey: key }))
        assert.isTrue(isSigned)
        assert.deepStrictEqual(header, { alg: "RS256", kid: "my-key-1", typ: "JWT" })
        const { jti, ...claims } = payload
        assert.match(String(jti), /^[0-9a-f-]{36}$/)
        assert.deepStrictEqual(claims, {
          email: "ada@partner.example",
          sub: "ada@partner.example",
          iss: "https://partner.example",
          aud: "spotnana",
          iat: start / 1_000,
          exp: start / 1_000 + 300
        })
      }
    }))

  it.effect("says what it is told, in any script, and is named by the thumbprint without a kid", () =>
    Effect.gen(function*() {
      const { header, isSigned, payload } = read(
        yield* SubjectToken.signed({
          ...options,
          kid: undefined,
          audience: "sandbox",
          lifetime: "30 seconds",
          claims: { email: "zoë@例え.example", sub: "user-1", name: "Zoë 🛫", groups: ["a"] }
        })
      )
      assert.isTrue(isSigned)
      assert.strictEqual(header["kid"], (yield* SigningKey.publicJwk({ ...options, kid: undefined })).kid)
      assert.include(payload, { email: "zoë@例え.example", sub: "user-1", name: "Zoë 🛫", aud: "sandbox", exp: 30 })
      assert.deepStrictEqual(payload["groups"], ["a"])
    }))

  it.effect("is signed anew with a minute left, and not before", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(start)
      const token = SubjectToken.signed(options)
      const first = yield* token
      yield* TestClock.adjust(240_000 - 1)
      assert.strictEqual(yield* token, first)
      yield* TestClock.adjust(1)
      const next = yield* token
      assert.notStrictEqual(Redacted.value(next), Redacted.value(first))
      assert.strictEqual(read(next).payload["exp"], start / 1_000 + 540)
      assert.notStrictEqual(read(next).payload["jti"], read(first).payload["jti"])
    }))

  it.effect("with a short lifetime is signed anew with a fifth of it left", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(start)
      const token = SubjectToken.signed({ ...options, lifetime: "30 seconds" })
      const first = yield* token
      yield* TestClock.adjust(24_000 - 1)
      assert.strictEqual(yield* token, first)
      yield* TestClock.adjust(1)
      assert.notStrictEqual(yield* token, first)
    }))

  it.effect("invariant 10: is signed anew once a clock that is set in either direction says so", () =>
    Effect.gen(function*() {
      const { context, jump } = yield* skewable
      yield* Effect.gen(function*() {
        yield* TestClock.adjust(start)
        const token = SubjectToken.signed(options)
        const first = yield* token
        yield* jump(3_600_000)
        const late = yield* token
        assert.strictEqual(read(late).payload["iat"], start / 1_000 + 3_600)
        // Back again, the last one would have been issued in the future.
        yield* jump(-3_600_000)
        const back = yield* token
        assert.strictEqual(read(back).payload["iat"], start / 1_000)
        assert.notStrictEqual(back, first)
        // The wall clock stands still: the monotonic one says that it is over.
        yield* TestClock.adjust(240_000)
        yield* jump(-240_000)
        assert.notStrictEqual(yield* token, back)
      }).pipe(Effect.provide(context))
    }))

  it.effect("invariants 1 and 2: one signature for all callers, the first of whom is interrupted", () =>
    Effect.gen(function*() {
      let reads = 0
      const key = Effect.suspend(() => {
        reads++
        return Effect.as(Effect.sleep("1 second"), options)
      })
      const token = SubjectToken.signer({ key, issuer: "i" })(options.claims)
      const fibers = yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.forkChild(token))
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(fibers[0]!)
      yield* TestClock.adjust(500)
      const tokens = yield* Effect.forEach(fibers.slice(1), (fiber) => Fiber.join(fiber))
      assert.strictEqual(new Set(tokens).size, 1)
      assert.strictEqual(yield* token, tokens[0])
      assert.strictEqual(reads, 1)
    }))

  it.effect("a failure of the key's source goes to all who wait, and the next call reads it again", () =>
    Effect.gen(function*() {
      let reads = 0
      const key = Effect.suspend(() =>
        ++reads === 1
          ? Effect.andThen(Effect.sleep("1 second"), Effect.fail("sealed" as const))
          : Effect.succeed(options)
      )
      const token = SubjectToken.signer({ key, issuer: "i" })(options.claims)
      const fibers = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.forkChild(Effect.flip(token)))
      yield* TestClock.adjust("1 second")
      const errors = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      assert.deepStrictEqual(errors, Array.from({ length: 10 }, () => "sealed" as const))
      assert.isTrue(read(yield* token).isSigned)
      assert.strictEqual(reads, 2)
    }))

  it.effect("of a key that was replaced is signed with the new one, under its name", () =>
    Effect.gen(function*() {
      let key: SigningKey.SigningKey = { privateKey: options.privateKey }
      const signFor = SubjectToken.signer({ key: Effect.sync(() => key), issuer: "i" })
      const ada = signFor({ email: "ada@partner.example" })
      assert.isTrue(read(yield* ada).isSigned)
      key = { privateKey: Redacted.make(pemOf(second.privateKey)) }
      assert.isTrue(read(yield* signFor({ email: "bob@partner.example" }), second.publicKey).isSigned)
      yield* TestClock.adjust("4 minutes")
      const { header, isSigned } = read(yield* ada, second.publicKey)
      assert.isTrue(isSigned)
      assert.strictEqual(header["kid"], (yield* SigningKey.publicJwk(key)).kid)
    }))

  it.effect("fails with a typed error where the key cannot be used", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(SubjectToken.signed({ ...options, privateKey: Redacted.make("key") }))
      assert.instanceOf(error, SigningKey.InvalidSigningKey)
      assert.strictEqual(error.problem, "Malformed")
    }))

  const wrong: ReadonlyArray<readonly [string, object]> = [
    ["SubjectToken.issuer", { issuer: "" }],
    ["SubjectToken.audience", { audience: "" }],
    ["SubjectToken.lifetime", { lifetime: "29 seconds" }],
    ["SubjectToken.lifetime", { lifetime: "61 minutes" }],
    ["SubjectToken.lifetime", { lifetime: Number.NaN }],
    ["SubjectToken.claims.email", { claims: { email: "" } }],
    ["SubjectToken.claims.email", { claims: {} }],
    ["SubjectToken.claims.sub", { claims: { ...options.claims, sub: "" } }],
    ...["iss", "aud", "iat", "exp", "jti"].map((name) =>
      ["SubjectToken.claims", { claims: { ...options.claims, [name]: "x" } }] as const
    ),
    ...[NaN, 1n, new Date(0), () => ({}), [undefined]].map((level) =>
      ["SubjectToken.claims", { claims: { ...options.claims, level } }] as const
    ),
    // `JSON.stringify` would sign what it returns, and no `exp`.
    ["SubjectToken.claims", { claims: { ...options.claims, toJSON: () => ({}) } }]
  ]
  it.each(wrong.map(([name, change]) => [name, inspect(change), change] as const))(
    "%s is refused: %s",
    (name, _, change) => {
      assert.throws(() => SubjectToken.signed({ ...options, ...change }), RangeError, `${name} is `)
    }
  )

  it.effect("invariant 9: neither key nor token is in a log, a span, an error or an inspection", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      const token = yield* audit.run(
        Effect.gen(function*() {
          const source = SubjectToken.signed(options)
          const token = yield* Effect.withSpan(source, "sign")
          audit.add(token, source, options)
          return Redacted.value(token)
        })
      )
      const lines = pemOf(privateKey).split("\n").filter((line) => line.length > 20 && !line.includes("-----"))
      assert.deepStrictEqual(audit.search([token, token.split(".")[2]!, ...lines]), [])
    }))
})
