// The guide "Servers that differ from the RFCs", on sockets: its code, and servers that do each of the things it names.
import { Credentials, Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Redacted, References } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { readFileSync } from "node:fs"
import { inspect } from "node:util"
import * as Guide from "./odd-servers/clients.ts"
import { serve } from "./odd-servers/server.ts"
import type { Answer, Oddities, OddServer } from "./odd-servers/server.ts"

const clientId = "acme"
const clientSecret = "a+b/c%d:e f"

const platforms = [
  ["FetchHttpClient", FetchHttpClient.layer],
  ["NodeHttpClient (undici)", NodeHttpClient.layerUndici]
] as const

const CredentialsOfAcme = Credentials.layer({ clientId, clientSecret: Redacted.make(clientSecret) })

const refused: Answer = { status: 401, body: { error: "invalid_client" } }
const unauthorized: Answer = { status: 401 }

const inJson = (answer: (token: string) => Answer): Oddities["login"] => ({ body }, token) =>
  body === JSON.stringify({ id: clientId, secret: clientSecret }) ? answer(token) : refused

const byBasic = (answer: (token: string) => Answer): Oddities["login"] => ({ authorization }, token) =>
  authorization === `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}` ? answer(token) : refused

const byTheBook: Oddities["login"] = (_, token) => ({
  status: 200,
  body: { access_token: token, token_type: "Bearer" }
})

const json = ({ baseUrl }: OddServer) => Guide.clientOf(Guide.JsonTokenEndpoint(Guide.environmentAt(baseUrl)))
const basic = ({ baseUrl }: OddServer) => Guide.clientOf(Guide.BasicTokenEndpoint(Guide.environmentAt(baseUrl)))
const plain = ({ baseUrl }: OddServer) =>
  SpotnanaHttpClient.layerCredentials({ environment: Guide.environmentAt(baseUrl) })

/** What a server is odd in, and the client that the guide has for it. */
const kinds: ReadonlyArray<readonly [string, Oddities, (server: OddServer) => ReturnType<typeof json>]> = [
  [
    "wants JSON, has other names, and says 0 for a token without an end",
    { login: inJson((token) => ({ status: 200, body: { token, ttl: 0 } })), dead: unauthorized },
    json
  ],
  [
    "has other names, and says the lifetime as text",
    { login: inJson((token) => ({ status: 200, body: { token, ttl: "120" } })), dead: unauthorized },
    json
  ],
  [
    "does not decode HTTP Basic, and says BearerToken",
    {
      login: byBasic((token) => ({
        status: 200,
        body: { access_token: token, token_type: "BearerToken", expires_in: 9 }
      })),
      dead: unauthorized
    },
    basic
  ],
  [
    "leaves the type of the token out, and says expires_in as text",
    { login: (_, token) => ({ status: 200, body: { access_token: token, expires_in: "3600" } }), dead: unauthorized },
    plain
  ],
  [
    "answers 403 to a dead token",
    { login: byTheBook, dead: { status: 403, headers: { "x-error": "Bad_OAuth_Token" } } },
    plain
  ]
]

const silently = Effect.provideService(References.MinimumLogLevel, "None")

