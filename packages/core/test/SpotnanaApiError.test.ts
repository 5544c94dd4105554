import { SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted, Schema, Stream } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { makeAudit } from "./support/audit.ts"
import { onMock, subjects } from "./support/harness.ts"

const ask = Effect.gen(function*() {
  const spotnana = SpotnanaApiError.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
  return yield* spotnana.get("/v2/companies", { urlParams: { key: "hidden" } })
})

/** The error for one answer of the API. */
const errorOf = (fault: Fault.Fault) =>
  Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    yield* mock.inject("api", fault)
    const error = yield* Effect.flip(ask)
    assert.instanceOf(error, SpotnanaApiError.SpotnanaApiError)
    return error as SpotnanaApiError.SpotnanaApiError
  }).pipe(Effect.provide(onMock()))

describe("SpotnanaApiError", () => {
  it.effect("has everything that Spotnana's error body says", () =>
    Effect.gen(function*() {
      const errorMessages = [
        {
          errorCode: "INVALID_ARGUMENT",
          message: "limit is too large",
          errorDetail: "d".repeat(4096),
          errorParameters: [{ name: "limit", value: "101" }, { name: "only" }]
        },
        { errorCode: "OTHER" }
      ]
      const error = yield* errorOf(
        Fault.status(400, { body: { debugIdentifier: "debug-1", errorMessages, isNew: true } })
      )
      assert.strictEqual(error.status, 400)
      assert.strictEqual(error.code, "INVALID_ARGUMENT")
      assert.strictEqual(error.debugIdentifier, "debug-1")
      assert.strictEqual(
        error.message,
        "GET /v2/companies answered 400 (INVALID_ARGUMENT: limit is too large)."
      )
      assert.deepStrictEqual(error.errorMessages, errorMessages)
      assert.isUndefined(error.retryAfter)
    }))

  const bodies: ReadonlyArray<readonly [string, Fault.Fault, string | undefined, string]> = [
    ["a bare code", Fault.status(429, { body: { errorCode: "TOO_MANY_REQUESTS" } }), "TOO_MANY_REQUESTS", "(TOO_MANY_"],
    ["a bare message", Fault.status(500, { body: { message: "sorry" } }), undefined, "(sorry)"],
    ["an entry that is none", Fault.status(500, { body: { errorMessages: [1, null, "x"] } }), undefined, "500."],
    ["fields of other types", Fault.status(500, { body: { errorMessages: [{ message: 1 }] } }), undefined, "500."],
    ["a page", Fault.status(502, { body: "<html>Bad gateway</html>" }), undefined, "502."],
    ["a JSON array", Fault.status(500, { body: "[]" }), undefined, "500."],
    ["nothing", Fault.status(404, { body: "" }), undefined, "404."]
  ]
  for (const [title, fault, code, words] of bodies) {
    it.effect(`holds for ${title}`, () =>
      Effect.gen(function*() {
        const error = yield* errorOf(fault)
        assert.strictEqual(error.code, code)
        assert.include(error.message, words)
        for (const entry of error.errorMessages) assert.deepStrictEqual(entry, {})
      }))
  }

  it.effect("says how long to wait, where the answer does", () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Fault.status(429, { headers: { "retry-after": "7" } }))
      assert.deepStrictEqual(error.retryAfter, Duration.seconds(7))
    }))

  it.effect("says how long to wait as a quota does, where there were too many requests", () =>
    Effect.gen(function*() {
      const headers = { ratelimit: "\"default\";r=0;t=30" }
      assert.deepStrictEqual((yield* errorOf(Fault.status(429, { headers }))).retryAfter, Duration.seconds(30))
      assert.isUndefined((yield* errorOf(Fault.status(500, { headers }))).retryAfter)
    }))

  it.effect("invariant 12: is one line, whatever the path and the answer say", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const forged = "x\r\n2030-01-01 ERROR forged\u2028\u2029\u0085\u001b[31m\u009b\u202e\u2066\u200b"
      yield* mock.inject(
        "api",
        Fault.status(404, { body: { errorMessages: [{ errorCode: forged, message: forged }] } })
      )
      const spotnana = SpotnanaApiError.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
      const error = yield* Effect.flip(spotnana.get(`/v2/companies/${forged}`))
      assert.instanceOf(error, SpotnanaApiError.SpotnanaApiError)
      assert.notMatch(JSON.stringify(error.message), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\\[^"\\]/u)
      assert.include(error.message, "GET /v2/companies/x 2030-01-01 ERROR forged")
    }).pipe(Effect.provide(onMock())))

  it.effect("does not wait for a body that never ends", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(errorOf(Fault.status(500, { body: Stream.never })))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 500)
    }))

  it.effect("invariant 9: withholds what repeats the bearer", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* ask
      const bearer = Redacted.value((yield* mock.ledger)[0]!.token!)
      const said = `you sent ${bearer}`
      yield* mock.inject(
        "api",
        Fault.status(500, {
          body: {
            debugIdentifier: said,
            errorMessages: [{
              errorCode: said,
              message: said,
              errorDetail: Buffer.from(bearer).toString("base64"),
              errorParameters: [{ name: said, value: encodeURIComponent(said) }]
            }]
          }
        })
      )
      const error = yield* Effect.flip(ask)
      assert.strictEqual(
        error.message,
        "GET /v2/companies answered 500 (<redacted>: <redacted>)."
      )
      const audit = makeAudit()
      audit.add(error)
      assert.deepStrictEqual(audit.search([bearer]), [])
    }).pipe(Effect.provide(onMock())))

  it.effect("lets the 401 of a dead token be replaced first, and leaves what is 2xx alone", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      assert.strictEqual((yield* ask).status, 200)
      yield* mock.revokeTokens
      assert.strictEqual((yield* ask).status, 200)
      yield* mock.inject("api", Fault.status(204, { body: "" }))
      assert.strictEqual((yield* ask).status, 204)
    }).pipe(Effect.provide(onMock())))

  it.effect("comes after the retries of what is below it", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const client = (yield* SpotnanaHttpClient.SpotnanaHttpClient).pipe(
        HttpClient.retryTransient({ times: 2 }),
        SpotnanaApiError.filterStatusOk
      )
      yield* mock.inject("api", Fault.status(503), { times: 2 })
      assert.strictEqual((yield* client.get("/v2/companies")).status, 200)
      yield* mock.inject("api", Fault.status(503), { times: 3 })
      assert.strictEqual((yield* Effect.flip(client.get("/v2/companies")))._tag, "SpotnanaApiError")
    }).pipe(Effect.provide(onMock())))

  it.effect("is the same where a client below has filtered the statuses already", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const authenticate = SpotnanaHttpClient.authenticate(provider)
      const plain = yield* HttpClient.HttpClient
      const errors = yield* Effect.forEach(
        [
          authenticate(plain),
          plain.pipe(HttpClient.filterStatusOk, authenticate),
          plain.pipe(authenticate, HttpClient.filterStatusOk)
        ],
        (client) =>
          Effect.andThen(
            mock.inject("api", Fault.status(409, { body: { errorCode: "TAKEN", debugIdentifier: "debug-1" } })),
            Effect.flip(SpotnanaApiError.filterStatusOk(client).get("/v2/companies"))
          )
      )
      for (const error of errors) assert.deepStrictEqual(error, errors[0])
      assert.deepInclude(errors[0], { _tag: "SpotnanaApiError", code: "TAKEN", debugIdentifier: "debug-1" })
    }).pipe(Effect.provide(onMock())))

  it.effect("leaves an error about a status of 2xx to the filter that made it", () =>
    Effect.gen(function*() {
      const spotnana = HttpClient.filterStatus(
        yield* SpotnanaHttpClient.SpotnanaHttpClient,
        (status) => status !== 200
      )
      const error = yield* Effect.flip(SpotnanaApiError.filterStatusOk(spotnana).get("/v2/companies"))
      assert.strictEqual(error._tag, "HttpClientError")
    }).pipe(Effect.provide(onMock())))

  it.effect("crosses a process as JSON", () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Fault.rateLimited({ retryAfter: Duration.seconds(3) }))
      const codec = Schema.toCodecJson(SpotnanaApiError.SpotnanaApiError)
      const json = JSON.stringify(yield* Schema.encodeEffect(codec)(error))
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(JSON.parse(json)), error)
    }))
})
