import { Jwks, SigningKey } from "@effect-spotnana/core"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { HttpClient, HttpRouter } from "effect/http"
import { jwkOf, keyPair, pemOf } from "./support/rsaKeys.ts"

const first = keyPair("first")
const second = keyPair("second")
const third = keyPair("third")

const keys: Jwks.Keys = [
  { privateKey: Redacted.make(pemOf(first.privateKey)), kid: "first" },
  { privateKey: Redacted.make(jwkOf(second.privateKey)) },
  { publicKey: pemOf(third.publicKey), kid: "third" }
]

const expected = (pair: ReturnType<typeof keyPair>, kid: string) => {
  const { e, n } = jwkOf(pair.publicKey)
  return { kty: "RSA", use: "sig", alg: "RS256", kid, n, e }
}

const served = (options: Jwks.Options) =>
  HttpRouter.serve(Jwks.layer(options), { disableListenLog: true, disableLogger: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layerTest)
  )

describe("Jwks", () => {
  it.effect("serves public members only, of private keys in either form and of public ones", () =>
    Effect.gen(function*() {
      const response = yield* HttpClient.get("/.well-known/jwks.json")
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers["content-type"], "application/jwk-set+json")
      assert.strictEqual(response.headers["cache-control"], "public, max-age=300")
      const text = yield* response.text
      const { kid } = yield* SigningKey.publicJwk(keys[1]!)
      assert.deepStrictEqual(JSON.parse(text), {
        keys: [expected(first, "first"), expected(second, kid), expected(third, "third")]
      })
      for (const pair of [first, second, third]) {
        const { d, dp, dq, p, q, qi } = jwkOf(pair.privateKey)
        for (const member of [d, dp, dq, p, q, qi]) assert.notInclude(text, member!)
      }
    }).pipe(Effect.provide(served({ keys }))))

  it.effect("answers HEAD with the headers of GET and no body, and other methods with 404", () =>
    Effect.gen(function*() {
      const [get, head] = [yield* HttpClient.get("/keys"), yield* HttpClient.head("/keys")]
      assert.strictEqual(head.status, 200)
      assert.strictEqual(yield* head.text, "")
      for (const name of ["content-type", "content-length", "cache-control"]) {
        assert.strictEqual(head.headers[name], get.headers[name])
      }
      assert.strictEqual(head.headers["cache-control"], "public, max-age=60")
      assert.strictEqual((yield* HttpClient.post("/keys")).status, 404)
    }).pipe(Effect.provide(served({ keys, path: "/keys", maxAge: "1 minute" }))))

  it.effect("fails at start-up for a key that cannot be used, and for two of one name", () =>
    Effect.gen(function*() {
      const problemOf = (keys: Jwks.Keys) =>
        Effect.map(
          Effect.flip(Effect.scoped(Effect.asVoid(HttpRouter.toHttpEffect(Jwks.layer({ keys }))))),
          (error) => error.problem
        )
      assert.strictEqual(yield* problemOf([keys[0]!, keys[0]!]), "DuplicateKid")
      assert.strictEqual(yield* problemOf([{ publicKey: pemOf(first.privateKey) }]), "NotPublic")
      assert.include(String(yield* Effect.exit(Jwks.make([]))), "RangeError: Jwks.keys is 0")
      assert.throws(() => Jwks.layer({ keys, maxAge: -1 }), RangeError, "Jwks.maxAge")
    }))
})
