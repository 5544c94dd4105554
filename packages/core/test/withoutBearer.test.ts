import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Layer, Option, Redacted, Stream } from "effect"
import { HttpBody, HttpClient, HttpClientResponse } from "effect/http"
import { makeAudit } from "./support/audit.ts"
import { onMock } from "./support/harness.ts"
import { authenticated, onSocket, platformClients } from "./support/sockets.ts"

type Subjects = MockSpotnana.MockSpotnana | SpotnanaHttpClient.SpotnanaHttpClient

const clients: ReadonlyArray<readonly [string, Layer.Layer<Subjects, unknown>]> = [
  ["in-process", onMock()],
  ...[...platformClients, ["NodeHttpClient (node:http)", NodeHttpClient.layerNodeHttp] as const].map(
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
          audit.add(error, Cause.fail(error))
          return error
        })

      const response = yield* companies
      audit.add(response, response.request)
      yield* response.json
      audit.add(response)

      // A client that makes errors of statuses, around ours and below it.
      yield* mock.inject("api", Fault.status(500), { times: 2 })
      yield* failed(spotnana.use((client) => HttpClient.filterStatusOk(client).get("/v2/companies")))
      yield* failed(companies.pipe(Effect.flatMap(HttpClientResponse.filterStatusOk)))

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
