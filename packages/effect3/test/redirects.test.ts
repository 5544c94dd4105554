import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { FetchHttpClient, HttpBody, HttpClient, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import type { HttpMethod } from "@effect/platform"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { interceptors } from "@effect/platform-node/Undici"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { clientId, clientSecret } from "./support/harness.ts"
import { platforms, serve } from "./support/sockets.ts"

/** A Spotnana whose API answers as the test says. */
const spotnana = (api: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.gen(function*() {
    let tokenRequests = 0
    const baseUrl = yield* serve((request, response) => {
      if (request.url === "/v2/auth/oauth2-token") {
        response.setHeader("content-type", "application/json")
        response.end(
          JSON.stringify({ access_token: `token-${tokenRequests++}`, token_type: "Bearer", expires_in: 3600 })
        )
      } else api(request, response)
    })
    return { baseUrl, tokenRequests: () => tokenRequests }
  })

const redirect = (response: ServerResponse, status: number, location: string) =>
  response.writeHead(status, { location }).end()

/** What follows the redirects: the platform, Effect below the library, or Effect above it. */
type Follower = "platform" | "below" | "above"

const manualFetch = Layer.provide(
  FetchHttpClient.layer,
  Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" })
)

/** undici with its own interceptor, which tells nobody that it followed. */
const followingUndici = Layer.provide(
  NodeHttpClient.layerUndiciWithoutDispatcher,
  Layer.scoped(
    NodeHttpClient.Dispatcher,
    Effect.map(
      NodeHttpClient.makeDispatcher,
      (dispatcher) => dispatcher.compose(interceptors.redirect({ maxRedirections: 5 }))
    )
  )
)

const followers: ReadonlyArray<readonly [string, Layer.Layer<HttpClient.HttpClient>, Follower]> = [
  ["that fetch follows", FetchHttpClient.layer, "platform"],
  ["that undici follows", followingUndici, "platform"],
  ["that Effect follows below, with fetch", manualFetch, "below"],
  ["that Effect follows above, with fetch", manualFetch, "above"],
  ["that Effect follows below, with undici", NodeHttpClient.layerUndici, "below"],
  ["that Effect follows below, with node:http", NodeHttpClient.layer, "below"],
  ["that Effect follows above, with undici", NodeHttpClient.layerUndici, "above"],
  ["that Effect follows above, with node:http", NodeHttpClient.layer, "above"]
]

const clientOn = (baseUrl: string, layer: Layer.Layer<HttpClient.HttpClient>, follower: Follower) =>
  Effect.gen(function*() {
    const platform = Context.get(yield* Layer.build(layer), HttpClient.HttpClient)
    const below = follower === "below" ? HttpClient.followRedirects(platform, 5) : platform
    const context = yield* Layer.build(
      SpotnanaHttpClient.layer({
        clientId,
        clientSecret,
        environment: Environment.makeUnsafe({ baseUrl }),
        refresh: { attempts: 1 }
      }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, below)))
    )
    const client = yield* Effect.provide(SpotnanaHttpClient.SpotnanaHttpClient, context)
    return follower === "above" ? HttpClient.followRedirects(client, 5) : client
  })

const unsafe: ReadonlyArray<HttpMethod.HttpMethod> = ["POST", "PUT", "PATCH", "DELETE"]

