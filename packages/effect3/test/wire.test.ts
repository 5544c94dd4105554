import { ApiUsers, SpotnanaApiError, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { Fault, MockSpotnana } from "@effect-spotnana/effect3/testing"
import { HttpBody, HttpClient } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { promisify } from "node:util"
import { authenticatedByBody } from "./support/authenticatedByBody.ts"
import { clientId, clientSecret } from "./support/harness.ts"
import { authenticated, onSocket, platforms, serve, SocketEnvironment } from "./support/sockets.ts"

/** Another host, which must see neither secret nor bearer: it writes down everything that arrives. */
const stranger = Effect.gen(function*() {
  const received: Array<string> = []
  const url = yield* serve((request, response, body) => {
    received.push(`${request.method} ${request.url}\n${request.rawHeaders.join("\n")}\n${body}`)
    response.end(JSON.stringify({ access_token: "from-a-stranger", token_type: "Bearer", expires_in: 3600 }))
  })
  return { received, url }
})

it("docs/odd-servers.md has the client for rejections by the body that is run here", () => {
  const [, code = ""] = readFileSync("packages/effect3/test/support/authenticatedByBody.ts", "utf8").split(/\*\/\n/)
  expect(readFileSync("docs/odd-servers.md", "utf8")).toContain(code.replace("export const", "const"))
})

describe.each(platforms)("over a socket with %s", (name, platform) => {
  const live = (options?: SpotnanaHttpClient.Options<false>) =>
    authenticated(options).pipe(Layer.provide(platform), Layer.provideMerge(onSocket()))

  it.live("acquires, authenticates, recovers from a revocation and replays the body", () =>
    Effect.gen(function*() {
      const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
      const mock = yield* MockSpotnana.MockSpotnana
      expect((yield* client.get("/v2/companies?limit=2")).status).toBe(200)
      yield* mock.revokeTokens
      const echo = yield* client.post("/v2/echo", { body: HttpBody.unsafeJson({ hello: "wörld" }) })
      expect(yield* echo.json).toEqual({ hello: "wörld" })
      expect((yield* mock.ledger).map((entry) => [entry.path, entry.status])).toEqual([
        ["/v2/auth/oauth2-token", 200],
        ["/v2/companies", 200],
        ["/v2/echo", 401],
        ["/v2/auth/oauth2-token", 200],
        ["/v2/echo", 200]
      ])
    }).pipe(Effect.provide(live())))

  // `node:http` keeps no bytes: nobody can read a body again that was read so.
  const parts = name === "node:http" ? ["text", "json"] as const : ["text", "json", "arrayBuffer"] as const
  it.live.each(parts)("works with a client that reads every answer: %s", (part) => {
    const reading = Layer.effect(
      HttpClient.HttpClient,
      Effect.map(HttpClient.HttpClient, HttpClient.tap((response) => Effect.ignore(response[part])))
    )
    return Effect.gen(function*() {
      const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
      const mock = yield* MockSpotnana.MockSpotnana
      const apiUsers = ApiUsers.make(client)
      expect((yield* client.get("/v2/companies")).status).toBe(200)
      expect(yield* apiUsers.list).toEqual([clientId])
      yield* mock.inject("api", Fault.status(409, { body: { errorCode: "TAKEN" } }), { times: 2 })
      expect(yield* Effect.flip(apiUsers.create())).toMatchObject({ _tag: "SpotnanaApiError", code: "TAKEN" })
      const response = yield* client.get("/v2/companies")
      yield* response[part]
      expect(yield* SpotnanaApiError.fromResponse(response)).toMatchObject({ status: 409, code: "TAKEN" })
      for (const body of ["", "<html>"]) {
        yield* mock.inject("api", Fault.status(500, { body }))
        expect(yield* Effect.flip(apiUsers.create())).toMatchObject({ _tag: "SpotnanaApiError", status: 500 })
      }
    }).pipe(Effect.provide(
      authenticated().pipe(Layer.provide(reading), Layer.provide(platform), Layer.provideMerge(onSocket()))
    ))
  })

  it.live("an error has its status where the body cannot be read any more", () =>
    Effect.gen(function*() {
      const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("api", Fault.status(409, { body: { errorCode: "TAKEN" } }))
      const response = yield* client.get("/v2/companies")
      yield* Effect.ignore(response.arrayBuffer)
      expect((yield* SpotnanaApiError.fromResponse(response)).status).toBe(409)
    }).pipe(Effect.provide(live())))

  it.live("the client of docs/odd-servers.md recovers from a token that a body rejects", () =>
    Effect.gen(function*() {
      const client = yield* authenticatedByBody
      const mock = yield* MockSpotnana.MockSpotnana
      expect((yield* client.get("/v2/companies")).status).toBe(200)
      yield* mock.inject("api", Fault.status(400, { body: { error: "INVALID_TOKEN" } }))
      expect((yield* client.get("/v2/companies")).status).toBe(200)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(live().pipe(Layer.provideMerge(platform)))))

  it.live("sends the token request as Spotnana documents it", () =>
    Effect.gen(function*() {
      const { get } = yield* TokenProvider.TokenProvider
      yield* get
      const [entry] = yield* (yield* MockSpotnana.MockSpotnana).ledger
      expect([entry!.method, entry!.path]).toEqual(["POST", "/v2/auth/oauth2-token"])
      expect(entry!.headers["content-type"]).toBe("application/x-www-form-urlencoded")
      expect(entry!.headers["accept-encoding"]).toBe("identity")
      expect(entry!.headers["user-agent"]).toMatch(/^effect-spotnana\/\d/)
      expect(Object.fromEntries(new URLSearchParams(Redacted.value(entry!.body)))).toEqual({
        client_id: "client",
        client_secret: Redacted.value(clientSecret),
        grant_type: "client_credentials"
      })
    }).pipe(Effect.provide(live())))

  for (
    const [name, fault, tag] of [
      ["a dropped connection", Fault.drop, "TokenEndpointUnavailable"],
      ["garbage", Fault.garbage, "MalformedTokenResponse"],
      ["HTML", Fault.status(200, { body: "<html>" }), "MalformedTokenResponse"],
      ["a refusal without a word", Fault.status(403), "InvalidCredentials"],
      ["a 403 with a page", Fault.status(403, { body: "<html>" }), "TokenEndpointUnavailable"],
      ["5xx", Fault.status(502), "TokenEndpointUnavailable"],
      ["more than 64 KiB", Fault.status(200, { body: "x".repeat(100_000) }), "MalformedTokenResponse"]
    ] as const
  ) {
    it.live(`invariant 12: ${name} is a ${tag}`, () =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        yield* mock.inject("token", fault, { times: Infinity })
        const error = yield* Effect.flip((yield* TokenProvider.TokenProvider).get)
        expect(error._tag).toBe(tag)
      }).pipe(Effect.provide(live({ refresh: { attempts: 1 } }))))
  }

  it.live("invariant 12: an answer that never comes ends with the time-out", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("token", Fault.hang)
      const error = yield* Effect.flip((yield* TokenProvider.TokenProvider).get)
      expect(error._tag === "TokenEndpointUnavailable" && error.reason).toBe("Timeout")
    }).pipe(Effect.provide(live({ timeout: "100 millis", refresh: { attempts: 1 } }))))

  for (const status of [301, 302, 303, 307, 308]) {
    it.live(`invariant 8: a ${status} of the token endpoint is not followed, and the secret stays home`, () =>
      Effect.gen(function*() {
        const { received, url } = yield* stranger
        const mock = yield* MockSpotnana.MockSpotnana
        yield* mock.inject("token", Fault.status(status, { headers: { location: `${url}/elsewhere` } }))
        const error = yield* Effect.flip((yield* TokenProvider.TokenProvider).get)
        expect(error._tag).toBe("MalformedTokenResponse")
        expect(received).toEqual([])
      }).pipe(Effect.scoped, Effect.provide(live({ refresh: { attempts: 1 } }))))

    it.live(`invariant 8: a ${status} of the API to another origin does not take the bearer along`, () =>
      Effect.gen(function*() {
        const { received, url } = yield* stranger
        const mock = yield* MockSpotnana.MockSpotnana
        const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
        yield* mock.inject("api", Fault.status(status, { headers: { location: `${url}/elsewhere` } }))
        yield* client.post("/v2/companies")
        yield* client.get(`${url}/direct`)
        expect(received.length).toBeGreaterThanOrEqual(1)
        expect(received.filter((text) => text.includes("t0k3n") || /authorization/i.test(text))).toEqual([])
      }).pipe(Effect.scoped, Effect.provide(live())))
  }
})

describe("invariant 11: nothing left behind", () => {
  it.live.each(["fetch", "undici"])(
    "a program whose scope is closed exits by itself with %s",
    (client) =>
      Effect.gen(function*() {
        const { baseUrl } = yield* SocketEnvironment
        const program = new URL("./support/program.ts", import.meta.url).pathname
        const { stdout } = yield* Effect.promise(() =>
          promisify(execFile)(process.execPath, [program, client], {
            timeout: 30_000,
            killSignal: "SIGKILL",
            env: {
              ...process.env,
              SPOTNANA_CLIENT_ID: clientId,
              SPOTNANA_CLIENT_SECRET: Redacted.value(clientSecret),
              SPOTNANA_BASE_URL: baseUrl
            }
          })
        )
        expect(stdout).toBe("200 valid\n")
      }).pipe(Effect.provide(onSocket()))
  )
})
