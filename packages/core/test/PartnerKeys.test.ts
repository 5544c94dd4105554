import { PartnerKeys, SigningKey, SpotnanaApiError } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import * as Spec from "../../testing/test/support/spec.ts"
import { makeAudit } from "./support/audit.ts"
import { onMock } from "./support/harness.ts"
import { jwkOf, keyPair, pemOf } from "./support/rsaKeys.ts"

const companyId = "4974a66b-7493-4f41-908c-58ba81093947"
const administration = PartnerKeys.layer.pipe(Layer.provideMerge(onMock()))

const subjects = Effect.all({ keys: PartnerKeys.PartnerKeys, mock: MockSpotnana.MockSpotnana })

const publicJwk = (name: string, kid?: string) =>
  SigningKey.publicJwk({ privateKey: Redacted.make(pemOf(keyPair(name).privateKey)), kid })

const kidsOf = (keys: ReadonlyArray<PartnerKeys.PartnerKey>) => keys.map(({ kid }) => kid)

const calls = Effect.map(
  MockSpotnana.MockSpotnana.use((mock) => mock.ledger),
  (ledger) =>
    ledger.flatMap(({ endpoint, method, path, query, status }) =>
      endpoint === "api" ? [`${method} ${path}${query === "" ? "" : `?${query}`} ${status}`] : []
    )
)

