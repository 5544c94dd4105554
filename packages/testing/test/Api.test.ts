import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { HttpClient, HttpClientRequest, HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import { baseUrl, bodyOf, type Companies, get, inProcess, issueToken, statusOf } from "./support/requests.ts"

describe("the API", () => {
  it.effect("wants a bearer on every path, those that do not exist included", () =>
    Effect.gen(function*() {
      for (
        const path of ["/v2/companies", `/v2/users/${MockSpotnana.users[0]}`, "/v2/nothing", "/", "//v2/companies"]
      ) {
        const response = yield* get(path)
        const error = yield* bodyOf(response)
        assert.strictEqual(response.status, 401, path)
        assert.strictEqual(error.errorMessages[0]?.errorCode, "USER_NOT_AUTHENTICATED")
        assert.match(error.debugIdentifier, /^mock-debug-\d+$/)
      }
    }).pipe(Effect.provide(inProcess())))

  it.effect("says `Access Token Invalid` to a bearer that it did not issue", () =>
    Effect.gen(function*() {
      const response = yield* get("/v2/companies", "made-up")
      assert.strictEqual(response.status, 401)
      assert.strictEqual((yield* bodyOf(response)).errorMessages[0]?.message, "Access Token Invalid")
    }).pipe(Effect.provide(inProcess())))

  it.effect("takes no other scheme for a bearer", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      for (const authorization of [token, `Basic ${token}`, `Bearer ${token} more`, `Bearer${token}`]) {
        const response = yield* HttpClient.get(`${baseUrl}/v2/companies`, { headers: { authorization } })
        assert.strictEqual(response.status, 401, authorization)
      }
    }).pipe(Effect.provide(inProcess())))

  it.effect("accepts a token up to its lifetime by the clock, and not at it", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      yield* TestClock.adjust("3599999 millis")
      assert.strictEqual(yield* statusOf("/v2/companies", token), 200)
      yield* TestClock.adjust("1 millis")
      const response = yield* get("/v2/companies", token)
      assert.strictEqual(response.status, 401)
      assert.strictEqual((yield* bodyOf(response)).errorMessages[0]?.message, "Access Token Invalid")
    }).pipe(Effect.provide(inProcess())))

  it.effect("gives a changed lifetime to the tokens issued after the change", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const long = yield* issueToken()
      yield* mock.configure({ tokenLifetime: "10 seconds" })
      const short = yield* issueToken()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* statusOf("/v2/companies", short), 401)
      assert.strictEqual(yield* statusOf("/v2/companies", long), 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("lists companies by offset and limit", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      const page = (query: string) => Effect.flatMap(get(`/v2/companies${query}`, token), bodyOf<Companies>)
      const summary = (
        { elements, length, totalNumResults }: Companies
      ) => [length, elements.length, elements[0]?.name, totalNumResults]
      assert.deepStrictEqual(summary(yield* page("")), [100, 100, "Company 1", 120])
      assert.deepStrictEqual(summary(yield* page("?offset=100")), [20, 20, "Company 101", 120])
      assert.deepStrictEqual(summary(yield* page("?offset=5&limit=2")), [2, 2, "Company 6", 120])
      assert.deepStrictEqual(summary(yield* page("?limit=100")), [100, 100, "Company 1", 120])
      assert.deepStrictEqual(summary(yield* page("?limit=0")), [0, 0, undefined, 120])
      assert.deepStrictEqual(summary(yield* page("?offset=120")), [0, 0, undefined, 120])
      assert.deepStrictEqual(summary(yield* page("?externalId=x&limit=1")), [1, 1, "Company 1", 120])
    }).pipe(Effect.provide(inProcess())))

  it.effect.each([
    "limit=101",
    "limit=-1",
    "limit=1.5",
    "limit=",
    "limit=ten",
    "limit=1e1",
    "limit=%2010",
    "limit=1&limit=2",
    "offset=-1",
    "offset=-0",
    "offset=0.5",
    "offset=99999999999999999999"
  ])("answers 400 to ?%s", (query) =>
    Effect.gen(function*() {
      const response = yield* get(`/v2/companies?${query}`, yield* issueToken())
      assert.strictEqual(response.status, 400)
      assert.isString((yield* bodyOf(response)).debugIdentifier)
    }).pipe(Effect.provide(inProcess())))

  it.effect("knows the users that it was told of, and no other", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      const known = yield* get("/v2/users/ada", token)
      assert.strictEqual(known.status, 200)
      assert.deepStrictEqual(yield* known.json, { id: "ada" })
      const unknown = yield* get(`/v2/users/${MockSpotnana.users[0]}`, token)
      assert.strictEqual(unknown.status, 404)
      assert.isString((yield* bodyOf(unknown)).debugIdentifier)
    }).pipe(Effect.provide(inProcess({ users: ["ada"] }))))

  it.effect("lists the companies that it was given", () =>
    Effect.gen(function*() {
      const response = yield* get("/v2/companies", yield* issueToken())
      assert.deepStrictEqual(yield* response.json, { length: 0, elements: [], totalNumResults: 0 })
    }).pipe(Effect.provide(inProcess({ companies: [] }))))

  it.effect("echoes body and content type", () =>
    Effect.gen(function*() {
      const bytes = Uint8Array.of(0, 255, 128)
      const post = HttpClientRequest.post(`${baseUrl}/v2/echo`).pipe(
        HttpClientRequest.bearerToken(yield* issueToken())
      )
      const binary = yield* HttpClient.execute(HttpClientRequest.bodyUint8Array(post, bytes, "application/x-bytes"))
      assert.strictEqual(binary.headers["content-type"], "application/x-bytes")
      assert.deepStrictEqual(new Uint8Array(yield* binary.arrayBuffer), bytes)
      const streamed = yield* HttpClient.execute(
        HttpClientRequest.bodyStream(post, Stream.make(bytes, bytes), { contentType: "application/x-bytes" })
      )
      assert.strictEqual((yield* streamed.arrayBuffer).byteLength, 6)
      const empty = yield* HttpClient.execute(post)
      assert.strictEqual(yield* empty.text, "")
    }).pipe(Effect.provide(inProcess())))

  it.effect("answers 404 to an unknown path and 405 to a wrong method, once authenticated", () =>
    Effect.gen(function*() {
      const token = yield* issueToken()
      for (const path of ["/v2/nothing", "/v2/companies/", "//v2/companies", "/V2/companies", "/v2//companies"]) {
        const response = yield* get(path, token)
        assert.strictEqual(response.status, 404, path)
        assert.isString((yield* bodyOf(response)).debugIdentifier)
      }
      const response = yield* HttpClientRequest.post(`${baseUrl}/v2/companies`).pipe(
        HttpClientRequest.bearerToken(token),
        HttpClient.execute
      )
      assert.strictEqual(response.status, 405)
      assert.strictEqual(response.headers.allow, "GET")
    }).pipe(Effect.provide(inProcess())))

  it.effect("keeps its routes to itself, whatever else is in the same graph of layers", () => {
    const other = Layer.effect(MockSpotnana.MockSpotnana, MockSpotnana.make({ users: ["other"] })).pipe(Layer.fresh)
    const routed = HttpRouter.add("GET", "/v2/companies", Effect.die("not this one")).pipe(
      Layer.provideMerge(HttpRouter.layer)
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* statusOf("/v2/companies", yield* issueToken()), 200)
    }).pipe(Effect.provide(Layer.mergeAll(routed, inProcess()).pipe(Layer.provideMerge(other))))
  })

  it.effect("fails as a transport does when the body of a request cannot be read", () =>
    Effect.gen(function*() {
      const error = yield* HttpClientRequest.post(`${baseUrl}/v2/echo`).pipe(
        HttpClientRequest.bodyStream(Stream.fail(new Error("no more"))),
        HttpClient.execute,
        Effect.flip
      )
      assert.strictEqual(error.reason._tag, "TransportError")
    }).pipe(Effect.provide(inProcess())))
})
