import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Data, Effect, Layer, Option, Redacted, Stream } from "effect"
import { FetchHttpClient, Headers, HttpBody, HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import type { HttpClientRequest } from "effect/http"
import { makeAudit, printHidden } from "./support/audit.ts"
import { clientId, clientSecret, onMock } from "./support/harness.ts"
import { authenticated, onSocket } from "./support/sockets.ts"

type Subjects = MockSpotnana.MockSpotnana | SpotnanaHttpClient.SpotnanaHttpClient

const platforms = [
  [
    "FetchHttpClient",
    Layer.provide(FetchHttpClient.layer, Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" }))
  ],
  ["NodeHttpClient (undici)", NodeHttpClient.layerUndici],
  ["NodeHttpClient (node:http)", NodeHttpClient.layerNodeHttp]
] as const

const clients: ReadonlyArray<readonly [string, Layer.Layer<Subjects, unknown>]> = [
  ["in-process", onMock()],
  ...platforms.map(
    ([name, platform]) => [name, authenticated().pipe(Layer.provide(platform), Layer.provideMerge(onSocket()))] as const
  )
] as const

const spotnana = SpotnanaHttpClient.SpotnanaHttpClient
const companies = spotnana.use((client) => client.get("/v2/companies"))

describe.each(clients)("invariant 9: the bearer is on nothing that is handed to the caller, with %s", (name, layer) => {
  it.live("neither on a response nor on an error, whatever is read of it, printed field by field", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const audit = makeAudit()
      const failed = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
        Effect.map(Effect.flip(effect), (error) => {
          audit.add(error, Cause.fail(error), printHidden(error))
          return error
        })

      const response = yield* companies
      audit.add(response, response.request, printHidden(response))
      yield* response.json
      audit.add(response, printHidden(response))

      // A client that makes errors of statuses, around ours and below it.
      yield* mock.inject("api", Fault.status(500), { times: 2 })
      yield* failed(spotnana.use((client) => HttpClient.filterStatusOk(client).get("/v2/companies")))
      yield* failed(companies.pipe(Effect.flatMap(HttpClientResponse.filterStatusOk)))

      // Redirects that nobody follows, and what is no redirect.
      for (
        const fault of [
          Fault.status(304),
          Fault.status(304, { headers: { location: "/elsewhere" } }),
          Fault.status(300, { body: "choose" }),
          Fault.status(308, { body: "moved", headers: { location: "http://[" } })
        ]
      ) {
        yield* mock.inject("api", fault, { times: 2 })
        const redirect = yield* companies
        audit.add(redirect, printHidden(redirect))
        yield* failed(companies.pipe(Effect.flatMap(HttpClientResponse.filterStatusOk)))
      }

      // What cannot be read: each reader makes an error of its own.
      const readers: ReadonlyArray<
        (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<unknown, unknown>
      > = [
        (response) => response.json,
        (response) => response.formData,
        (response) => response.upgrade
      ]
      for (const read of readers) {
        yield* mock.inject("api", Fault.garbage)
        yield* failed(Effect.flatMap(companies, read))
      }
      const broken = Stream.concat(Stream.make(new Uint8Array([123])), Stream.fail("broken off"))
      const bodies: typeof readers = [
        (response) => response.text,
        (response) => response.arrayBuffer,
        (response) => response.urlParamsBody,
        (response) => Stream.runDrain(response.stream)
      ]
      for (const read of bodies) {
        yield* mock.inject("api", Fault.status(200, { body: broken }))
        yield* failed(Effect.flatMap(companies, read))
      }

      yield* mock.inject("api", Fault.drop)
      yield* failed(companies)
      yield* mock.inject("api", Fault.status(401), { times: 2 })
      yield* failed(companies)
      yield* failed(spotnana.use((client) => client.get("http://[")))

      const tokens = (yield* mock.ledger).flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
      expect(audit.text()).toContain("HttpClientError")
      expect(audit.search(new Set(tokens))).toEqual([])
      // The application may redact other headers only, and then nothing that prints a request hides the token.
    }).pipe(Effect.provide(layer), Effect.provideService(Headers.CurrentRedactedNames, ["x-api-key"])))

  it.live("a redirect that nobody follows is otherwise the one that came", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const headers = { location: "http://[", "set-cookie": "k=v", "x-extra": "1" }
      yield* mock.inject("api", Fault.status(302, { body: "{\"a\":1}", headers }), { times: 2 })
      const response = yield* companies
      expect(response.status).toBe(302)
      expect(response.url).toMatch(/\/v2\/companies$/)
      expect(response.headers["location"]).toBe("http://[")
      expect(response.headers["x-extra"]).toBe("1")
      if (name !== "in-process") expect(Object.keys(response.cookies.cookies)).toEqual(["k"])
      expect(yield* response.json).toEqual({ a: 1 })
      expect(yield* response.text).toBe("{\"a\":1}")
      expect(yield* Stream.mkString(Stream.decodeText((yield* companies).stream))).toBe("{\"a\":1}")
    }).pipe(Effect.provide(layer)))

  it.live("and the response is otherwise the one that came", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const reply = (body: string, headers?: Record<string, string>) =>
        Effect.andThen(mock.inject("api", Fault.status(200, { body, headers })), companies)
      const response = yield* reply("a=1", { "set-cookie": "k=v", "x-extra": "1" })
      expect(response.status).toBe(200)
      expect(response.url).toMatch(/\/v2\/companies$/)
      expect(response.request.url).toMatch(/\/v2\/companies$/)
      expect(response.request.method).toBe("GET")
      expect(response.request.headers["user-agent"]).toMatch(/^effect-spotnana\//)
      expect(response.request.headers.authorization).toBeUndefined()
      expect(response.headers["x-extra"]).toBe("1")
      if (name !== "in-process") expect(Object.keys(response.cookies.cookies)).toEqual(["k"])
      expect(Option.isOption(response.remoteAddress)).toBe(true)
      expect(response.pipe((self) => self === response)).toBe(true)
      expect(response.toString()).toBeTypeOf("string")
      expect(JSON.stringify(response)).toContain("200")
      expect([...yield* response.urlParamsBody]).toEqual([["a", "1"]])
      expect(yield* Effect.flatMap(reply("text"), (_) => _.text)).toBe("text")
      expect(yield* Effect.flatMap(reply("[1]"), (_) => _.json)).toEqual([1])
      expect((yield* Effect.flatMap(reply("abc"), (_) => _.arrayBuffer)).byteLength).toBe(3)
      expect(yield* Stream.mkString(Stream.decodeText((yield* reply("stream")).stream))).toBe("stream")
      expect(
        (yield* Effect.flatMap(
          reply("a=1", { "content-type": "application/x-www-form-urlencoded" }),
          (_) => _.formData
        )).get("a")
      ).toBe("1")
      const web = HttpClientResponse.toWeb(yield* reply("web"))
      expect(Option.isSome(web)).toBe(name === "FetchHttpClient")
      if (Option.isSome(web)) expect(yield* Effect.promise(() => web.value.text())).toBe("web")
      // Sent again, it gets a token like any other request.
      const again = yield* spotnana.use((client) => client.execute(response.request))
      expect(again.status).toBe(200)
      expect((yield* spotnana.use((client) => client.post("/v2/echo", { body: HttpBody.text("x") }))).status).toBe(200)
    }).pipe(Effect.provide(layer)))
})

