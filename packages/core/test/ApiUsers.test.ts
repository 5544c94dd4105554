import { ApiUsers, SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import type { AuthError } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import type { HttpClientError } from "effect/http"
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

  describe("a list ends, whatever the server does with offset and limit", () => {
    const everybody = Array.from({ length: 120 }, (_, n) => `client-${n}`)
    const from = (offset: number, length: number) => everybody.slice(offset, offset + length)

    /** What a server answers to the request of this number: client ids, and how many there are said to be. */
    type Page = (offset: number, limit: number, number: number) => {
      readonly ids: ReadonlyArray<string>
      readonly totalCount?: number
    }

    const listOf = (page: Page) =>
      Effect.gen(function*() {
        let requests = 0
        const plain = HttpClient.make((request, url) =>
          Effect.sync(() => {
            const { ids, totalCount } = page(
              Number(url.searchParams.get("offset")),
              Number(url.searchParams.get("limit")),
              requests++
            )
            const body = { apiUsers: ids.map((clientId) => ({ clientId })), totalCount }
            return HttpClientResponse.fromWeb(request, Response.json(body))
          })
        )
        type Failure = HttpClientError.HttpClientError | AuthError.AuthError
        const client = HttpClient.makeWith(
          (request: Effect.Effect<HttpClientRequest.HttpClientRequest, Failure>) =>
            Effect.flatMap(
              request,
              (relative) => plain.execute(HttpClientRequest.prependUrl(relative, "https://api.example"))
            ),
          Effect.succeed<HttpClientRequest.HttpClientRequest>
        )
        const result = yield* Effect.result(ApiUsers.make(client).list)
        return { result, requests }
      })

    const servers: ReadonlyArray<readonly [string, Page, ReadonlyArray<string>, number]> = [
      ["is as described", (offset, limit) => ({ ids: from(offset, limit), totalCount: 120 }), everybody, 2],
      ["says no number", (offset, limit) => ({ ids: from(offset, limit) }), everybody, 3],
      ["ignores the offset", () => ({ ids: from(0, 100) }), from(0, 100), 2],
      [
        "ignores the offset, and has more than it shows",
        () => ({ ids: from(0, 100), totalCount: 120 }),
        from(0, 100),
        2
      ],
      ["ignores offset and limit", () => ({ ids: everybody, totalCount: 120 }), everybody, 2],
      ["caps its pages at 50", (offset) => ({ ids: from(offset, 50), totalCount: 120 }), everybody, 3],
      ["caps its pages at 50, and says no number", (offset) => ({ ids: from(offset, 50) }), everybody, 4],
      [
        "caps its pages at 50, and says how long each is",
        (offset) => ({ ids: from(offset, 50), totalCount: 0 }),
        everybody,
        4
      ],
      ["repeats a part of the page before", (offset) => ({ ids: from(Math.max(0, offset - 10), 50) }), everybody, 4],
      ["repeats its last page", (offset) => ({ ids: from(Math.min(offset, 70), 50), totalCount: 200 }), everybody, 4],
      ["sends an empty page", () => ({ ids: [], totalCount: 120 }), [], 1],
      [
        "sends an empty page in the middle",
        (offset, limit, number) => ({ ids: number === 1 ? [] : from(offset, limit), totalCount: 120 }),
        from(0, 100),
        2
      ],
      [
        "has one more at each request, for a while",
        (offset, _, number) => ({ ids: from(offset, 1), totalCount: Math.min(number + 2, 60) }),
        from(0, 60),
        60
      ]
    ]
    it.effect.each(servers)("of a server that %s", ([, page, expected, requests]) =>
      Effect.gen(function*() {
        const ended = yield* listOf(page)
        assert.deepStrictEqual(ended.result._tag === "Success" ? ended.result.success : ended.result.failure, expected)
        assert.strictEqual(ended.requests, requests)
      }))

    it.effect("of a server that always has more: after 100 requests, with an error", () =>
      Effect.gen(function*() {
        const { requests, result } = yield* listOf((offset, limit) => ({
          ids: Array.from({ length: limit }, (_, n) => `client-${offset + n}`)
        }))
        assert.strictEqual(requests, 100)
        assert.strictEqual(result._tag, "Failure")
        if (result._tag === "Success") return
        assert.instanceOf(result.failure, SpotnanaApiError.SpotnanaApiError)
        assert.include(result.failure.message, "without an end of the list, after 100 pages")
      }))
  })

  it.effect("makes a SCIM token, for a company administrator", () =>
    Effect.gen(function*() {
      const { apiUsers, mock } = yield* subjects
      const { clientId: scim, scimToken } = yield* apiUsers.createScimToken()
      yield* apiUsers.createScimToken({ orgId: "org", tmcId: "tmc" })
      assert.isTrue(Redacted.isRedacted(scimToken))
      assert.include(yield* apiUsers.list, scim)
      const kind = { credentialType: "SCIM_TOKEN", role: "COMPANY_ADMIN" }
      assert.deepStrictEqual(
        (yield* mock.ledger).filter(({ method }) => method === "POST").flatMap(({ body, path }) =>
          path === "/v2/api-users" ? [JSON.parse(Redacted.value(body)) as unknown] : []
        ),
        [kind, { ...kind, orgId: "org", tmcId: "tmc" }]
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
    ["a line break in the secret", { clientId: "secret-in-the-body", clientSecret: "s\nSPOTNANA_BASE_URL=x" }],
    ["a SCIM token", { clientId: "secret-in-the-body", scimToken: "secret-in-the-body" }],
    ["too much", `{"clientId":"secret-in-the-body","clientSecret":"${"x".repeat(1_100_000)}"}`]
  ]
  for (const [title, body] of oddities) {
    it.effect(`an answer with ${title} is an error that shows nothing of it`, () =>
      Effect.gen(function*() {
        const { apiUsers, mock } = yield* subjects
        const calls: Array<Effect.Effect<unknown, ApiUsers.ApiUsersError>> = [
          apiUsers.create(),
          apiUsers.rotateSecret(clientId),
          apiUsers.list
        ]
        // A SCIM token is what this one expects.
        if (title !== "a SCIM token") calls.push(apiUsers.createScimToken())
        for (const call of calls) {
          yield* mock.inject("api", Fault.status(200, { body: body as string }))
          const error = yield* Effect.flip(call)
          assert.instanceOf(error, SpotnanaApiError.SpotnanaApiError)
          assert.include(error.message, "check the list of API users")
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
          const { scimToken } = yield* apiUsers.createScimToken()
          const made = [yield* apiUsers.create(), yield* apiUsers.rotateSecret(clientId)]
          audit.add(made, scimToken, apiUsers)
          return [...made.map((credentials) => credentials.clientSecret), scimToken].map(Redacted.value)
        }).pipe(Effect.provide(administration()))
      )
      assert.isAbove(audit.text().length, 1000)
      assert.deepStrictEqual(audit.search([...secrets, Redacted.value(clientSecret)]), [])
    }))
})
