import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { baseUrl, bodyOf, get, inProcess, issueToken, requestToken, statusOf } from "./support/requests.ts"
import * as Spec from "./support/spec.ts"

const post = (path: string, token: string | undefined, body: unknown) =>
  HttpClientRequest.post(`${baseUrl}${path}`).pipe(
    HttpClientRequest.bodyJsonUnsafe(body),
    token === undefined ? (request) => request : HttpClientRequest.bearerToken(token),
    HttpClient.execute
  )

interface Made {
  readonly clientId: string
  readonly clientSecret: string
}

const asClient = ({ clientId, clientSecret }: Made) => ({ clientId, clientSecret: Redacted.make(clientSecret) })

/** Creates a user, and asserts that it went well. */
const make = (token: string, body: unknown = {}) =>
  Effect.gen(function*() {
    const response = yield* post("/v2/api-users", token, body)
    assert.strictEqual(response.status, 200)
    return yield* bodyOf<Made>(response)
  })

describe("API users of the mock", () => {
  it.effect("a created user gets tokens; revoked, neither it nor its tokens work", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      const made = yield* make(token)
      const itsToken = yield* issueToken(asClient(made))
      assert.strictEqual(yield* statusOf("/v2/companies", itsToken), 200)
      const revoked = yield* post("/v2/api-users/revoke", token, { clientId: made.clientId })
      assert.deepStrictEqual([revoked.status, yield* revoked.text], [204, ""])
      assert.strictEqual(yield* statusOf("/v2/companies", itsToken), 401)
      assert.strictEqual((yield* requestToken(asClient(made))).status, 401)
      assert.strictEqual(yield* statusOf("/v2/companies", token), 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("a rotated secret replaces the old one, whose tokens die", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const old = yield* mock.credentials
      const token = yield* issueToken()
      const rotated = yield* bodyOf<Made>(yield* post("/v2/api-users/rotate", token, { clientId: old.clientId }))
      assert.strictEqual(rotated.clientId, old.clientId)
      assert.strictEqual(yield* statusOf("/v2/companies", token), 401)
      assert.strictEqual((yield* requestToken(old)).status, 401)
      assert.strictEqual((yield* requestToken(asClient(rotated))).status, 200)
      assert.strictEqual(Redacted.value((yield* mock.credentials).clientSecret), rotated.clientSecret)
    }).pipe(Effect.provide(inProcess())))

  it.effect("a SCIM token opens the SCIM API and nothing else, until its user is revoked", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      const request = { role: "COMPANY_ADMIN", credentialType: "SCIM_TOKEN" }
      const response = yield* post("/v2/api-users", token, request)
      assert.strictEqual(response.status, 200)
      const { clientId, scimToken } = yield* bodyOf<{ clientId: string; scimToken: string }>(response)
      const users = yield* get("/v2/scim/Users", scimToken)
      assert.deepStrictEqual(yield* users.json, {
        schemas: ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        totalResults: 1,
        startIndex: 1,
        itemsPerPage: 1,
        Resources: [{
          schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
          id: MockSpotnana.users[0]!,
          userName: `${MockSpotnana.users[0]}@mock.example`
        }]
      })
      assert.deepStrictEqual(
        yield* Effect.all([
          statusOf("/v2/companies", scimToken),
          statusOf("/v2/scim/Users", token),
          statusOf("/v2/scim/Users"),
          Effect.map(post("/v2/api-users/rotate", token, { clientId }), (_) => _.status),
          Effect.map(post("/v2/api-users/revoke", token, { clientId }), (_) => _.status),
          statusOf("/v2/scim/Users", scimToken)
        ]),
        [401, 401, 401, 400, 204, 401]
      )
      const withoutRole = yield* post("/v2/api-users", token, { ...request, role: undefined })
      assert.strictEqual(withoutRole.status, 400)
    }).pipe(Effect.provide(inProcess())))

  it.effect("the list has pages", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      const second = yield* make(token)
      const list = (query: string) => Effect.flatMap(get(`/v2/api-users${query}`, token), (_) => _.json)
      const apiUsers = [{ clientId: "mock-client" }, { clientId: second.clientId }]
      assert.deepStrictEqual(yield* list(""), { apiUsers, totalCount: 2 })
      assert.deepStrictEqual(yield* list("?offset=1&limit=1"), { apiUsers: apiUsers.slice(1), totalCount: 2 })
      assert.deepStrictEqual(yield* list("?offset=2"), { apiUsers: [], totalCount: 2 })
      assert.strictEqual(yield* statusOf("/v2/api-users?limit=101", token), 400)
    }).pipe(Effect.provide(inProcess())))

  it.effect("refuses as Spotnana does", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      const companyAdmin = yield* issueToken(asClient(yield* make(token, { role: "COMPANY_ADMIN" })))
      const statuses = (bearer: string | undefined, clientId: string) =>
        Effect.all([
          Effect.map(post("/v2/api-users", bearer, {}), (_) => _.status),
          bearer === undefined ? statusOf("/v2/api-users") : statusOf("/v2/api-users", bearer),
          Effect.map(post("/v2/api-users/rotate", bearer, { clientId }), (_) => _.status),
          Effect.map(post("/v2/api-users/revoke", bearer, { clientId }), (_) => _.status)
        ])
      assert.deepStrictEqual(yield* statuses(undefined, "nobody"), [401, 401, 401, 401])
      assert.deepStrictEqual(yield* statuses(companyAdmin, "mock-client"), [403, 403, 403, 403])
      assert.deepStrictEqual(yield* statuses(token, "nobody"), [200, 200, 404, 404])
      for (const body of [[], { role: "KING" }, { credentialType: "SCIM_TOKEN" }]) {
        assert.strictEqual((yield* post("/v2/api-users", token, body)).status, 400)
      }
      assert.strictEqual((yield* post("/v2/api-users/revoke", token, {})).status, 400)
      assert.strictEqual(yield* statusOf("/v2/api-users/revoke", token), 405)
      for (const expected of [200, 200, 409]) {
        assert.strictEqual((yield* post("/v2/api-users", token, {})).status, expected)
      }
      yield* MockSpotnana.MockSpotnana.use((mock) => mock.configure({ apiUserQuota: 6 }))
      assert.strictEqual((yield* post("/v2/api-users", token, {})).status, 200)
    }).pipe(Effect.provide(inProcess())))
})