/** An error of the application's own client. */
class ApiDown extends Data.TaggedError("ApiDown")<{ readonly cause?: unknown; readonly held?: unknown }> {}

it.effect("invariant 9: nor is it on an error that a client below dies of, fails with beside another or wraps", () =>
  Effect.gen(function*() {
    const audit = makeAudit()
    const sent: Array<string> = []
    const transportError = (request: HttpClientRequest.HttpClientRequest) =>
      new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
    const causes: ReadonlyArray<
      (request: HttpClientRequest.HttpClientRequest) => Cause.Cause<unknown>
    > = [
      (request) => Cause.die(transportError(request)),
      (request) => Cause.combine(Cause.fail(transportError(request)), Cause.die(transportError(request))),
      (request) => Cause.fail(new ApiDown({ cause: transportError(request) })),
      (request) => Cause.fail(new ApiDown({ cause: Cause.fail(new ApiDown({ held: transportError(request) })) })),
      (request) => Cause.fail(new ApiDown({ held: request })),
      (request) => Cause.fail(new ApiDown({ held: [HttpClientResponse.fromWeb(request, new Response("busy"))] })),
      (request) => Cause.die(new Error("down", { cause: transportError(request) })),
      (request) => {
        const error = new AggregateError([transportError(request)])
        error.errors.push(error)
        return Cause.die(error)
      }
    ]
    for (const cause of causes) {
      const network = HttpClient.make((request) => {
        const { authorization } = request.headers
        if (authorization !== undefined) {
          sent.push(authorization)
          return Effect.failCause(cause(request) as Cause.Cause<HttpClientError.HttpClientError>)
        }
        const token = { access_token: "t0k3n", token_type: "Bearer", expires_in: 3600 }
        return Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(token)))
      })
      const exit = yield* companies.pipe(
        Effect.provide(SpotnanaHttpClient.layer({ clientId, clientSecret })),
        Effect.provideService(HttpClient.HttpClient, network),
        Effect.exit
      )
      audit.add(exit, printHidden(exit))
    }
    expect(sent).toEqual(causes.map(() => "Bearer t0k3n"))
    expect(audit.text()).toContain("TransportError")
    expect(audit.search(["t0k3n"])).toEqual([])
  }))
