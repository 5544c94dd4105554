import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { HttpClient } from "effect/http"
import { clientId, clientSecret } from "./support/harness.ts"
import { platformClients } from "./support/sockets.ts"
import { serve } from "./trust/origins/servers.ts"
import type { Server } from "./trust/origins/servers.ts"

const originOf = ({ port, scheme }: Server) => `${scheme}://127.0.0.1:${port}`

/** The requests that came to the server, each with its bearer. */
const received = ({ ledger }: Server) =>
  ledger.map((text) => `${text.split("\n")[0]} ${/^Bearer .*$/m.exec(text)?.[0] ?? "without a bearer"}`)

/** An API at two origins that takes the tokens which are not dead, somebody else's server, and the library. */
const world = Effect.gen(function*() {
  const [api, reports, other] = yield* Effect.all([serve("http"), serve("http"), serve("http")])
  const state = { tokens: 0, dead: 0 }
  for (const server of [api, reports, other]) {
    server.handle = ({ headers, url }, response) => {
      if (url === "/v2/auth/oauth2-token") {
        const body = { access_token: `token-${state.tokens++}`, token_type: "Bearer", expires_in: 3600 }
        return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
      }
      const [, target] = /^\/to\/(.*)$/.exec(url ?? "") ?? []
      if (target !== undefined) return response.writeHead(307, { location: decodeURIComponent(target) }).end()
      const number = Number(/^Bearer token-(\d+)$/.exec(headers.authorization ?? "")?.[1] ?? -1)
      return response.writeHead(number >= state.dead ? 200 : 401).end()
    }
  }
  const environment = Environment.makeUnsafe({ baseUrl: originOf(api), origins: [originOf(reports)] })
  const services = yield* Layer.build(SpotnanaHttpClient.layer({ clientId, clientSecret, environment }))
  const client = Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
  const provider = Context.get(services, TokenProvider.TokenProvider)
  yield* provider.get
  for (const { ledger } of [api, reports, other]) ledger.length = 0
  return { api, reports, other, state, client }
})

describe.each(platformClients)("invariant 8: an environment of two origins, with %s", (name, platform) => {
  it.live("sends one token to both, and to no other", () =>
    Effect.gen(function*() {
      const { api, client, other, reports, state } = yield* world
      const statuses = []
      for (const url of ["/relative", `${originOf(api)}/absolute`, `${originOf(reports)}/reports?a=b`]) {
        statuses.push((yield* client.get(url)).status)
      }
      expect(statuses).toEqual([200, 200, 200])
      expect((yield* client.get(`${originOf(other)}/x`)).status).toBe(401)
      expect(received(api)).toEqual(["GET /relative Bearer token-0", "GET /absolute Bearer token-0"])
      expect(received(reports)).toEqual(["GET /reports?a=b Bearer token-0"])
      expect(received(other)).toEqual(["GET /x without a bearer"])
      expect(state.tokens).toBe(1)
    }).pipe(Effect.scoped, Effect.provide(platform)))

  it.live("replaces the token for both when one of them rejects it", () =>
    Effect.gen(function*() {
      const { api, client, reports, state } = yield* world
      state.dead = 1
      expect((yield* client.get(`${originOf(reports)}/x`)).status).toBe(200)
      expect((yield* client.get("/y")).status).toBe(200)
      expect(received(reports)).toEqual(["GET /x Bearer token-0", "GET /x Bearer token-1"])
      expect(received(api)).toEqual(["POST /v2/auth/oauth2-token without a bearer", "GET /y Bearer token-1"])
      expect(state.tokens).toBe(2)
    }).pipe(Effect.scoped, Effect.provide(platform)))

  it.live("follows a redirect from one to the other with the bearer, and to a third without it", () =>
    Effect.gen(function*() {
      const { client, other, reports, state } = yield* world
      const following = HttpClient.followRedirects(
        // The type of the combinator knows the plain client only.
        client as unknown as HttpClient.HttpClient
      )
      const to = (server: Server) =>
        Effect.exit(following.get(`/to/${encodeURIComponent(`${originOf(server)}/landed`)}`))
      yield* to(reports)
      yield* to(other)
      // `fetch` follows redirects by itself, and takes `Authorization` off when the origin is another one.
      expect(received(reports)).toEqual([
        `GET /landed ${name === "FetchHttpClient" ? "without a bearer" : "Bearer token-0"}`
      ])
      expect(received(other)).toEqual(["GET /landed without a bearer"])
      expect(state.tokens).toBe(1)
    }).pipe(Effect.scoped, Effect.provide(platform)))

  it.live("a 401 after a redirect that the platform followed says nothing about the token", () =>
    Effect.gen(function*() {
      const { client, reports, state } = yield* world
      const url = `/to/${encodeURIComponent(`${originOf(reports)}/landed`)}`
      if (name === "FetchHttpClient") {
        const error = yield* Effect.flip(client.get(url))
        expect(error._tag === "TokenExpired" && error.reason).toBe("NotReplayable")
      } else {
        expect((yield* client.get(url)).status).toBe(307)
      }
      expect(state.tokens).toBe(1)
    }).pipe(Effect.scoped, Effect.provide(platform)))
})