describe.each(followers)("a redirect %s", (_, layer, follower) => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const [where, location] of [["elsewhere at home", "/v2/other"], ["to the same URL", "/v2/trips"]] as const) {
      it.live(`invariant 14: no unsafe request is sent twice where a ${status} ${where} ends with 401`, () =>
        Effect.gen(function*() {
          const served: Array<string> = []
          const server = yield* spotnana((request, response) => {
            const line = `${request.method} ${request.url}`
            const isFirst = !served.includes(line)
            served.push(line)
            // Whoever follows to the same URL with the same method would go round in a circle.
            if (request.method !== "GET" && request.url === "/v2/trips" && isFirst) redirect(response, status, location)
            else response.writeHead(401).end()
          })
          const client = yield* clientOn(server.baseUrl, layer, follower)
          for (const method of unsafe) {
            served.length = 0
            const request = HttpClientRequest.make(method)("/v2/trips", { body: HttpBody.text("one trip") })
            const error = yield* Effect.flip(client.execute(request))
            // undici gives up where a redirect leads to a URL that it has requested already.
            expect([method, ["TokenExpired", "RequestError"].includes(error._tag)]).toEqual([method, true])
            // The first one may have done what it is for. What a 307 or 308 makes of it is the same request, which
            // was not done: the client that sees its 401 may send that again.
            const again = served.filter((line) => line === `${method} /v2/trips`).length
            const follows = location === "/v2/trips" && served.every((line) => !line.startsWith("GET"))
            expect([method, served, again <= (follows ? 3 : 1)]).toEqual([method, served, true])
          }
        }).pipe(Effect.scoped))
    }
  }

  it.live("invariant 14: a POST whose redirect ends with 401 fails with the reason why it is not sent again", () =>
    Effect.gen(function*() {
      const server = yield* spotnana((request, response) => {
        if (request.url === "/v2/trips") redirect(response, 303, "/v2/trips/1")
        else response.writeHead(401).end()
      })
      const client = yield* clientOn(server.baseUrl, layer, follower)
      const error = yield* Effect.flip(client.post("/v2/trips"))
      // Above the library each hop is a request of its own: the GET was sent again, and rejected again.
      expect(error._tag === "TokenExpired" && error.reason).toBe(follower === "above" ? "Rejected" : "NotReplayable")
    }).pipe(Effect.scoped))

  it.live("invariant 8: the bearer does not come back from another origin, and stays off from there on", () =>
    Effect.gen(function*() {
      let home = ""
      const arrived: Array<readonly [string | undefined, string | undefined]> = []
      const elsewhere = yield* serve((request, response) => {
        arrived.push([`elsewhere ${request.url}`, request.headers.authorization])
        if (request.url === "/hop") redirect(response, 302, "/hop-at-the-stranger's")
        else redirect(response, 302, `${home}/v2/chosen-by-a-stranger`)
      })
      const server = yield* spotnana((request, response) => {
        arrived.push([request.url, request.headers.authorization])
        if (request.url === "/v2/start") redirect(response, 302, `${elsewhere}/hop`)
        else if (request.url === "/v2/chosen-by-a-stranger") redirect(response, 302, "/v2/next")
        else response.end()
      })
      home = server.baseUrl
      const client = yield* clientOn(server.baseUrl, layer, follower)
      expect((yield* client.get("/v2/start")).status).toBe(200)
      expect(arrived).toEqual([
        ["/v2/start", "Bearer token-0"],
        ["elsewhere /hop", undefined],
        ["elsewhere /hop-at-the-stranger's", undefined],
        ["/v2/chosen-by-a-stranger", undefined],
        ["/v2/next", undefined]
      ])
      expect((yield* client.get("/v2/ok")).status).toBe(200)
      expect(arrived.at(-1)).toEqual(["/v2/ok", "Bearer token-0"])
    }).pipe(Effect.scoped))

  it.live("invariant 8: at home the bearer goes along, and the connections of the redirects are free again", () =>
    Effect.gen(function*() {
      const arrived: Array<readonly [string | undefined, string | undefined]> = []
      const open = new Set<unknown>()
      const server = yield* spotnana((request, response) => {
        arrived.push([request.url, request.headers.authorization])
        if (!open.has(request.socket)) request.socket.on("close", () => open.delete(request.socket))
        open.add(request.socket)
        if (request.url === "/v2/start") response.writeHead(302, { location: "/v2/next" }).end("moved ".repeat(1000))
        else response.end("done")
      })
      const client = yield* clientOn(server.baseUrl, layer, follower)
      for (let n = 0; n < 20; n++) {
        expect(yield* Effect.flatMap(client.get("/v2/start"), (response) => response.text)).toBe("done")
      }
      expect(arrived.slice(0, 2)).toEqual([["/v2/start", "Bearer token-0"], ["/v2/next", "Bearer token-0"]])
      // The last ones may be about to be closed.
      expect(open.size).toBeLessThanOrEqual(5)
    }).pipe(Effect.scoped))

  it.live("invariant 8: the secret is not taken along a redirect of the token endpoint", () =>
    Effect.gen(function*() {
      const arrived: Array<string | undefined> = []
      const elsewhere = yield* serve((request, response) => {
        arrived.push(request.url)
        response.end()
      })
      const home = yield* serve((_, response) => redirect(response, 307, `${elsewhere}/token`))
      const client = yield* clientOn(home, layer, follower)
      const error = yield* Effect.flip(client.get("/v2/companies"))
      expect(["MalformedTokenResponse", "TokenEndpointUnavailable"]).toContain(error._tag)
      expect(arrived).toEqual([])
    }).pipe(Effect.scoped))

  it.live("invariant 7: a 401 to a request that lost its bearer at another origin says nothing about the token", () =>
    Effect.gen(function*() {
      let home = ""
      const elsewhere = yield* serve((_, response) => redirect(response, 302, `${home}/v2/private`))
      const server = yield* spotnana((request, response) => {
        if (request.url === "/v2/start") redirect(response, 302, `${elsewhere}/hop`)
        else response.writeHead(request.headers.authorization === undefined ? 401 : 200).end()
      })
      home = server.baseUrl
      const client = yield* clientOn(server.baseUrl, layer, follower)
      for (let n = 0; n < 3; n++) yield* Effect.exit(client.get("/v2/start"))
      expect((yield* client.get("/v2/ok")).status).toBe(200)
      expect(server.tokenRequests()).toBe(1)
    }).pipe(Effect.scoped))
})

