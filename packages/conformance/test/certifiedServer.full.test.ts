import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, Schedule } from "effect"
import { FetchHttpClient } from "effect/http"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import Provider from "oidc-provider"

const clientId = "client"
const clientSecret = Redacted.make("a-secret")

/** A certified OAuth server, and an API that accepts its tokens while they live by its clock, in whole seconds. */
const certified = (lifetime: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer((request, response) => {
        if (request.url?.startsWith("/token") === true) return void callback(request, response)
        const bearer = request.headers.authorization?.replace(/^Bearer /, "") ?? ""
        void provider.ClientCredentials.find(bearer).then((token) => {
          const isLive = token !== undefined && !token.isExpired
          response.writeHead(isLive ? 200 : 401).end()
        })
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const provider = new Provider(url, {
        clients: [{
          client_id: clientId,
          client_secret: Redacted.value(clientSecret),
          grant_types: ["client_credentials"],
          redirect_uris: [],
          response_types: [],
          token_endpoint_auth_method: "client_secret_post"
        }],
        features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
        ttl: { ClientCredentials: lifetime }
      })
      const callback = provider.callback()
      return { server, url }
    }),
    ({ server }) =>
      Effect.promise(() => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      })
  )

describe.concurrent("a certified OAuth server (oidc-provider), whose tokens live up to a second less than it says", () => {
  for (const lifetime of [3, 1]) {
    it.live(`invariant 3: no call of 20 s fails, one each 25 ms, with tokens of ${lifetime} s`, () =>
      Effect.gen(function*() {
        const { url } = yield* certified(lifetime)
        const layer = SpotnanaHttpClient.layer({
          clientId,
          clientSecret,
          environment: Environment.makeUnsafe({ baseUrl: url, tokenUrl: `${url}/token` })
        })
        const exits = yield* Effect.gen(function*() {
          const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
          const exits: Array<Exit.Exit<number, unknown>> = []
          const call = Effect.map(client.get("/v2/ok"), ({ status }) => status)
          yield* Effect.repeat(Effect.map(Effect.exit(call), (exit) => exits.push(exit)), {
            schedule: Schedule.spaced("25 millis"),
            times: 799
          })
          return exits
        }).pipe(Effect.provide(Layer.provide(layer, FetchHttpClient.layer)))
        expect(exits.length).toBe(800)
        expect(exits.filter((exit) => !(Exit.isSuccess(exit) && exit.value === 200))).toEqual([])
      }).pipe(Effect.scoped))
  }
})