describe.skipIf(!Spec.isPresent)(`API users of the mock and ${Spec.title}`, () => {
  it.effect("what is asked and answered conforms", () =>
    Effect.gen(function*() {
      const conforms = (path: string, method: "get" | "post", status: number, schema: string, value: unknown) => {
        assert.deepStrictEqual(Spec.validateAnswer("auth", path, method, status, value), [])
        assert.deepStrictEqual(Spec.validateSchema("auth", schema, value, { closed: true }), [])
      }
      const token = yield* issueToken()
      const request = { role: "TMC_ADMIN", tmcId: "tmc", orgId: "org", credentialType: "CLIENT_CREDENTIALS" }
      assert.deepStrictEqual(Spec.validateSchema("auth", "CreateApiUsersRequest", request, { closed: true }), [])
      const made = yield* make(token, request)
      conforms("/v2/api-users", "post", 200, "CreateApiUsersResponse", made)
      const scim = { role: "COMPANY_ADMIN", credentialType: "SCIM_TOKEN" }
      assert.deepStrictEqual(Spec.validateSchema("auth", "CreateApiUsersRequest", scim, { closed: true }), [])
      const scimToken = yield* (yield* post("/v2/api-users", token, scim)).json
      conforms("/v2/api-users", "post", 200, "CreateApiUsersResponse", scimToken)
      assert.sameMembers(Object.keys(scimToken as object), ["clientId", "scimToken"])
      const { clientId } = made
      conforms(
        "/v2/api-users",
        "get",
        200,
        "GetApiUsersResponse",
        yield* (yield* get("/v2/api-users", token)).json
      )
      const rotated = yield* (yield* post("/v2/api-users/rotate", token, { clientId })).json
      conforms("/v2/api-users/rotate", "post", 200, "RotateClientSecretResponse", rotated)
      for (const path of ["/v2/api-users/rotate", "/v2/api-users/revoke"]) {
        const unknown = yield* post(path, token, { clientId: "nobody" })
        conforms(path, "post", 404, "ErrorResponse", yield* unknown.json)
      }
      const companyAdmin = yield* issueToken(asClient(yield* make(token, { role: "COMPANY_ADMIN" })))
      conforms(
        "/v2/api-users",
        "post",
        403,
        "ErrorResponse",
        yield* (yield* post("/v2/api-users", companyAdmin, {})).json
      )
      conforms("/v2/api-users", "post", 401, "ErrorResponse", yield* (yield* post("/v2/api-users", "dead", {})).json)
    }).pipe(Effect.provide(inProcess())))
})
