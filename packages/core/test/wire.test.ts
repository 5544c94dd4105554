import { ApiUsers, Environment, SpotnanaApiError, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Option, Redacted } from "effect"
import { FetchHttpClient, HttpBody, HttpClient, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"
import { endWithTest, inGroup } from "../../../scripts/processes.ts"
import { clientId, clientSecret } from "./support/harness.ts"
import { authenticated, onSocket, platformClients, socketEnvironment } from "./support/sockets.ts"

/** Another host, which must see neither secret nor bearer: it writes down everything that arrives. */
const stranger = Effect.acquireRelease(
  Effect.promise(async () => {
    const received: Array<string> = []
    const server = createServer((request, response) => {
      let text = `${request.method} ${request.url}\n${request.rawHeaders.join("\n")}\n`
      request.on("data", (chunk) => {
        text += chunk
      })
      request.on("end", () => {
        received.push(text)
        response.writeHead(200, { "content-type": "application/json" }).end(
          JSON.stringify({ access_token: "from-a-stranger", token_type: "Bearer", expires_in: 3600 })
        )
      })
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    return { server, received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  }),
  ({ server }) => Effect.promise(() => new Promise((resolve) => server.close(resolve)))
)

describe.each(
  [...platformClients, ["NodeHttpClient (node:http)", NodeHttpClient.layerNodeHttp] as const]
)("over a socket with %s", (platformName, platform) => {
  const live = (options?: SpotnanaHttpClient.Options<false>) =>
    authenticated(options).pipe(Layer.provide(platform), Layer.provideMerge(onSocket()))

  it.live.each(["text", "json", "arrayBuffer"] as const)("works with a client that reads every answer: %s", (part) => {
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
      expect((yield* apiUsers.create()).clientId).not.toBe(clientId)
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
      yield* Effect.ignore(response.formData)
      expect((yield* SpotnanaApiError.fromResponse(response)).status).toBe(409)
    }).pipe(Effect.provide(live())))

  it.live("acquires, authenticates, recovers from a revocation and replays the body", () =>
    Effect.gen(function*() {
      const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
      const mock = yield* MockSpotnana.MockSpotnana
      expect((yield* client.get("/v2/companies?limit=2")).status).toBe(200)
      yield* mock.revokeTokens
      const echo = yield* client.post("/v2/echo", { body: HttpBody.jsonUnsafe({ hello: "wörld" }) })
      expect(yield* echo.json).toEqual({ hello: "wörld" })
      expect((yield* mock.ledger).map((entry) => [entry.path, entry.status])).toEqual([
        ["/v2/auth/oauth2-token", 200],
        ["/v2/companies", 200],
        ["/v2/echo", 401],
        ["/v2/auth/oauth2-token", 200],
        ["/v2/echo", 200]
      ])
    }).pipe(Effect.provide(live())))

  it.live("sends the token request as Spotnana documents it", () =>
    Effect.gen(function*() {
      const provider = yield* TokenProvider.TokenProvider
      yield* provider.get
      const [entry] = yield* (yield* MockSpotnana.MockSpotnana).ledger
      expect([entry!.method, entry!.path, entry!.query]).toEqual(["POST", "/v2/auth/oauth2-token", ""])
      expect(entry!.headers["content-type"]).toBe("application/x-www-form-urlencoded")
      expect(entry!.headers["user-agent"]).toMatch(/^effect-spotnana\/\d/)
      expect(Object.fromEntries(new URLSearchParams(Redacted.value(entry!.body)))).toEqual({
        client_id: "client",
        client_secret: Redacted.value(clientSecret),
        grant_type: "client_credentials"
      })
    }).pipe(Effect.provide(live())))

  it.live("asks for a token that is not compressed, and says so where it is", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const body = gzipSync(JSON.stringify({ access_token: "t0k3n", token_type: "Bearer", expires_in: 3600 }))
      yield* mock.inject("token", Fault.status(200, { body, headers: { "content-encoding": "gzip" } }))
      const { get } = yield* TokenProvider.TokenProvider
      const exit = yield* Effect.exit(get)
      const [entry] = yield* mock.ledger
      expect(entry!.headers["accept-encoding"]).toBe("identity")
      // `fetch` decompresses all the same.
      if (Exit.isFailure(exit)) {
        const error = Option.getOrThrow(Cause.findErrorOption(exit.cause))
        expect(error._tag).toBe("MalformedTokenResponse")
        expect(error.message).toContain("(compressed with gzip, which was not asked for)")
      }
      expect([platformName, Exit.isSuccess(exit)]).toEqual([platformName, platformName === "FetchHttpClient"])
    }).pipe(Effect.provide(live({ refresh: { attempts: 1 } }))))

  it.live("authenticates by HTTP Basic where that is configured", () =>
    Effect.gen(function*() {
      const provider = yield* TokenProvider.TokenProvider
      yield* provider.get
      const [entry] = yield* (yield* MockSpotnana.MockSpotnana).ledger
      expect(entry!.status).toBe(200)
      expect(Redacted.value(entry!.body)).toBe("grant_type=client_credentials")
    }).pipe(Effect.provide(live({ clientAuthentication: "basic" }))))

  for (
    const [name, fault, tag] of [
      ["a dropped connection", Fault.drop, "TokenEndpointUnavailable"],
      ["garbage", Fault.garbage, "MalformedTokenResponse"],
      [
        "HTML",
        Fault.status(200, { body: "<html>", headers: { "content-type": "text/html" } }),
        "MalformedTokenResponse"
      ],
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
        const token = Redacted.value((yield* mock.ledger).find((entry) => entry.endpoint === "token")!.token!)
        expect(received.filter((text) => text.includes(token) || /authorization/i.test(text))).toEqual([])
      }).pipe(Effect.scoped, Effect.provide(live())))
  }
})

