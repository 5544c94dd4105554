import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Layer, Redacted, Scope, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpEffect, HttpServer } from "effect/http"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"
import {
  baseUrl,
  bodyOf,
  type Companies,
  get,
  inProcess,
  issueToken,
  postRaw,
  requestToken,
  statusOf
} from "./support/requests.ts"

/** A client whose requests to Spotnana go to the server that is provided. */
const redirected = (client: Layer.Layer<HttpClient.HttpClient>) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function*() {
      const { address } = yield* HttpServer.HttpServer
      const origin = HttpServer.formatAddress(address)
      return HttpClient.mapRequest(
        yield* HttpClient.HttpClient,
        (request) => HttpClientRequest.setUrl(request, request.url.replace(baseUrl, origin))
      )
    })
  ).pipe(Layer.provide(client))

/** A server of its own for a test. */
const served = MockSpotnana.layerServer.pipe(
  Layer.provideMerge(MockSpotnana.layer()),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const overSocket = (client: Layer.Layer<HttpClient.HttpClient>) => Layer.provideMerge(redirected(client), served)

const pause = Effect.sleep("5 millis")
const soon = TestClock.withLive(pause)

/** Waits until the mock has received a request of the API, which over a socket takes real time. */
const received = (pause: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const { apiRequests } = yield* MockSpotnana.MockSpotnana
    while ((yield* apiRequests) === 0) yield* pause
  })

describe.each([
  { name: "fetch", client: FetchHttpClient.layer },
  { name: "undici", client: NodeHttpClient.layerUndici },
  { name: "node:http", client: NodeHttpClient.layerNodeHttp }
])("over a socket, by $name", ({ client }) => {
  it.effect("holds the contract, by the clock that the server was built with", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const token = yield* issueToken()
      const page = yield* Effect.flatMap(get("/v2/companies?offset=1&limit=2", token), bodyOf<Companies>)
      assert.deepStrictEqual(page.elements, MockSpotnana.companies.slice(1, 3))
      assert.strictEqual(yield* statusOf(`/v2/users/${MockSpotnana.users[0]}`, token), 200)
      assert.strictEqual(yield* statusOf("/v2/nothing", token), 404)
      assert.strictEqual((yield* postRaw("{}", "application/json")).status, 415)
      yield* TestClock.adjust("1 hours")
      assert.strictEqual(yield* statusOf("/v2/companies", token), 401)
      const [entry] = yield* mock.ledger
      const { address } = yield* HttpServer.HttpServer
      assert.strictEqual(`http://${entry?.headers.host}`, HttpServer.formatAddress(address))
      assert.strictEqual(entry?.token && Redacted.value(entry.token), token)
    }).pipe(Effect.provide(overSocket(client))))

  it.effect("echoes a body", () =>
    Effect.gen(function*() {
      const bytes = new Uint8Array(200_000).map((_, index) => index % 251)
      const response = yield* HttpClientRequest.post(`${baseUrl}/v2/echo`).pipe(
        HttpClientRequest.bearerToken(yield* issueToken()),
        HttpClientRequest.bodyUint8Array(bytes, "application/x-bytes"),
        HttpClient.execute
      )
      assert.strictEqual(response.headers["content-type"], "application/x-bytes")
      assert.deepStrictEqual(new Uint8Array(yield* response.arrayBuffer), bytes)
    }).pipe(Effect.provide(overSocket(client))))

  it.effect("answers a status, a rate limit and garbage", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("token", Fault.status(503, { body: "<html>", headers: { "content-type": "text/html" } }))
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: Duration.seconds(9) }))
      yield* mock.inject("token", Fault.garbage)
      const outage = yield* requestToken()
      assert.deepStrictEqual([outage.status, outage.headers["content-type"], yield* outage.text], [
        503,
        "text/html",
        "<html>"
      ])
      const limited = yield* requestToken()
      assert.deepStrictEqual([limited.status, limited.headers["retry-after"]], [429, "9"])
      const garbage = yield* requestToken()
      assert.strictEqual((yield* Effect.flip(garbage.json)).reason._tag, "DecodeError")
      assert.isString(yield* issueToken())
    }).pipe(Effect.provide(overSocket(client))))

  it.effect("drops the connection before it answers a byte, and serves the next request", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("token", Fault.drop)
      const error = yield* Effect.flip(requestToken())
      assert.strictEqual(error.reason._tag, "TransportError")
      assert.isString(yield* issueToken())
      assert.deepStrictEqual((yield* mock.ledger).map((_) => _.status), ["drop", 200])
    }).pipe(Effect.provide(overSocket(client))))

  it.effect("breaks a body off half-way", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const body = Stream.concat(Stream.make(Uint8Array.of(0x7b)), Stream.fail(new Error("cut")))
      yield* mock.inject("token", Fault.status(200, { body }))
      // Whether the status still arrives is a matter of timing; a whole body never does.
      const exit = yield* Effect.exit(Effect.flatMap(requestToken(), (response) => response.text))
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(Effect.provide(overSocket(client))))

  it.effect("holds answers back by the latency", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure({ apiLatency: "1 hours" })
      const fiber = yield* Effect.forkChild(statusOf("/v2/companies"))
      yield* received(soon)
      yield* soon
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 hours")
      assert.strictEqual(yield* Fiber.join(fiber), 401)
    }).pipe(Effect.provide(overSocket(client))))

  it.effect("hangs until the client gives up", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("api", Fault.hang)
      const fiber = yield* Effect.forkChild(statusOf("/v2/companies"))
      yield* received(soon)
      yield* soon
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* statusOf("/v2/companies"), 401)
    }).pipe(Effect.provide(overSocket(client))))

  it.live.each<{ readonly name: string; readonly fault: Fault.Fault; readonly apiLatency?: "1 hours" }>([
    { name: "that hangs", fault: Fault.hang },
    { name: "whose answer is late", fault: Fault.status(503), apiLatency: "1 hours" },
    { name: "whose body never ends", fault: Fault.status(200, { body: Stream.never }) }
  ])("a request $name does not keep the server from shutting down", ({ apiLatency, fault }) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(served, scope)
      // In the scope of the test: were the client closed with the server, it would hang up by itself.
      const clients = yield* Layer.build(Layer.provide(redirected(client), Layer.succeedContext(context)))
      const mock = yield* Effect.provide(MockSpotnana.MockSpotnana, context)
      yield* mock.configure({ apiLatency })
      yield* mock.inject("api", fault)
      const fiber = yield* get("/v2/companies").pipe(
        Effect.flatMap((response) => response.text),
        Effect.provide(clients),
        Effect.forkChild
      )
      yield* Effect.provide(received(pause), context)
      const before = yield* Clock.currentTimeMillis
      yield* Scope.close(scope, Exit.void)
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 2000)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
    }))
})

describe("where no socket is to be seen", () => {
  it.effect("a dropped connection is a body that breaks off", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("api", Fault.drop)
      const handler = HttpEffect.toWebHandler(mock.httpEffect)
      const response = yield* Effect.promise(() => handler(new Request(`${baseUrl}/v2/companies`)))
      const body = yield* Effect.exit(Effect.tryPromise(() => response.text()))
      assert.isTrue(Exit.isFailure(body))
      const next = yield* Effect.promise(() => handler(new Request(`${baseUrl}/v2/companies`)))
      assert.strictEqual(next.status, 401)
    }).pipe(Effect.provide(inProcess())))
})