describe("PartnerKeys", () => {
  it.effect("adds, lists by status and revokes", () =>
    Effect.gen(function*() {
      const { keys, mock } = yield* subjects
      const first = yield* publicJwk("first", "first")
      const second = yield* publicJwk("second")
      const added = yield* keys.add(companyId, first)
      assert.deepStrictEqual(added, {
        kid: "first",
        status: "ACTIVE",
        id: "00000000-0000-4000-a000-000000000001",
        orgId: companyId,
        createdAt: DateTime.makeUnsafe(0),
        thumbprint: yield* SigningKey.thumbprint(first)
      })
      yield* keys.add(companyId, second)
      assert.deepStrictEqual(yield* mock.partnerKeys, [first, second])
      yield* keys.revoke(companyId, "first")
      assert.deepStrictEqual(kidsOf(yield* keys.list(companyId)), [second.kid])
      assert.deepStrictEqual(kidsOf(yield* keys.list(companyId, { status: "ACTIVE" })), [second.kid])
      assert.deepStrictEqual(kidsOf(yield* keys.list(companyId, { status: "REVOKED" })), ["first"])
      const path = `/v2/companies/${companyId}/partner-public-keys`
      assert.deepStrictEqual(yield* calls, [
        `POST ${path} 201`,
        `POST ${path} 201`,
        `DELETE ${path}/first 204`,
        `GET ${path} 200`,
        `GET ${path}?status=ACTIVE 200`,
        `GET ${path}?status=REVOKED 200`
      ])
    }).pipe(Effect.provide(administration)))

  it.effect("sends no private member, whatever it is given", () =>
    Effect.gen(function*() {
      const { keys, mock } = yield* subjects
      const key = { ...jwkOf(keyPair("first").privateKey), ...(yield* publicJwk("first")) }
      yield* keys.add(companyId, key)
      const [entry] = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api")
      const { jwks } = JSON.parse(Redacted.value(entry!.body)) as {
        readonly jwks: { readonly keys: ReadonlyArray<object> }
      }
      assert.deepStrictEqual(jwks.keys.map((sent) => Object.keys(sent)), [["kty", "use", "alg", "kid", "n", "e"]])
    }).pipe(Effect.provide(administration)))

  it.effect("encodes ids in the path", () =>
    Effect.gen(function*() {
      const { keys } = yield* subjects
      const kids = ["my key/1?#%", "ключ", "..x"]
      for (const kid of kids) {
        yield* keys.add(companyId, yield* publicJwk("first", kid))
        yield* keys.revoke(companyId, kid)
        assert.notInclude(kidsOf(yield* keys.list(companyId)), kid)
      }
      assert.deepStrictEqual(kidsOf(yield* keys.list(companyId, { status: "REVOKED" })), kids)
    }).pipe(Effect.provide(administration)))

  it.effect("refuses an id that would lead to another path, and sends nothing", () =>
    Effect.gen(function*() {
      const { keys } = yield* subjects
      const key = yield* publicJwk("first")
      // What a proxy may read as a segment of dots is refused too.
      for (const id of ["", ".", "..", "../x", "a/../b", "%2e%2e", "\ud800", undefined as unknown as string]) {
        const exits = [
          yield* Effect.exit(keys.revoke(companyId, id)),
          yield* Effect.exit(Effect.asVoid(keys.list(id))),
          yield* Effect.exit(keys.revoke(id, "kid")),
          // It could not be revoked.
          yield* Effect.exit(keys.add(companyId, { ...key, kid: id }))
        ]
        for (const exit of exits) assert.include(String(exit), "RangeError: PartnerKeys.")
      }
      assert.deepStrictEqual(yield* calls, [])
    }).pipe(Effect.provide(administration)))

  it.effect("says so typed: an unknown key, one that is there, no company", () =>
    Effect.gen(function*() {
      const { keys } = yield* subjects
      const statusOf = <A>(call: Effect.Effect<A, PartnerKeys.PartnerKeysError | PartnerKeys.PartnerKeyMismatch>) =>
        Effect.map(Effect.flip(call), (error) => error._tag === "SpotnanaApiError" ? error.status : error._tag)
      const key = yield* publicJwk("first")
      yield* keys.add(companyId, key)
      assert.strictEqual(yield* statusOf(keys.add(companyId, key)), 400)
      assert.strictEqual(yield* statusOf(keys.revoke(companyId, "nobody")), 404)
      assert.strictEqual(yield* statusOf(keys.list("company")), 400)
    }).pipe(Effect.provide(administration)))

  it.effect("an older key of the same name that was revoked is not taken for the one that was added", () =>
    Effect.gen(function*() {
      const { keys, mock } = yield* subjects
      const older = { kid: "first", status: "REVOKED", thumbprint: "other" }
      yield* mock.inject("api", Fault.status(201, { body: { keys: [older, { kid: "first", status: "ACTIVE" }] } }))
      assert.strictEqual((yield* keys.add(companyId, yield* publicJwk("first", "first"))).status, "ACTIVE")
    }).pipe(Effect.provide(administration)))

  it.effect("a thumbprint of another key is an error that says what to do", () =>
    Effect.gen(function*() {
      const { keys, mock } = yield* subjects
      const key = yield* publicJwk("first", "first")
      const actual = yield* SigningKey.thumbprint(yield* publicJwk("second"))
      yield* mock.inject("api", Fault.status(201, { body: { keys: [{ kid: "first", thumbprint: actual }] } }))
      const error = yield* Effect.flip(keys.add(companyId, key))
      assert.instanceOf(error, PartnerKeys.PartnerKeyMismatch)
      assert.deepInclude(error, { kid: "first", expected: yield* SigningKey.thumbprint(key), actual })
      assert.include(error.message, "PartnerKeys.revoke")
      // Every field of the answer may be absent.
      for (const none of [{}, { thumbprint: "" }]) {
        yield* mock.inject("api", Fault.status(201, { body: { keys: [{ kid: "first", ...none }] } }))
        assert.strictEqual((yield* keys.add(companyId, key)).thumbprint, undefined)
      }
    }).pipe(Effect.provide(administration)))

  it.effect("reads what is not as described: unknown fields, other types, a status of its own", () =>
    Effect.gen(function*() {
      const { keys, mock } = yield* subjects
      const body = {
        keys: [{ kid: "a", status: "PENDING", createdAt: "soon", id: 1, more: true }, { kid: 1 }, null, "b"]
      }
      yield* mock.inject("api", Fault.status(200, { body }))
      assert.deepStrictEqual(yield* keys.list(companyId), [
        { kid: "a", status: "PENDING", id: undefined, orgId: undefined, createdAt: undefined, thumbprint: undefined }
      ])
      yield* mock.inject("api", Fault.status(200, { body: {} }))
      assert.deepStrictEqual(yield* keys.list(companyId), [])
    }).pipe(Effect.provide(administration)))

  it.effect.each<readonly [string, string | object]>([
    ["no JSON", "<html>in-the-body</html>"],
    ["no object", "[\"in-the-body\"]"],
    ["no list", { keys: "in-the-body" }],
    ["too much", `{"keys":["${"x".repeat(1_100_000)}"]}`]
  ])("an answer with %s is an error that shows nothing of it", ([, body]) =>
    Effect.gen(function*() {
      const { keys, mock } = yield* subjects
      const key = yield* publicJwk("first")
      for (const call of [Effect.asVoid(keys.list(companyId)), Effect.asVoid(keys.add(companyId, key))]) {
        yield* mock.inject("api", Fault.status(200, { body: body as string }))
        const error = yield* Effect.flip(call)
        assert.instanceOf(error, SpotnanaApiError.SpotnanaApiError)
        assert.include(error.message, "check PartnerKeys.list")
        const audit = makeAudit()
        audit.add(error)
        assert.deepStrictEqual(audit.search(["in-the-body"]), [])
      }
      yield* mock.inject("api", Fault.status(201, { body: { keys: [{ kid: "another" }] } }))
      assert.include((yield* Effect.flip(keys.add(companyId, key))).message, "without the key that was added")
    }).pipe(Effect.provide(administration)))
})

describe.skipIf(!Spec.isPresent)(`the request for a partner key and ${Spec.title}`, () => {
  it.effect("agree", () =>
    Effect.gen(function*() {
      const { keys, mock } = yield* subjects
      yield* keys.add(companyId, yield* publicJwk("first"))
      const [entry] = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api")
      const request: unknown = JSON.parse(Redacted.value(entry!.body))
      assert.deepStrictEqual(
        Spec.validateSchema("partnerKeys", "AddPartnerPublicKeyRequest", request, { closed: true }),
        []
      )
      assert.isNotEmpty(Spec.validateSchema("partnerKeys", "AddPartnerPublicKeyRequest", { jwks: {} }))
    }).pipe(Effect.provide(administration)))
})