describe.each(platforms)("with %s", (_, platform) => {
  it.live("invariant 7: a GET that is redirected at home is recovered after a revocation", () =>
    Effect.gen(function*() {
      let dead = ""
      const server = yield* spotnana((request, response) => {
        if (request.url === "/v2/old") redirect(response, 301, "/v2/new")
        else response.writeHead(request.headers.authorization === dead ? 401 : 200).end()
      })
      const client = yield* clientOn(server.baseUrl, platform, "below")
      expect((yield* client.get("/v2/old")).status).toBe(200)
      dead = "Bearer token-0"
      // Nothing tells a redirect at home from one that led away where the platform follows: five in a row do.
      const exits = []
      for (let n = 0; n < 6; n++) exits.push(yield* Effect.exit(client.get("/v2/old")))
      expect(exits.at(-1)?._tag).toBe("Success")
      expect(server.tokenRequests()).toBe(2)
    }).pipe(Effect.scoped))
})

const untraced = HttpClient.withTracerDisabledWhen(() => true)
const disabled = HttpClient.transformResponse(Effect.withTracerEnabled(false))
const ownInit = HttpClient.transformResponse(
  Effect.provideService(FetchHttpClient.RequestInit, { credentials: "omit", redirect: "follow" })
)
const ownUndici = HttpClient.transformResponse(
  Effect.provideService(NodeHttpClient.UndiciRequestOptions, { path: "", method: "GET" })
)
const follow = HttpClient.followRedirects(5)

/** Clients that have something of their own where the library looks at each request, and whether they can be used. */
const headstrong: ReadonlyArray<
  readonly [string, (client: HttpClient.HttpClient) => HttpClient.HttpClient, "usable" | "refused"]
> = [
  ["untraced", (client) => untraced(client), "usable"],
  ["untraced, with redirects", (client) => untraced(follow(client)), "usable"],
  ["untraced inside of redirects", (client) => follow(untraced(client)), "refused"],
  ["with tracing disabled", (client) => disabled(client), "usable"],
  ["with tracing disabled, with redirects", (client) => disabled(follow(client)), "usable"],
  ["with tracing disabled inside of redirects", (client) => follow(disabled(client)), "refused"],
  ["with options of its own", (client) => ownUndici(ownInit(client)), "usable"],
  ["with options of its own, with redirects", (client) => ownUndici(ownInit(follow(client))), "usable"]
]

