import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { bodyOf, get, inProcess, issueToken, requestToken, statusOf } from "./support/requests.ts"

const withMock = Effect.fnUntraced(function*() {
  return { mock: yield* MockSpotnana.MockSpotnana, token: yield* issueToken() }
})

describe("faults", () => {
  it.effect("are used up one a request, in the order in which they were injected", () =>
    Effect.gen(function*() {
      const { mock, token } = yield* withMock()
      yield* mock.inject("api", Fault.status(500))
      yield* mock.inject("api", Fault.status(502), { times: 2 })
      yield* mock.inject("api", Fault.status(503), { times: 0 })
      yield* mock.inject("api", Fault.rateLimited())
      const statuses = yield* Effect.forEach(Array.from({ length: 6 }), () => statusOf("/v2/companies", token))
      assert.deepStrictEqual(statuses, [500, 502, 502, 429, 200, 200])
    }).pipe(Effect.provide(inProcess())))

  it.effect("last until they are cleared when there is no end to them", () =>
    Effect.gen(function*() {
      const { mock, token } = yield* withMock()
      yield* mock.inject("api", Fault.status(503), { times: Infinity })
      yield* mock.inject("api", Fault.status(500))
      const statuses = yield* Effect.forEach(Array.from({ length: 20 }), () => statusOf("/v2/companies", token))
      assert.deepStrictEqual(new Set(statuses), new Set([503]))
      yield* mock.clearFaults
      assert.strictEqual(yield* statusOf("/v2/companies", token), 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("hit the endpoint they are for", () =>
    Effect.gen(function*() {
      const { mock, token } = yield* withMock()
      yield* mock.inject("token", Fault.status(503))
      assert.strictEqual(yield* statusOf("/v2/companies", token), 200)
      assert.strictEqual((yield* requestToken()).status, 503)
      assert.strictEqual((yield* requestToken()).status, 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("come before authentication is looked at", () =>
    Effect.gen(function*() {
      const { mock } = yield* withMock()
      yield* mock.inject("api", Fault.status(503))
      assert.strictEqual(yield* statusOf("/v2/companies"), 503)
      assert.strictEqual(yield* statusOf("/v2/companies"), 401)
    }).pipe(Effect.provide(inProcess())))

  it.effect("of a status have Spotnana's error body unless they are given one", () =>
    Effect.gen(function*() {
      const { mock } = yield* withMock()
      yield* mock.inject("api", Fault.status(503, { headers: { "Retry-After": "7" } }))
      const response = yield* get("/v2/companies")
      assert.strictEqual(response.headers["retry-after"], "7")
      assert.strictEqual(response.headers["content-type"], "application/json")
      const [, entry] = yield* mock.ledger
      assert.strictEqual((yield* bodyOf(response)).debugIdentifier, entry?.debugIdentifier)
    }).pipe(Effect.provide(inProcess())))

  it.effect.each<{ readonly name: string; readonly body: Fault.Body; readonly text: string }>([
    { name: "a string", body: "<html>", text: "<html>" },
    { name: "an empty string", body: "", text: "" },
    { name: "bytes", body: Uint8Array.of(0x6f, 0x6b), text: "ok" },
    { name: "an object", body: { errorCode: "X" }, text: "{\"errorCode\":\"X\"}" },
    { name: "an array", body: [1, null], text: "[1,null]" },
    { name: "a stream", body: Stream.make(Uint8Array.of(0x6f), Uint8Array.of(0x6b)), text: "ok" }
  ])("send $name as body", ({ body, text }) =>
    Effect.gen(function*() {
      const { mock } = yield* withMock()
      yield* mock.inject("api", Fault.status(418, { body, headers: { "content-type": "text/html" } }))
      yield* mock.inject("api", Fault.status(200, { body }))
      const response = yield* get("/v2/companies")
      assert.strictEqual(response.status, 418)
      assert.strictEqual(response.headers["content-type"], "text/html")
      assert.strictEqual(yield* response.text, text)
      assert.strictEqual((yield* get("/v2/companies")).headers["content-type"], "application/json")
    }).pipe(Effect.provide(inProcess())))

  it.effect.each<{ readonly fault: Fault.Fault; readonly header: string | undefined }>([
    { fault: Fault.rateLimited(), header: undefined },
    { fault: Fault.rateLimited({ retryAfter: Duration.millis(29_001) }), header: "30" },
    { fault: Fault.rateLimited({ retryAfter: Duration.zero }), header: "0" },
    { fault: Fault.rateLimited({ retryAfter: new Date(30_000) }), header: "Thu, 01 Jan 1970 00:00:30 GMT" },
    { fault: Fault.rateLimited({ retryAfter: DateTime.makeUnsafe(30_000) }), header: "Thu, 01 Jan 1970 00:00:30 GMT" },
    { fault: Fault.rateLimited({ retryAfter: "soon" }), header: "soon" }
  ])("limit the rate with Retry-After $header", ({ fault, header }) =>
    Effect.gen(function*() {
      const { mock } = yield* withMock()
      yield* mock.inject("token", fault)
      const response = yield* requestToken()
      assert.strictEqual(response.status, 429)
      assert.strictEqual(response.headers["retry-after"], header)
      const body = (yield* response.json) as Record<string, unknown>
      assert.deepStrictEqual(Object.keys(body), ["debugIdentifier", "errorCode"])
      assert.strictEqual(body.errorCode, "TOO_MANY_REQUESTS")
    }).pipe(Effect.provide(inProcess())))

  it.effect("of garbage are a 200 that is neither JSON nor UTF-8", () =>
    Effect.gen(function*() {
      const { mock } = yield* withMock()
      yield* mock.inject("token", Fault.garbage)
      const response = yield* requestToken()
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers["content-type"], "application/json")
      const bytes = yield* response.arrayBuffer
      assert.throws(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes))
      assert.throws(() => JSON.parse(new TextDecoder().decode(bytes)))
      assert.strictEqual((yield* Effect.flip(response.json)).reason._tag, "DecodeError")
    }).pipe(Effect.provide(inProcess())))

  it.effect("drop the connection, which is a transport error", () =>
    Effect.gen(function*() {
      const { mock, token } = yield* withMock()
      yield* mock.inject("api", Fault.drop)
      const error = yield* Effect.flip(get("/v2/companies", token))
      assert.strictEqual(error.reason._tag, "TransportError")
      assert.strictEqual(yield* statusOf("/v2/companies", token), 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("hang for as long as the client waits, and can be interrupted", () =>
    Effect.gen(function*() {
      const { mock, token } = yield* withMock()
      yield* mock.inject("api", Fault.hang)
      const fiber = yield* Effect.forkChild(get("/v2/companies", token))
      yield* TestClock.adjust("1000 days")
      assert.isUndefined(fiber.pollUnsafe())
      yield* mock.clearFaults
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
      const exit = fiber.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.hasInterrupts(exit))
    }).pipe(Effect.provide(inProcess())))

  it.effect("break a body off half-way", () =>
    Effect.gen(function*() {
      const { mock } = yield* withMock()
      const body = Stream.concat(Stream.make(Uint8Array.of(0x7b)), Stream.fail(new Error("cut")))
      yield* mock.inject("token", Fault.status(200, { body }))
      const response = yield* requestToken()
      assert.strictEqual((yield* Effect.flip(response.json)).reason._tag, "DecodeError")
    }).pipe(Effect.provide(inProcess())))

  it.effect("can be taken apart", () =>
    Effect.sync(() => {
      const name = Fault.match({
        Status: (fault) => String(fault.status),
        RateLimited: (fault) => fault.retryAfter ?? "none",
        Garbage: () => "garbage",
        Hang: () => "hang",
        Drop: () => "drop"
      })
      const faults = [Fault.status(500), Fault.rateLimited({ retryAfter: "1" }), Fault.garbage, Fault.hang, Fault.drop]
      assert.deepStrictEqual(faults.map(name), ["500", "1", "garbage", "hang", "drop"])
    }))

  it.effect("are held back by the latency, as every answer is", () =>
    Effect.gen(function*() {
      const { mock, token } = yield* withMock()
      yield* mock.configure({ apiLatency: "3 seconds", tokenLatency: "5 seconds" })
      yield* mock.inject("api", Fault.status(503))
      const fault = yield* Effect.forkChild(statusOf("/v2/companies", token))
      const page = yield* Effect.forkChild(statusOf("/v2/companies", token))
      const issued = yield* Effect.forkChild(issueToken())
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(fault.pollUnsafe())
      assert.isUndefined(page.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fault), 503)
      assert.strictEqual(yield* Fiber.join(page), 200)
      assert.isUndefined(issued.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.isString(yield* Fiber.join(issued))
    }).pipe(Effect.provide(inProcess())))
})