describe.each(platforms)("with %s", (_, platform) => {
  for (const [what, oddities, layerOf] of kinds) {
    it.live(`a server that ${what}: calls succeed, and a dead token is replaced once`, () =>
      Effect.gen(function*() {
        const server = yield* serve(oddities)
        yield* Effect.gen(function*() {
          const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
          assert.strictEqual((yield* client.get("/v2/companies")).status, 200)
          server.revoke()
          const calls = Array.from({ length: 10 }, () => client.get("/v2/companies"))
          const responses = yield* Effect.all(calls, { concurrency: "unbounded" })
          assert.deepStrictEqual(responses.map(({ status }) => status), Array.from({ length: 10 }, () => 200))
          assert.strictEqual(server.tokenRequests(), 2)
        }).pipe(Effect.provide(layerOf(server)))
      }).pipe(Effect.scoped, silently, Effect.provide([platform, CredentialsOfAcme])))
  }

  it.live("a token without an end has the default lifetime, one with an end its own", () =>
    Effect.gen(function*() {
      for (const [ttl, minutes] of [[0, 60], ["120", 2]] as const) {
        const server = yield* serve({
          login: inJson((token) => ({ status: 200, body: { token, ttl } })),
          dead: unauthorized
        })
        const { expiresAt, issuedAt } = yield* TokenProvider.TokenProvider.use(({ get }) => get).pipe(
          Effect.provide(json(server))
        )
        assert.strictEqual(expiresAt.epochMilliseconds - issuedAt.epochMilliseconds, minutes * 60_000)
      }
    }).pipe(Effect.scoped, silently, Effect.provide([platform, CredentialsOfAcme])))

  for (const status of [200, 400]) {
    it.live(`an API that answers ${status} to a dead token, and says so in the body only`, () =>
      Effect.gen(function*() {
        const dead = { status, body: { code: "INVALID_TOKEN" } }
        const server = yield* serve({ login: byTheBook, dead })
        yield* Effect.gen(function*() {
          const client = yield* Guide.authenticatedByBody
          assert.deepStrictEqual(yield* (yield* client.get("/v2/companies")).json, { companies: 120 })
          server.revoke()
          const response = yield* client.get("/v2/companies")
          assert.strictEqual(response.status, 200)
          assert.deepStrictEqual(yield* response.json, { companies: 120 })
          assert.strictEqual(server.tokenRequests(), 2)
        }).pipe(Effect.provide(plain(server)))
      }).pipe(Effect.scoped, silently, Effect.provide([platform, CredentialsOfAcme])))
  }

  it.live("a plain 403 stays the caller's", () =>
    Effect.gen(function*() {
      const server = yield* serve({ login: byTheBook, dead: { status: 403 } })
      yield* Effect.gen(function*() {
        const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
        yield* client.get("/v2/companies")
        server.revoke()
        assert.strictEqual((yield* client.get("/v2/companies")).status, 403)
        assert.strictEqual(server.tokenRequests(), 1)
      }).pipe(Effect.provide(plain(server)))
    }).pipe(Effect.scoped, silently, Effect.provide([platform, CredentialsOfAcme])))

  it.live("a token that comes without HTTP is used, and its absence is a typed error", () =>
    Effect.gen(function*() {
      const server = yield* serve({ login: byTheBook, dead: unauthorized })
      const environment = Environment.makeUnsafe({ baseUrl: server.baseUrl })
      const outcomeOf = (readToken: Effect.Effect<string, unknown>) =>
        SpotnanaHttpClient.SpotnanaHttpClient.use((client) => client.get("/v2/companies")).pipe(
          Effect.provide(Guide.clientOf(Guide.SidecarTokenEndpoint(environment, readToken))),
          Effect.match({ onFailure: (error) => error._tag, onSuccess: ({ status }) => status })
        )
      assert.strictEqual(yield* outcomeOf(Effect.succeed("token-1")), 200)
      assert.strictEqual(yield* outcomeOf(Effect.fail({ c4n4ry: "c4n4ry" })), "TokenEndpointUnavailable")
      assert.strictEqual(yield* outcomeOf(Effect.succeed("a b")), "TokenEndpointUnavailable")
    }).pipe(Effect.scoped, silently, Effect.provide([platform, CredentialsOfAcme])))

  const endpoints = [["JSON", json], ["HTTP Basic", basic]] as const
  for (const [what, layerOf] of endpoints) {
    it.live(
      `invariant 8: the token request by ${what} is redirected nowhere, whatever the client follows`,
      () =>
        Effect.gen(function*() {
          const other = yield* serve({ login: byTheBook, dead: unauthorized })
          const follows = [(client: HttpClient.HttpClient) => client, HttpClient.followRedirects(5)]
          const cases = follows.flatMap((follow) => [301, 302, 303, 307, 308].map((status) => ({ follow, status })))
          yield* Effect.forEach(cases, ({ follow, status }) =>
            Effect.gen(function*() {
              const server = yield* serve({
                login: () => ({ status, headers: { location: `${other.baseUrl}/login` } }),
                dead: unauthorized
              })
              const client = follow(yield* HttpClient.HttpClient)
              const error = yield* TokenProvider.TokenProvider.use(({ get }) => Effect.flip(get)).pipe(
                Effect.provide(Layer.provide(layerOf(server), Layer.succeed(HttpClient.HttpClient, client)))
              )
              assert.include(["TokenEndpointUnavailable", "MalformedTokenResponse"], error._tag)
            }), { concurrency: "unbounded" })
          assert.strictEqual(other.tokenRequests(), 0)
        }).pipe(Effect.scoped, silently, Effect.provide([platform, CredentialsOfAcme]))
    )

    it.live(
      `invariants 9 and 12: whatever the endpoint answers by ${what}, it is a typed error without the secret`,
      () =>
        Effect.gen(function*() {
          const said = [clientSecret, encodeURIComponent(clientSecret)]
          if (layerOf === basic) said.push(Buffer.from(`${clientId}:${clientSecret}`).toString("base64"))
          const answers: ReadonlyArray<readonly [Answer, string]> = [
            ...said.map((text) =>
              [
                { status: 401, body: { error: "invalid_client", error_description: text } },
                "InvalidCredentials"
              ] as const
            ),
            [{ status: 200, body: { error: "invalid_client" } }, "InvalidCredentials"],
            [{ status: 200, body: {} }, "MalformedTokenResponse"],
            [{ status: 200, body: [] }, "MalformedTokenResponse"],
            [{ status: 200 }, "MalformedTokenResponse"],
            [{ status: 429 }, "TokenEndpointUnavailable"],
            [{ status: 503, body: { token: null } }, "TokenEndpointUnavailable"]
          ]
          yield* Effect.forEach(answers, ([answer, tag]) =>
            Effect.gen(function*() {
              const server = yield* serve({ login: () => answer, dead: unauthorized })
              const exit = yield* TokenProvider.TokenProvider.use(({ get }) => get).pipe(
                Effect.provide(layerOf(server)),
                Effect.exit
              )
              const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : exit
              assert.deepInclude(error, { _tag: tag }, JSON.stringify(answer))
              for (const text of said) assert.notInclude(inspect(exit, { depth: Infinity, showHidden: true }), text)
            }), { concurrency: "unbounded" })
        }).pipe(Effect.scoped, silently, Effect.provide([platform, CredentialsOfAcme]))
    )
  }
})

describe("the guide", () => {
  const guide = readFileSync("docs/odd-servers.md", "utf8")
  const code = readFileSync("examples/odd-servers/clients.ts", "utf8")
  const blocks = [...guide.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text = ""]) => text)
  /** What a block shows, without its imports. */
  const shown = blocks.map((text) => text.replaceAll(/^import [^]*? from ".*"\n/gm, "").trim())

  it("shows the code that is run here", () => {
    const quoted = shown.filter((text) => code.includes(text))
    // The one about `origins` is in packages/core/test/origins.test.ts.
    assert.deepStrictEqual(shown.filter((text) => !quoted.includes(text)).map((text) => text.split("\n")[0]), [
      "const acme = Environment.makeUnsafe({"
    ])
    assert.strictEqual(quoted.length, 6)
  })

  it("has a token endpoint of your own in 15 lines", () => {
    const [endpoint = ""] = shown
    assert.include(endpoint, "TokenEndpoint.makeWith")
    assert.isAtMost(endpoint.split("\n").length, 15)
  })
})
