import { ApiUsers, SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { makeAudit } from "./support/audit.ts"
import { clientId, clientSecret, onMock } from "./support/harness.ts"

const administration = (mock?: MockSpotnana.Options) => ApiUsers.layer.pipe(Layer.provideMerge(onMock({}, mock)))

const subjects = Effect.all({ apiUsers: ApiUsers.ApiUsers, mock: MockSpotnana.MockSpotnana })

/** The status of the error that a call ends with. */
const refusal = <A, R>(call: Effect.Effect<A, ApiUsers.ApiUsersError, R>) =>
  Effect.map(Effect.flip(call), (error) => error._tag === "SpotnanaApiError" ? error.status : error._tag)

describe("ApiUsers", () => {
  it.effect("creates a user that gets tokens, until it is revoked", () =>
    Effect.gen(function*() {
      const { apiUsers } = yield* subjects
      const created = yield* apiUsers.create()
      assert.deepStrictEqual(yield* apiUsers.list, [clientId, created.clientId])

      const asCreated = SpotnanaHttpClient.SpotnanaHttpClient.use((client) => client.get("/v2/companies")).pipe(
        Effect.provide(SpotnanaHttpClient.layer(created)),
        Effect.map((response) => response.status)
      )
      assert.strictEqual(yield* asCreated, 200)
      yield* apiUsers.revoke(created.clientId)
      assert.deepStrictEqual(yield* apiUsers.list, [clientId])
      assert.strictEqual((yield* Effect.flip(asCreated))._tag, "InvalidCredentials")
    }).pipe(Effect.provide(administration())))

  it.effect("sends what the user is to be, and nothing that was not said", () =>
    Effect.gen(function*() {
      const { apiUsers, mock } = yield* subjects
      yield* apiUsers.create()
      yield* apiUsers.create({ role: "COMPANY_ADMIN", orgId: "org", tmcId: "tmc" })
      const bodies = (yield* mock.ledger).filter(({ path }) => path === "/v2/api-users").map(({ body }) =>
        JSON.parse(Redacted.value(body)) as unknown
      )
      assert.deepStrictEqual(bodies, [{}, { role: "COMPANY_ADMIN", orgId: "org", tmcId: "tmc" }])
    }).pipe(Effect.provide(administration())))

  it.effect("lists every page", () =>
    Effect.gen(function*() {
      const { apiUsers, mock } = yield* subjects
      for (let n = 1; n < 200; n++) yield* mock.addClient(`client-${n}`)
      const clientIds = yield* apiUsers.list
      assert.strictEqual(new Set(clientIds).size, 200)
      assert.deepStrictEqual(
        (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api").map(({ query }) => query),
        ["offset=0&limit=100", "offset=100&limit=100", "offset=200&limit=100"]
      )
    }).pipe(Effect.provide(administration())))

  it.effect("rotates a secret: the old one and its tokens are dead, the new one works", () =>
    Effect.gen(function*() {
      const { apiUsers, mock } = yield* subjects
      const other = yield* mock.addClient("other")
      const rotated = yield* apiUsers.rotateSecret("other")
      assert.strictEqual(rotated.clientId, "other")
      assert.notStrictEqual(Redacted.value(rotated.clientSecret), Redacted.value(other.clientSecret))
      const use = (credentials: MockSpotnana.Client) =>
        SpotnanaHttpClient.SpotnanaHttpClient.use((client) => client.get("/v2/companies")).pipe(
          Effect.provide(SpotnanaHttpClient.layer(credentials)),
          Effect.match({ onFailure: (error) => error._tag, onSuccess: (response) => response.status })
        )
      assert.deepStrictEqual([yield* use(other), yield* use(rotated)], ["InvalidCredentials", 200])
    }).pipe(Effect.provide(administration())))

  it.effect("says so typed: one too many, nobody of that name, no administrator", () =>
    Effect.gen(function*() {
      const { apiUsers } = yield* subjects
      assert.strictEqual(yield* refusal(apiUsers.revoke("nobody")), 404)
      assert.strictEqual(yield* refusal(apiUsers.rotateSecret("nobody")), 404)
      const company = yield* apiUsers.create({ role: "COMPANY_ADMIN" })
      yield* apiUsers.create()
      assert.strictEqual(yield* refusal(apiUsers.create()), 409)
      assert.deepStrictEqual(
        yield* ApiUsers.ApiUsers.use((asCompany) =>
          Effect.all([
            refusal(asCompany.list),
            refusal(asCompany.create()),
            refusal(asCompany.rotateSecret(clientId)),
            refusal(asCompany.revoke(clientId))
          ])
        ).pipe(Effect.provide(ApiUsers.layer.pipe(Layer.provide(SpotnanaHttpClient.layer(company))))),
        [403, 403, 403, 403]
      )
    }).pipe(Effect.provide(administration({ apiUserQuota: 3 }))))

  const oddities: ReadonlyArray<readonly [string, unknown]> = [
    ["no JSON", "<html>secret-in-the-body</html>"],
    ["no object", "[\"secret-in-the-body\"]"],
    ["no id", { clientSecret: "secret-in-the-body" }],
    ["no secret", { clientId: "secret-in-the-body" }],
    ["an empty secret", { clientId: "secret-in-the-body", clientSecret: "" }],
    ["a SCIM token", { clientId: "secret-in-the-body", scimToken: "secret-in-the-body" }],
    ["too much", `{"clientId":"secret-in-the-body","clientSecret":"${"x".repeat(1_100_000)}"}`]
  ]
  for (const [title, body] of oddities) {
    it.effect(`an answer with ${title} is an error that shows nothing of it`, () =>
      Effect.gen(function*() {
        const { apiUsers, mock } = yield* subjects
        for (const call of [apiUsers.create(), apiUsers.rotateSecret(clientId), apiUsers.list]) {
          yield* mock.inject("api", Fault.status(200, { body: body as string }))
          const error = yield* Effect.flip(Effect.asVoid(call as typeof apiUsers.list))
          assert.instanceOf(error, SpotnanaApiError.SpotnanaApiError)
          assert.include(error.message, "compare the list of API users")
          const audit = makeAudit()
          audit.add(error)
          assert.deepStrictEqual(audit.search(["secret-in-the-body"]), [])
        }
      }).pipe(Effect.provide(administration())))
  }

  it.effect("invariant 9: the secrets that it makes are in no print of what it gives or does", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      const secrets = yield* audit.run(
        Effect.gen(function*() {
          const { apiUsers } = yield* subjects
          const made = [yield* apiUsers.create(), yield* apiUsers.rotateSecret(clientId)]
          audit.add(made, apiUsers)
          return made.map((credentials) => Redacted.value(credentials.clientSecret))
        }).pipe(Effect.provide(administration()))
      )
      assert.isAbove(audit.text().length, 1000)
      assert.deepStrictEqual(audit.search([...secrets, Redacted.value(clientSecret)]), [])
    }))
})