describe.each(platforms)("with %s", (_, platform) => {
  describe.each(headstrong)("a client %s", (_, change, use) => {
    const clients = (baseUrl: string) =>
      Effect.gen(function*() {
        const plain = Context.get(yield* Layer.build(platform), HttpClient.HttpClient)
        const layerOn = (client: HttpClient.HttpClient) =>
          SpotnanaHttpClient.layer({
            clientId,
            clientSecret,
            environment: Environment.makeUnsafe({ baseUrl }),
            refresh: { attempts: 1 }
          }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
        const provider = Context.get(yield* Layer.build(layerOn(plain)), TokenProvider.TokenProvider)
        return {
          /** The client that requests its tokens too. */
          whole: Context.get(yield* Layer.build(layerOn(change(plain))), SpotnanaHttpClient.SpotnanaHttpClient),
          /** The client with a token that another one requested. */
          api: SpotnanaHttpClient.authenticate(provider)(change(plain))
        }
      })

    it.live("invariant 8: takes no secret along a redirect of the token endpoint", () =>
      Effect.gen(function*() {
        const arrived: Array<string> = []
        const elsewhere = yield* serve((request, response, body) => {
          arrived.push(`${request.headers.authorization} ${body}`)
          response.end()
        })
        const home = yield* serve((_, response) => redirect(response, 307, `${elsewhere}/token`))
        const { whole } = yield* clients(home)
        const error = yield* Effect.flip(whole.get("/v2/companies"))
        expect(["MalformedTokenResponse", "TokenEndpointUnavailable"]).toContain(error._tag)
        expect(arrived).toEqual([])
      }).pipe(Effect.scoped))

    it.live("invariant 8: takes no bearer along a redirect of the API", () =>
      Effect.gen(function*() {
        const arrived: Array<string | undefined> = []
        const elsewhere = yield* serve((request, response) => {
          arrived.push(request.headers.authorization)
          response.end()
        })
        const server = yield* spotnana((_, response) => redirect(response, 302, `${elsewhere}/hop`))
        const { api } = yield* clients(server.baseUrl)
        yield* Effect.exit(api.get("/v2/companies"))
        expect(arrived.filter((authorization) => authorization !== undefined)).toEqual([])
      }).pipe(Effect.scoped))

    it.live(`is ${use} where nothing is redirected`, () =>
      Effect.gen(function*() {
        const arrived: Array<string | undefined> = []
        const server = yield* spotnana((request, response) => {
          arrived.push(request.headers.authorization)
          response.end()
        })
        const { api, whole } = yield* clients(server.baseUrl)
        if (use === "usable") {
          expect((yield* whole.get("/v2/companies")).status).toBe(200)
          expect((yield* api.get("/v2/companies")).status).toBe(200)
          expect(arrived).toEqual(["Bearer token-0", "Bearer token-1"])
        } else {
          const errors = [yield* Effect.flip(whole.get("/v2/companies")), yield* Effect.flip(api.get("/v2/companies"))]
          expect(errors.map(({ _tag }) => _tag)).toEqual(["TokenEndpointUnavailable", "RequestError"])
          for (const { message } of errors) expect(message).toContain("Nothing was sent: the HTTP client keeps")
          expect(arrived).toEqual([])
        }
      }).pipe(Effect.scoped))
  })
})

it.live("invariant 8: options inside of redirects that let fetch follow are refused, and nothing is sent", () =>
  Effect.gen(function*() {
    const arrived: Array<string | undefined> = []
    const home = yield* serve((request, response) => {
      arrived.push(request.url)
      redirect(response, 307, "/elsewhere")
    })
    const fetching = Context.get(yield* Layer.build(FetchHttpClient.layer), HttpClient.HttpClient)
    const client = yield* clientOn(home, Layer.succeed(HttpClient.HttpClient, ownInit(fetching)), "below")
    const error = yield* Effect.flip(client.get("/v2/companies"))
    expect(error.message).toContain("Nothing was sent: the HTTP client keeps")
    expect(arrived).toEqual([])
  }).pipe(Effect.scoped))

describe("an answer that the client makes itself, without sending the request", () => {
  const answering = (status: number, headers: Record<string, string>) =>
    Effect.gen(function*() {
      const arrived: Array<string | undefined> = []
      const server = yield* spotnana((request, response) => {
        arrived.push(request.url)
        response.end()
      })
      const fetching = Context.get(yield* Layer.build(FetchHttpClient.layer), HttpClient.HttpClient)
      const own = HttpClient.transform(fetching, (sending, request) =>
        request.url.endsWith("/own")
          ? Effect.succeed(HttpClientResponse.fromWeb(
            request,
            new Response(status === 304 ? null : "its own", { status, headers })
          ))
          : sending)
      const client = yield* clientOn(server.baseUrl, Layer.succeed(HttpClient.HttpClient, own), "platform")
      return { arrived, client }
    })

  it.live.each([200, 304, 403, 404, 429, 503])(
    "is returned, and shows no token: %d",
    (status) =>
      Effect.gen(function*() {
        const { arrived, client } = yield* answering(status, {})
        const response = yield* client.get("/own")
        expect(response.status).toBe(status)
        if (status !== 304) expect(yield* response.text).toBe("its own")
        expect(response.request.headers.authorization).toBe(undefined)
        expect(arrived).toEqual([])
      }).pipe(Effect.scoped)
  )

  it.live.each([401, 302])(
    "is refused if a request without its token would get it: %d",
    (status) =>
      Effect.gen(function*() {
        const { arrived, client } = yield* answering(status, { location: "/login" })
        const error = yield* Effect.flip(client.get("/own"))
        expect(error.message).toContain("Nothing was sent: the HTTP client keeps")
        expect(arrived).toEqual([])
      }).pipe(Effect.scoped)
  )
})
