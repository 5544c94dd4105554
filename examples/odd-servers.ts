// Servers that do not keep to the book, and the few lines that each of them takes: those of docs/odd-servers.md.
//
//   npx pnpm@10 exec node examples/odd-servers.ts
//
// No variable is needed: the servers run in the same process, on loopback ports.
//
// It prints
//
//   JSON and 403: 200, 200; token requests: 2
//   Basic as it is: 200, 200; token requests: 2
//   Sidecar and 200: 200, 200; token requests: 2
import { Credentials, Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Redacted, References } from "effect"
import { FetchHttpClient } from "effect/http"
import {
  authenticatedByBody,
  BasicTokenEndpoint,
  clientOf,
  environmentAt,
  JsonTokenEndpoint,
  SidecarTokenEndpoint
} from "./odd-servers/clients.ts"
import { serve } from "./odd-servers/server.ts"
import type { OddServer } from "./odd-servers/server.ts"

const clientId = "acme"
const clientSecret = "a+b/c%d:e"

// Two calls. Before the second one the token is revoked: the library notices, replaces it, and calls again.
const callTwice = (
  title: string,
  { revoke, tokenRequests }: OddServer,
  client: SpotnanaHttpClient.SpotnanaHttpClient["Service"]
) =>
  Effect.gen(function*() {
    const first = yield* client.get("/v2/companies")
    revoke()
    const second = yield* client.get("/v2/companies")
    yield* Console.log(`${title}: ${first.status}, ${second.status}; token requests: ${tokenRequests()}`)
  })

// It wants JSON, has names of its own, says 0 for "without an end", and answers 403 to a dead token.
const acme = Effect.gen(function*() {
  const server = yield* serve({
    login: ({ body }, token) =>
      body === JSON.stringify({ id: clientId, secret: clientSecret })
        ? { status: 200, body: { token, ttl: 0 } }
        : { status: 401, body: { error: "invalid_client" } },
    dead: { status: 403, headers: { "x-error": "Bad_OAuth_Token" } }
  })
  const program = SpotnanaHttpClient.SpotnanaHttpClient.use((client) => callTwice("JSON and 403", server, client))
  yield* Effect.provide(program, clientOf(JsonTokenEndpoint(environmentAt(server.baseUrl))))
})

// It does not decode what HTTP Basic holds, and has a word of its own for the type of its tokens.
const globex = Effect.gen(function*() {
  const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`
  const server = yield* serve({
    login: ({ authorization }, token) =>
      authorization === basic
        ? { status: 200, body: { access_token: token, token_type: "BearerToken", expires_in: "3600" } }
        : { status: 401, body: { error: "invalid_client" } },
    dead: { status: 401 }
  })
  const environment = Environment.makeUnsafe({ baseUrl: server.baseUrl, tokenUrl: "/login" })
  const program = SpotnanaHttpClient.SpotnanaHttpClient.use((client) => callTwice("Basic as it is", server, client))
  yield* Effect.provide(program, clientOf(BasicTokenEndpoint(environment)))
})

// A sidecar gives the token, and the API answers 200 whatever happens.
const initech = Effect.gen(function*() {
  const server = yield* serve({
    login: (_, token) => ({ status: 200, body: token }),
    dead: { status: 200, body: { code: "INVALID_TOKEN" } }
  })
  const readToken = Effect.tryPromise(async () => String(await (await fetch(`${server.baseUrl}/login`)).json()))
  const environment = Environment.makeUnsafe({ baseUrl: server.baseUrl })
  const program = Effect.flatMap(authenticatedByBody, (client) => callTwice("Sidecar and 200", server, client))
  yield* Effect.provide(program, clientOf(SidecarTokenEndpoint(environment, readToken)))
})

Effect.all([acme, globex, initech], { discard: true }).pipe(
  Effect.scoped,
  Effect.provide(Layer.merge(
    Credentials.layer({ clientId, clientSecret: Redacted.make(clientSecret) }),
    FetchHttpClient.layer
  )),
  // The rejections are meant, and counted above.
  Effect.provideService(References.MinimumLogLevel, "None"),
  NodeRuntime.runMain
)
