// The first of these is the program of "Testing your application" in the README.
import { SpotnanaHttpClient } from "@effect-spotnana/effect3"
import { Fault, MockSpotnana } from "@effect-spotnana/effect3/testing"
import { FetchHttpClient, HttpBody, HttpClient, HttpClientRequest, HttpServer } from "@effect/platform"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, expect, it } from "@effect/vitest"
import { Chunk, Effect, Exit, Fiber, Layer, LayerMap, Redacted, Stream, TestClock } from "effect"
import { createServer } from "node:http"
import { inspect } from "node:util"

const clientId = "test"
const clientSecret = Redacted.make("secret")

const SpotnanaTest = SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(
  Layer.provide(MockSpotnana.layerHttpClient),
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret }))
)

it.effect("survives an outage of the token endpoint, and a revocation", () =>
  Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
    yield* mock.inject("token", Fault.status(503))
    // The library waits before its next attempt. Fork what waits, and set the clock forward meanwhile.
    const call = yield* Effect.fork(spotnana.get("/v2/companies"))
    yield* TestClock.adjust("1 second")
    assert.strictEqual((yield* Fiber.join(call)).status, 200)
    yield* mock.revokeTokens
    assert.strictEqual((yield* spotnana.get("/v2/companies")).status, 200)
    assert.strictEqual(yield* mock.tokenRequests, 3)
  }).pipe(Effect.provide(SpotnanaTest)))

const baseUrl = "https://api.spotnana.com"

/** A mock of its own for a test, and the client whose requests end there. */
const inProcess = (options?: MockSpotnana.Options) =>
  MockSpotnana.layerHttpClient.pipe(Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, ...options })))

const postForm = (fields: Record<string, string>, url = baseUrl) =>
  HttpClient.execute(
    HttpClientRequest.post(`${url}/v2/auth/oauth2-token`).pipe(HttpClientRequest.bodyUrlParams(fields))
  )

const credentials = { client_id: clientId, client_secret: Redacted.value(clientSecret) }

const requestToken = (fields: Record<string, string> = {}) =>
  postForm({ grant_type: "client_credentials", ...credentials, ...fields })

const issueToken = Effect.map(
  Effect.flatMap(requestToken(), (response) => response.json),
  (json) => (json as { readonly access_token: string }).access_token
)

const call = (token: string, path: string, body?: unknown) =>
  HttpClient.execute(
    HttpClientRequest.make(body === undefined ? "GET" : "POST")(baseUrl + path, {
      body: body === undefined ? HttpBody.empty : HttpBody.unsafeJson(body)
    }).pipe(HttpClientRequest.bearerToken(token))
  )

