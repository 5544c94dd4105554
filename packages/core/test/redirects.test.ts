import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { once } from "node:events"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { clientId, clientSecret } from "./support/harness.ts"

/** A server on a socket of its own that answers as the test says, until the scope ends. */
const serve = (handle: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer((request, response) => {
          request.resume()
          request.on("end", () => handle(request, response))
        })
        server.listen(0, "127.0.0.1")
        await once(server, "listening")
        return server
      }),
      (server) =>
        Effect.promise(() => {
          server.closeAllConnections()
          return new Promise((resolve) => server.close(resolve))
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

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

const platforms = [
  ["fetch", FetchHttpClient.layer],
  ["undici", NodeHttpClient.layerUndici],
  ["node:http", NodeHttpClient.layerNodeHttp]
] as const

/** What follows the redirects: the platform, Effect below the library, or Effect above it. */
type Follower = "platform" | "below" | "above"

const followers: ReadonlyArray<readonly [string, Layer.Layer<HttpClient.HttpClient>, Follower]> = [
  ["that fetch follows", FetchHttpClient.layer, "platform"],
  ["that Effect follows below, with undici", NodeHttpClient.layerUndici, "below"],
  ["that Effect follows below, with node:http", NodeHttpClient.layerNodeHttp, "below"],
  ["that Effect follows above, with undici", NodeHttpClient.layerUndici, "above"],
  ["that Effect follows above, with node:http", NodeHttpClient.layerNodeHttp, "above"]
]

const clientOn = (baseUrl: string, layer: Layer.Layer<HttpClient.HttpClient>, follower: Follower) =>
  Effect.gen(function*() {
    const platform = Context.get(yield* Layer.build(layer), HttpClient.HttpClient)
    const below = follower === "below" ? HttpClient.followRedirects(platform, 5) : platform
    const context = yield* Layer.build(
      SpotnanaHttpClient.layer({
        clientId,
        clientSecret,
        environment: Environment.makeUnsafe({ baseUrl })
      }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, below)))
    )
    const client = yield* Effect.provide(SpotnanaHttpClient.SpotnanaHttpClient, context)
    return follower === "above" ? HttpClient.followRedirects(client, 5) : client
  })

describe.each(followers)("a redirect %s", (_, layer, follower) => {
  it.live("invariant 14: a POST whose redirect ends with 401 is not sent again", () =>
    Effect.gen(function*() {
      let booked = 0
      const server = yield* spotnana((request, response) => {
        if (request.method === "POST") {
          booked++
          redirect(response, 303, "/v2/trips/1")
        } else response.writeHead(401).end()
      })
      const client = yield* clientOn(server.baseUrl, layer, follower)
      const error = yield* Effect.flip(client.post("/v2/trips"))
      expect(error._tag).toBe("TokenExpired")
      // Above the library each hop is a request of its own: the GET was sent again, and rejected again.
      expect(error._tag === "TokenExpired" && error.reason).toBe(follower === "above" ? "Rejected" : "NotReplayable")
      expect(booked).toBe(1)
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
