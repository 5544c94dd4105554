import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { createHash, generateKeyPairSync } from "node:crypto"
import { baseUrl, bodyOf, get, inProcess, issueToken } from "./support/requests.ts"
import * as Spec from "./support/spec.ts"

const companyId = "4974a66b-7493-4f41-908c-58ba81093947"
const path = `/v2/companies/${companyId}/partner-public-keys`
const documented = "/v2/companies/{companyId}/partner-public-keys"

const { e, n } = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" })
const jwkOf = (kid: string) => ({ kty: "RSA", use: "sig", alg: "RS256", kid, n, e })
const requestOf = (...keys: ReadonlyArray<unknown>) => ({ keyType: "JWKS", jwks: { keys } })

interface Keys {
  readonly keys: ReadonlyArray<Readonly<Record<string, string>>>
}

const send = (method: "POST" | "DELETE", path: string, token: string | undefined, body?: unknown) =>
  HttpClientRequest.make(method)(`${baseUrl}${path}`).pipe(
    body === undefined ? (request) => request : HttpClientRequest.bodyJsonUnsafe(body),
    token === undefined ? (request) => request : HttpClientRequest.bearerToken(token),
    HttpClient.execute
  )

describe("partner keys of the mock", () => {
  it.effect("are added, listed by status and revoked, each organization's by itself", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const token = yield* issueToken()
      const list = (query = "") => Effect.flatMap(get(`${path}${query}`, token), bodyOf<Keys>)
      const added = yield* send("POST", path, token, requestOf(jwkOf("my key/1")))
      assert.strictEqual(added.status, 201)
      const { keys } = yield* bodyOf<Keys>(added)
      assert.deepStrictEqual(keys, [{
        id: "00000000-0000-4000-a000-000000000001",
        orgId: companyId,
        kid: "my key/1",
        status: "ACTIVE",
        createdAt: "1970-01-01T00:00:00.000Z",
        thumbprint: createHash("sha256").update(JSON.stringify({ e, kty: "RSA", n })).digest("base64url")
      }])
      assert.deepStrictEqual(yield* list(), { keys })
      assert.deepStrictEqual(yield* mock.partnerKeys, [jwkOf("my key/1")] as never)
      assert.deepStrictEqual(
        yield* Effect.flatMap(get(path.replace("4974", "0000"), token), bodyOf<Keys>),
        { keys: [] }
      )
      assert.strictEqual((yield* send("DELETE", `${path}/${encodeURIComponent("my key/1")}`, token)).status, 204)
      assert.deepStrictEqual(yield* list(), { keys: [] })
      assert.deepStrictEqual(yield* list("?status=REVOKED"), { keys: [{ ...keys[0], status: "REVOKED" }] })
      assert.deepStrictEqual(yield* mock.partnerKeys, [])
    }).pipe(Effect.provide(inProcess())))

  it.effect("refuses what the description does not allow", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      const jwk = jwkOf("a")
      for (
        const body of [
          {},
          { keyType: "JWKS" },
          { keyType: "PEM", jwks: { keys: [jwk] } },
          requestOf(),
          requestOf(jwk, jwkOf("b")),
          requestOf({ ...jwk, kid: undefined }),
          requestOf({ ...jwk, kty: "EC" }),
          requestOf({ ...jwk, use: "enc" }),
          requestOf({ ...jwk, alg: "RS512" }),
          requestOf({ ...jwk, n: "AQAB" }),
          requestOf({ ...jwk, n: `${n}+` }),
          requestOf({ ...jwk, d: "secret" })
        ]
      ) {
        assert.strictEqual((yield* send("POST", path, token, body)).status, 400)
      }
      assert.strictEqual(
        (yield* send("POST", "/v2/companies/none/partner-public-keys", token, requestOf(jwk))).status,
        400
      )
      assert.strictEqual((yield* get(`${path}?status=OLD`, token)).status, 400)
      assert.strictEqual((yield* send("POST", path, undefined, requestOf(jwk))).status, 401)
      assert.strictEqual((yield* send("DELETE", `${path}/a`, token)).status, 404)
      assert.strictEqual((yield* send("POST", `${path}/a`, token)).status, 405)
      assert.strictEqual((yield* send("POST", path, token, requestOf(jwk))).status, 201)
      assert.strictEqual((yield* send("POST", path, token, requestOf(jwk))).status, 400)
    }).pipe(Effect.provide(inProcess())))
})

describe.skipIf(!Spec.isPresent)(`partner keys of the mock and ${Spec.title}`, () => {
  it.effect("what is asked and answered conforms", () =>
    Effect.gen(function*() {
      const conforms = (method: "get" | "post", status: number, schema: string, value: unknown) => {
        assert.deepStrictEqual(Spec.validateAnswer("partnerKeys", documented, method, status, value), [])
        assert.deepStrictEqual(Spec.validateSchema("partnerKeys", schema, value, { closed: true }), [])
      }
      const token = yield* issueToken()
      const request = requestOf(jwkOf("a"))
      const { validateSchema } = Spec
      assert.deepStrictEqual(validateSchema("partnerKeys", "AddPartnerPublicKeyRequest", request, { closed: true }), [])
      const post = (bearer: string | undefined) => send("POST", path, bearer, request)
      const json = yield* (yield* post(token)).json
      conforms("post", 201, "AddPartnerPublicKeyResponse", json)
      conforms("post", 400, "ErrorResponse", yield* (yield* post(token)).json)
      conforms("post", 401, "ErrorResponse", yield* (yield* post("dead")).json)
      conforms("get", 200, "ListPartnerPublicKeysResponse", yield* (yield* get(path, token)).json)
      conforms("get", 401, "ErrorResponse", yield* (yield* get(path)).json)
      const unknown = yield* (yield* send("DELETE", `${path}/b`, token)).json
      assert.deepStrictEqual(
        Spec.validateAnswer("partnerKeys", `${documented}/{kid}`, "delete", 404, unknown),
        []
      )
      // The validator looks.
      assert.isNotEmpty(Spec.validateAnswer("partnerKeys", documented, "post", 201, { keys: [{ id: "no UUID" }] }))
      assert.isNotEmpty(validateSchema("partnerKeys", "AddPartnerPublicKeyRequest", requestOf({ kid: "a" })))
    }).pipe(Effect.provide(inProcess())))
})