describe("any OAuth 2.0 server", () => {
  const routes = HttpRouter.addAll([
    HttpRouter.route(
      "POST",
      "/login/token",
      Effect.gen(function*() {
        const request = yield* HttpServerRequest.HttpServerRequest
        const fields = Object.fromEntries(yield* request.urlParamsBody)
        // RFC 6749 §2.3.1: user name and password are form-encoded before they are put together.
        const expected = `Basic ${Buffer.from("an+id:s3cr%3At+%25%26%3D").toString("base64")}`
        return request.headers.authorization === expected
          ? HttpServerResponse.jsonUnsafe({
            access_token: Buffer.from(JSON.stringify(fields)).toString("base64"),
            token_type: "bearer"
          })
          : HttpServerResponse.jsonUnsafe({ error: "invalid_client" }, { status: 401 })
      })
    ),
    HttpRouter.route(
      "GET",
      "/api/v1/whoami",
      Effect.gen(function*() {
        const request = yield* HttpServerRequest.HttpServerRequest
        return HttpServerResponse.text(request.headers.authorization ?? "nobody")
      })
    )
  ])

  it.live("works by configuration alone: token URL, Basic, scope, audience and further parameters", () =>
    Effect.gen(function*() {
      const { origin } = yield* socketEnvironment
      const Auth = SpotnanaHttpClient.layer({
        clientId: "an id",
        clientSecret: Redacted.make("s3cr:t %&="),
        environment: Environment.makeUnsafe({ baseUrl: `${origin}/api/v1`, tokenUrl: `${origin}/login/token` }),
        clientAuthentication: "basic",
        scope: "read write",
        audience: "https://api.example",
        parameters: { tenant: "acme", resource: Redacted.make("r") }
      })
      yield* Effect.gen(function*() {
        const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
        const response = yield* client.get("/whoami")
        const bearer = yield* response.text
        expect(JSON.parse(Buffer.from(bearer.replace(/^Bearer /, ""), "base64").toString())).toEqual({
          grant_type: "client_credentials",
          scope: "read write",
          audience: "https://api.example",
          tenant: "acme",
          resource: "r"
        })
      }).pipe(Effect.provide(Layer.provide(Auth, FetchHttpClient.layer)))
    }).pipe(
      Effect.provide(
        HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true }).pipe(
          Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
        )
      )
    ))
})

describe("invariant 11: nothing left behind", () => {
  it.live.each(["fetch", "undici"])(
    "a program whose scope is closed exits by itself with %s",
    (client) =>
      Effect.gen(function*() {
        const { baseUrl } = yield* socketEnvironment
        const program = new URL("./support/program.ts", import.meta.url).pathname
        const child = endWithTest(spawn(process.execPath, [program, client], {
          ...inGroup,
          env: {
            ...process.env,
            SPOTNANA_CLIENT_ID: clientId,
            SPOTNANA_CLIENT_SECRET: Redacted.value(clientSecret),
            SPOTNANA_BASE_URL: baseUrl
          },
          stdio: ["ignore", "pipe", "inherit"]
        }))
        let out = ""
        child.stdout.on("data", (chunk) => {
          out += chunk
        })
        const [code] = yield* Effect.promise(() => once(child, "exit"))
        expect([code, out]).toEqual([0, "200 valid\n"])
      }).pipe(Effect.provide(onSocket()))
  )
})
