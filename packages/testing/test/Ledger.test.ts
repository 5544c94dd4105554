import { Fault, type Ledger, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Stream } from "effect"
import { Base64 } from "effect/encoding"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { baseUrl, get, inProcess, issueToken, postForm, requestToken } from "./support/requests.ts"

const shape = (entry: Ledger.LedgerEntry) => [entry.endpoint, entry.method, entry.path, entry.status]

describe("the ledger", () => {
  it.effect("has every request, in the order of arrival, whatever became of it", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const token = yield* issueToken()
      yield* get("/v2/companies?offset=1", token)
      yield* get("/v2/companies")
      yield* get("/v2/nothing", token)
      yield* mock.inject("api", Fault.drop)
      yield* mock.inject("api", Fault.hang)
      yield* mock.inject("token", Fault.rateLimited())
      yield* Effect.exit(get("/v2/companies", token))
      yield* Fiber.interrupt(yield* Effect.forkChild(get("/v2/companies", token), { startImmediately: true }))
      yield* requestToken()
      yield* HttpClient.post(`${baseUrl}/get-auth-token`)
      assert.deepStrictEqual((yield* mock.ledger).map(shape), [
        ["token", "POST", "/v2/auth/oauth2-token", 200],
        ["api", "GET", "/v2/companies", 200],
        ["api", "GET", "/v2/companies", 401],
        ["api", "GET", "/v2/nothing", 404],
        ["api", "GET", "/v2/companies", "drop"],
        ["api", "GET", "/v2/companies", "hang"],
        ["token", "POST", "/v2/auth/oauth2-token", 429],
        ["other", "POST", "/get-auth-token", 410]
      ])
      assert.strictEqual(yield* mock.tokenRequests, 2)
      assert.strictEqual(yield* mock.apiRequests, 5)
      yield* mock.clearLedger
      assert.deepStrictEqual(yield* mock.ledger, [])
      assert.strictEqual(yield* mock.tokenRequests, 0)
    }).pipe(Effect.provide(inProcess())))

  it.effect("has what was sent, by whom and when", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { clientSecret } = yield* mock.credentials
      yield* TestClock.adjust("5 seconds")
      const token = yield* issueToken()
      yield* TestClock.adjust("1 seconds")
      yield* get("/v2/companies?offset=1&limit=2", token)
      yield* get("/v2/companies", "made-up")
      const [issued, known, unknown] = yield* mock.ledger
      assert.isDefined(issued)
      assert.isDefined(known)
      assert.strictEqual(issued.at, 5000)
      assert.strictEqual(issued.clientId, "mock-client")
      assert.strictEqual(issued.token && Redacted.value(issued.token), token)
      assert.strictEqual(issued.headers["content-type"], "application/x-www-form-urlencoded")
      assert.strictEqual(issued.headers.host, "api.spotnana.com")
      assert.strictEqual(
        new URLSearchParams(Redacted.value(issued.body)).get("client_secret"),
        Redacted.value(clientSecret)
      )
      assert.strictEqual(known.at, 6000)
      assert.strictEqual(known.query, "offset=1&limit=2")
      assert.strictEqual(known.clientId, "mock-client")
      assert.strictEqual(known.token && Redacted.value(known.token), token)
      assert.strictEqual(known.headers.authorization, `Bearer ${token}`)
      assert.isUndefined(unknown?.clientId)
      assert.strictEqual(unknown?.token && Redacted.value(unknown.token), "made-up")
    }).pipe(Effect.provide(inProcess())))

  it.effect("names client and token of a request that a fault keeps from being looked at", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const token = yield* issueToken()
      yield* mock.inject("api", Fault.status(401))
      yield* mock.inject("token", Fault.rateLimited())
      yield* get("/v2/companies", token)
      yield* requestToken()
      const [, api, limited] = yield* mock.ledger
      assert.deepStrictEqual([api?.clientId, api?.token && Redacted.value(api.token)], ["mock-client", token])
      assert.deepStrictEqual([limited?.clientId, limited?.token], ["mock-client", undefined])
    }).pipe(Effect.provide(inProcess())))

  it.effect("names the client of a token request that was refused", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* postForm({ grant_type: "client_credentials", client_id: "nobody", client_secret: "wrong" })
      yield* postForm({ grant_type: "password", client_id: "somebody", client_secret: "wrong" })
      assert.deepStrictEqual((yield* mock.ledger).map((_) => [_.clientId, _.token]), [
        ["nobody", undefined],
        ["somebody", undefined]
      ])
    }).pipe(Effect.provide(inProcess())))

  it.effect("shows neither secret nor token when it is printed", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const client = yield* mock.credentials
      const secret = Redacted.value(client.clientSecret)
      const token = yield* issueToken()
      const authorization = `Basic ${Base64.encode(`${client.clientId}:${secret}`)}`
      yield* postForm({ grant_type: "client_credentials" }, { authorization })
      yield* get(`/v2/companies?client_secret=${secret}&access_token=${token}&offset=3`, token)
      const entries = yield* mock.ledger
      assert.strictEqual(entries[2]?.query, "client_secret=REDACTED&access_token=REDACTED&offset=3")
      for (const printed of [JSON.stringify(entries), inspect(entries, { depth: 9 }), `${inspect(client)}`]) {
        for (const hidden of [secret, token, authorization, Base64.encode(`${client.clientId}:${secret}`)]) {
          assert.isFalse(printed.includes(hidden), printed)
        }
      }
    }).pipe(Effect.provide(inProcess())))

  it.effect("is told as it grows, faults included", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* requestToken()
      const heard = yield* mock.requests.pipe(
        Stream.take(3),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      yield* get("/v2/companies")
      yield* mock.inject("api", Fault.hang)
      yield* Effect.forkChild(get("/v2/companies"), { startImmediately: true })
      yield* requestToken()
      assert.deepStrictEqual(yield* Fiber.join(heard), (yield* mock.ledger).slice(1))
    }).pipe(Effect.provide(inProcess())))

  it.effect("that was read does not change", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* requestToken()
      const before = yield* mock.ledger
      yield* requestToken()
      assert.strictEqual(before.length, 1)
    }).pipe(Effect.provide(inProcess())))

  it.effect("enters concurrent requests once each", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* Effect.forEach(Array.from({ length: 50 }), () => requestToken(), { concurrency: "unbounded" })
      const entries = yield* mock.ledger
      assert.strictEqual(new Set(entries.map((_) => _.debugIdentifier)).size, 50)
      assert.strictEqual(new Set(entries.map((_) => _.token && Redacted.value(_.token))).size, 50)
    }).pipe(Effect.provide(inProcess())))
})