describe("MockSpotnana", () => {
  it.effect("answers the token endpoint, pages of companies, users, and what it received", () =>
    Effect.gen(function*() {
      const response = yield* requestToken()
      expect([response.status, response.headers["cache-control"]]).toEqual([200, "no-store"])
      expect(yield* response.json).toMatchObject({ token_type: "Bearer", expires_in: 3600 })
      const token = yield* issueToken
      expect(yield* (yield* call(token, "/v2/companies?offset=119&limit=5")).json).toEqual({
        length: 1,
        elements: [{ id: "00000000-0000-4000-8000-000000000120", name: "Company 120" }],
        totalNumResults: 120
      })
      expect((yield* call(token, "/v2/companies?limit=101")).status).toBe(400)
      expect((yield* call(token, `/v2/users/${MockSpotnana.users[0]}`)).status).toBe(200)
      expect((yield* call(token, "/v2/users/nobody")).status).toBe(404)
      expect((yield* call(token, "/v2/companies/")).status).toBe(404)
      expect((yield* call(token, "/v2/companies", {})).headers["allow"]).toBe("GET")
      const echo = yield* call(token, "/v2/echo", { n: 1 })
      expect([echo.headers["content-type"], yield* echo.json]).toEqual(["application/json", { n: 1 }])
      expect((yield* call("made up", "/v2/companies")).status).toBe(401)
    }).pipe(Effect.provide(inProcess())))

  it.scoped("of two in one program, each answers its own client", () =>
    Effect.gen(function*() {
      const mocks = yield* LayerMap.make((clientId: string) => inProcess({ clientId }))
      for (const clientId of ["first", "second"]) {
        const context = yield* Layer.build(mocks.get(clientId))
        expect((yield* Effect.provide(requestToken({ client_id: clientId }), context)).status).toBe(200)
      }
    }))

  it.effect("refuses wrong credentials as configured, and other grants", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const wrong = { client_secret: "wrong" }
      const refused = yield* requestToken(wrong)
      expect([refused.status, yield* refused.json]).toMatchObject([401, { error: "invalid_client" }])
      yield* mock.configure({ refusal: { status: 403, body: "spotnana" } })
      const forbidden = yield* requestToken(wrong)
      expect([forbidden.status, yield* forbidden.json]).toMatchObject([403, {
        errorMessages: [{ errorCode: "INVALID_CLIENT_CREDENTIALS" }]
      }])
      const other = yield* requestToken({ grant_type: "password" })
      expect([other.status, yield* other.json]).toMatchObject([400, { error: "unsupported_grant_type" }])
    }).pipe(Effect.provide(inProcess())))

  it.effect("announces the lifetime as configured, and lets tokens expire by the clock", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure({ tokenLifetime: "10 seconds", expiresIn: null })
      expect(yield* (yield* requestToken()).json).toHaveProperty("expires_in", null)
      yield* mock.configure({ expiresIn: "absent" })
      expect(yield* (yield* requestToken()).json).not.toHaveProperty("expires_in")
      const token = yield* issueToken
      yield* TestClock.adjust("9 seconds")
      expect((yield* call(token, "/v2/companies")).status).toBe(200)
      yield* TestClock.adjust("1 second")
      expect((yield* call(token, "/v2/companies")).status).toBe(401)
    }).pipe(Effect.provide(inProcess())))

  it.effect("rotates and revokes: secrets and tokens die at once, those of others do not", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const other = yield* mock.addClient("other", "another-secret")
      const [token, others] = [
        yield* issueToken,
        ((yield* (yield* requestToken({
          client_id: "other",
          client_secret: Redacted.value(other.clientSecret)
        })).json) as { readonly access_token: string }).access_token
      ]
      const rotated = yield* mock.rotateSecret()
      expect(Redacted.value(rotated.clientSecret)).not.toBe("secret")
      expect((yield* requestToken()).status).toBe(401)
      expect([(yield* call(token, "/v2/companies")).status, (yield* call(others, "/v2/companies")).status])
        .toEqual([401, 200])
      yield* mock.revokeTokensOf("other")
      expect((yield* call(others, "/v2/companies")).status).toBe(401)
      expect(Exit.isFailure(yield* Effect.exit(mock.rotateSecret("nobody")))).toBe(true)
      expect(yield* mock.credentials).toEqual(rotated)
    }).pipe(Effect.provide(inProcess())))

  it.effect("manages API users by the API", () =>
    Effect.gen(function*() {
      const token = yield* issueToken
      const created = (yield* (yield* call(token, "/v2/api-users", {})).json) as typeof clients[number]
      const clients: ReadonlyArray<{ readonly clientId: string; readonly clientSecret: string }> = [created]
      const form = { client_id: created.clientId, client_secret: created.clientSecret }
      expect((yield* requestToken(form)).status).toBe(200)
      expect(yield* (yield* call(token, "/v2/api-users")).json).toEqual({
        apiUsers: [{ clientId }, { clientId: created.clientId }],
        totalCount: 2
      })
      expect((yield* call(token, "/v2/api-users/revoke", { clientId: created.clientId })).status).toBe(204)
      expect((yield* requestToken(form)).status).toBe(401)
    }).pipe(Effect.provide(inProcess())))

  it.effect("exchanges the token of a user that was added", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addUser("user-token", "ada@example.com")
      const exchange = (subject_token: string) =>
        requestToken({
          grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
          subject_token,
          subject_token_type: "urn:ietf:params:oauth:token-type:access_token"
        })
      expect(yield* (yield* exchange("user-token")).json).toHaveProperty("refresh_token")
      expect((yield* mock.ledger)[0]?.user).toBe("ada@example.com")
      expect((yield* exchange("another")).status).toBe(400)
      yield* mock.removeUser("ada@example.com")
      expect((yield* exchange("user-token")).status).toBe(400)
    }).pipe(Effect.provide(inProcess())))

  it.effect("uses faults up in their order: a stream, a rate limit, garbage, a lost connection, no answer", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const broken = Stream.concat(Stream.make(new TextEncoder().encode("{")), Stream.fail("broken off"))
      yield* mock.inject("api", Fault.status(200, { body: broken }))
      yield* mock.inject("api", Fault.rateLimited({ retryAfter: new Date(0) }))
      yield* mock.inject("api", Fault.garbage)
      yield* mock.inject("api", Fault.drop)
      yield* mock.inject("api", Fault.hang)
      const get = call("none", "/v2/companies")
      expect(yield* Effect.flip((yield* get).text)).toMatchObject({ _tag: "ResponseError", reason: "Decode" })
      const limited = yield* get
      expect([limited.status, limited.headers["retry-after"]]).toEqual([429, "Thu, 01 Jan 1970 00:00:00 GMT"])
      expect((yield* Effect.exit((yield* get).json))._tag).toBe("Failure")
      expect(yield* Effect.flip(get)).toMatchObject({ _tag: "RequestError", reason: "Transport" })
      const hanging = yield* Effect.fork(Effect.timeoutOption(get, "1 hour"))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(hanging))._tag).toBe("None")
      expect((yield* mock.ledger).map(({ status }) => status)).toEqual([200, 429, 200, "drop", "hang"])
      expect((yield* get).status).toBe(401)
    }).pipe(Effect.provide(inProcess())))

  it.effect("delays answers by the clock", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure({ tokenLatency: "5 seconds" })
      const fiber = yield* Effect.fork(requestToken())
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(fiber)).status).toBe(200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("keeps a ledger, and a stream of it, whose entries print neither secret nor token", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const streamed = yield* Effect.fork(Stream.runCollect(Stream.take(mock.requests, 2)))
      yield* TestClock.adjust("1 second")
      const token = yield* issueToken
      yield* call(token, `/v2/companies?limit=1&access_token=${token}`)
      const ledger = yield* mock.ledger
      expect(Chunk.toReadonlyArray(yield* Fiber.join(streamed))).toEqual(ledger)
      expect(ledger.map(({ clientId, endpoint, path, status }) => [endpoint, path, clientId, status])).toEqual([
        ["token", "/v2/auth/oauth2-token", clientId, 200],
        ["api", "/v2/companies", clientId, 200]
      ])
      expect(ledger[1]?.query).toBe("limit=1&access_token=REDACTED")
      expect(ledger[1]?.headers.authorization).toBe(`Bearer ${token}`)
      expect(ledger.map((entry) => entry.token === undefined || Redacted.value(entry.token))).toEqual([token, token])
      expect(ledger[1]?.headers["host"]).toBe("api.spotnana.com")
      const printed = inspect(ledger, { depth: 9 }) + JSON.stringify(ledger)
      expect(printed).not.toContain(token)
      expect(printed).not.toContain("client_secret")
      yield* mock.clearLedger
      expect(yield* mock.apiRequests).toBe(0)
    }).pipe(Effect.provide(inProcess())))

  it.scopedLive("is served on a socket: answers, lost connections, broken bodies, and no wait for what hangs", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const url = yield* HttpServer.addressFormattedWith(Effect.succeed)
      const get = postForm({ grant_type: "client_credentials", ...credentials }, url)
      expect(yield* (yield* get).json).toMatchObject({ token_type: "Bearer" })
      expect((yield* HttpClient.get(`${url}/v2/companies`)).status).toBe(401)
      yield* mock.inject("token", Fault.drop)
      expect((yield* Effect.flip(get))._tag).toBe("RequestError")
      const broken = Stream.concat(Stream.make(new TextEncoder().encode("{")), Stream.fail("broken off"))
      yield* mock.inject("token", Fault.status(200, { body: broken }))
      expect((yield* Effect.exit(Effect.flatMap(get, (response) => response.text)))._tag).toBe("Failure")
      expect((yield* mock.ledger).map(({ status }) => status)).toEqual([200, 401, "drop", 200])
      yield* mock.inject("token", Fault.hang)
      yield* Effect.forkScoped(Effect.exit(get))
      yield* Effect.repeat(mock.tokenRequests, { until: (count) => count === 4 })
    }).pipe(Effect.provide(
      MockSpotnana.layerServer.pipe(
        Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret })),
        Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })),
        Layer.provideMerge(FetchHttpClient.layer)
      )
    )))
})
