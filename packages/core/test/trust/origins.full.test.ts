import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Context, Effect, Exit, Layer, Redacted, Result, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpServerResponse } from "effect/http"
import { makeAudit } from "../support/audit.ts"
import { reportFigure, reportSearches, reportTable } from "../support/figures.ts"
import { clientId, clientSecret } from "../support/harness.ts"
import { serve } from "./origins/servers.ts"

const platforms = [
  ["FetchHttpClient", FetchHttpClient.layer],
  ["NodeHttpClient (undici)", NodeHttpClient.layerUndici],
  ["NodeHttpClient (node:http)", NodeHttpClient.layerNodeHttp]
] as const

/** What an application may put around a client, and `fetch` does by itself. */
const combinators: Readonly<Record<string, (client: HttpClient.HttpClient) => HttpClient.HttpClient>> = {
  plain: (client) => client,
  both: (client) => client.pipe(HttpClient.followRedirects(5), HttpClient.retryTransient({ times: 1 })),
  followRedirects: HttpClient.followRedirects(5),
  retryTransient: HttpClient.retryTransient({ times: 1 })
}

const statuses = [300, 301, 302, 303, 305, 307, 308]

interface Address {
  readonly scheme: "http" | "https"
  readonly port: number
}

/** Where a redirect may point, with the addresses of the API and of somebody else. */
const locations: ReadonlyArray<readonly [string, (home: Address, other: Address) => string]> = [
  ["another port", (_, { port, scheme }) => `${scheme}://127.0.0.1:${port}/x`],
  ["another host", (_, { port, scheme }) => `${scheme}://localhost:${port}/x`],
  ["protocol-relative", (_, { port }) => `//127.0.0.1:${port}/x`],
  ["user-info", (_, { port, scheme }) => `${scheme}://api@127.0.0.1:${port}/x`],
  ["the API as user-info", (home, { port, scheme }) => `${scheme}://127.0.0.1:${home.port}@127.0.0.1:${port}/x`],
  ["upper case", (_, { port, scheme }) => `${scheme.toUpperCase()}://LOCALHOST:${port}/x`],
  [
    "an international name",
    (_, { port, scheme }) => `${scheme}://${encodeURIComponent("ＬｏｃａｌＨｏｓｔ")}:${port}/x`
  ],
  ["a trailing dot", (_, { port, scheme }) => `${scheme}://localhost.:${port}/x`],
  ["backslashes", (_, { port }) => `\\\\127.0.0.1:${port}\\x`],
  ["slash and backslash", (_, { port }) => `/\\127.0.0.1:${port}/x`],
  ["a backslash before @", (home, { port, scheme }) => `${scheme}://127.0.0.1:${port}\\@127.0.0.1:${home.port}/x`],
  ["a fragment before @", (home, { port, scheme }) => `${scheme}://127.0.0.1:${port}#@127.0.0.1:${home.port}/x`],
  ["hexadecimal address", (_, { port, scheme }) => `${scheme}://0x7f.1:${port}/x`],
  ["white space", (_, { port, scheme }) => `  ${scheme}://127.0.0.1:${port}/x`],
  ["the other scheme", ({ port, scheme }) => `${scheme === "http" ? "https" : "http"}://127.0.0.1:${port}/x`],
  ["by way of the same origin", () => "/to-the-other"],
  ["there and back", (_, { port, scheme }) => `${scheme}://127.0.0.1:${port}/and-back`],
  ["itself", () => "/v2/auth/oauth2-token"],
  ["a relative path", () => "elsewhere"],
  ["nothing", () => ""],
  ["no URL", () => "http://"]
]

/** Between which schemes a redirect leads: from the API's to somebody else's. */
const transports = [["http", "http"], ["https", "https"], ["https", "http"]] as const

type Scenario = readonly [status: number, name: string, location: (home: Address, other: Address) => string]

/** Each status with each place. */
const all: ReadonlyArray<Scenario> = statuses.flatMap((status) =>
  locations.map(([name, location]): Scenario => [status, name, location])
)

/** Each place once, with the statuses in turn from this one on. */
const each = (first: number): ReadonlyArray<Scenario> =>
  locations.map(([name, location], index) => [statuses[(first + index) % statuses.length]!, name, location])

/**
 * With which combinators which redirects are tried. A client sees the status and the place of a redirect in the same way
 * with TLS and without, and "both" does what each of the two does alone: there, each status and each place is enough.
 */
const trials = (from: string): ReadonlyArray<readonly [string, ReadonlyArray<Scenario>]> =>
  from === "http"
    ? [["plain", all], ["both", all], ["followRedirects", each(0)], ["retryTransient", each(1)]]
    : [["plain", each(2)], ["both", each(3)]]

const secret = Redacted.value(clientSecret)

describe.each(platforms)("redirects, with %s", (platformName, platform) => {
  const places = [["the token endpoint", true], ["the API", false]] as const
  for (
    const [where, isTokenEndpoint, from, to] of places.flatMap(([where, isTokenEndpoint]) =>
      transports.map(([from, to]) => [where, isTokenEndpoint, from, to] as const)
    )
  ) {
    it.live(`invariant 8: of ${where} take neither secret nor bearer to another origin, from ${from} to ${to}`, (context) =>
      Effect.gen(function*() {
        const home = yield* serve(from)
        const other = yield* serve(to)
        const client = yield* HttpClient.HttpClient
        const environment = Environment.makeUnsafe({ baseUrl: `${from}://127.0.0.1:${home.port}` })
        const audit = makeAudit()
        const rows: Array<ReadonlyArray<string>> = []
        let serial = 0
        let scenarios = 0
        for (const [combination, tried] of trials(from)) {
          // The same client inside, where token requests are made with it, and outside, around the authenticated one.
          // What is followed inside is never seen outside, so that one combinator is outside only.
          const combine = combinators[combination]!
          const inside = isTokenEndpoint || combination !== "followRedirects" ? combine(client) : client
          let strayed = 0
          for (const [status, name, location] of tried) {
            scenarios += 1
            home.ledger.length = 0
            other.ledger.length = 0
            const token = `t0k3n-${++serial}`
            const redirect = { location: location(home, other) }
            home.handle = ({ method, url }, response) => {
              if (url === "/to-the-other") {
                return response.writeHead(status, { location: `${to}://127.0.0.1:${other.port}/x` }).end()
              }
              if ((method === "POST") === isTokenEndpoint && url !== "/home-again") {
                return response.writeHead(status, redirect).end()
              }
              return response.writeHead(200, { "content-type": "application/json" })
                .end(JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: 3600 }))
            }
            other.handle = ({ url }, response) => {
              if (url === "/and-back") {
                return response.writeHead(status, { location: `${from}://127.0.0.1:${home.port}/home-again` }).end()
              }
              return response.writeHead(200, { "content-type": "application/json" })
                .end(JSON.stringify({ access_token: "of-another", token_type: "Bearer", expires_in: 3600 }))
            }
            const exit = yield* Effect.gen(function*() {
              const provider = yield* TokenProvider.TokenProvider
              const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
              if (isTokenEndpoint) return yield* provider.get
              const outside = (combine as unknown as (client: typeof spotnana) => typeof spotnana)(spotnana)
              yield* Effect.exit(spotnana.get("/v2/companies"))
              return yield* outside.get("/v2/companies")
            }).pipe(
              Effect.provide(
                SpotnanaHttpClient.layer({ clientId, clientSecret, environment, refresh: { attempts: 1 } }).pipe(
                  Layer.provide(Layer.succeed(HttpClient.HttpClient, inside))
                )
              ),
              audit.run,
              Effect.exit
            )
            if (Exit.isFailure(exit)) audit.add(exit)
            strayed += other.ledger.length
            const at = `${combination} ${status} ${name}`
            const leaked = other.ledger.filter((text) =>
              text.includes(secret) || text.includes(encodeURIComponent(secret)) || text.includes(token) ||
              /bearer|client_secret/i.test(text)
            )
            expect([at, leaked]).toEqual([at, []])
            // It was tried: what should arrive at home has arrived, and the secret nowhere but at its place.
            const tokenRequests = home.ledger.filter((text) => text.includes("client_secret"))
            expect([at, tokenRequests.length >= 1]).toEqual([at, true])
            expect([at, tokenRequests.filter((text) => !text.startsWith("POST /v2/auth/oauth2-token"))]).toEqual([
              at,
              []
            ])
            // To the token URL itself a client may go again: the secret is meant for it.
            if (isTokenEndpoint) expect([at, Exit.isFailure(exit) || name === "itself"]).toEqual([at, true])
            else expect([at, home.ledger.some((text) => text.includes(`Bearer ${token}`))]).toEqual([at, true])
            expect([at, home.ledger.length <= 200]).toEqual([at, true])
          }
          rows.push([
            where,
            platformName,
            combination,
            String(tried.length),
            String(strayed),
            "0"
          ])
        }
        // What every token begins with is found where any of them is.
        expect(audit.search([secret, "t0k3n-"])).toEqual([])
        reportTable(context, {
          title: `Redirects of ${where}, ${from} to ${to}, ${platformName}`,
          columns: ["of", "client", "with", "scenarios", "requests at the other server", "with secret or bearer"],
          rows
        })
        reportFigure(context, {
          of: `redirects of ${where}`,
          figure: String(scenarios),
          claim: "neither secret nor bearer reached the other server"
        })
        reportSearches(context, audit.searches())
      }).pipe(Effect.scoped, Effect.provide(platform)))
  }
})

/** A network that notes which origin is contacted with which Authorization. */
const recorder = () => {
  const sent: Array<{ readonly url: URL; readonly authorization: string | undefined; readonly body: string }> = []
  const client = HttpClient.make((request, url) => {
    const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
    sent.push({ url, authorization: request.headers.authorization, body })
    return Effect.succeed(HttpServerResponse.toClientResponse(
      HttpServerResponse.jsonUnsafe({ access_token: "t0k3n", token_type: "Bearer", expires_in: 3600 }),
      { request }
    ))
  })
  return { sent, client }
}

describe("URLs from outside", () => {
  const pieces = [
    "https://api.spotnana.com",
    "https://API.SPOTNANA.COM",
    "https://api.spotnana.com:443",
    "http://api.spotnana.com",
    "https://api.spotnana.com.",
    "https://api.spotnana.com:8443",
    "https://evil.example",
    "api.spotnana.com",
    "evil.example",
    "https:",
    "http:",
    "HTTPS:",
    "//",
    "/",
    "\\\\",
    "\\",
    "@",
    ":",
    "#",
    "?",
    ".",
    "..",
    "%2f",
    "%40",
    "%5c",
    "%00",
    " ",
    "\t",
    "\n",
    "\r\n",
    "v2/companies",
    "ａpi.spotnana.com",
    "xn--pi-7ia.spotnana.com",
    "аpi.spotnana.com",
    ":443",
    ":80",
    "user:pass",
    "[::1]",
    "127.0.0.1",
    "data:text/plain,",
    "blob:",
    "file:///etc/passwd",
    "javascript:",
    "ftp://",
    "\u0000",
    "\u2028",
    "。",
    "／",
    "＠"
  ] as const

  const url = Arbitrary.map(
    Arbitrary.array(Arbitrary.schema(Schema.Literals(pieces)), { minLength: 1, maxLength: 7 }),
    (parts) => parts.join("")
  )

  it.effect("invariant 8: whatever the URL, the bearer is sent to the configured origin and to no other", (context) =>
    Effect.gen(function*() {
      const { client, sent } = recorder()
      const services = yield* Layer.build(
        Layer.provide(
          SpotnanaHttpClient.layer({ clientId, clientSecret }),
          Layer.succeed(HttpClient.HttpClient, client)
        )
      )
      const authenticated = Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
      yield* authenticated.get("/warm")
      let home = 0
      let elsewhere = 0
      const result = yield* Arbitrary.checkEffect(
        url,
        (url) =>
          Effect.gen(function*() {
            sent.length = 0
            const ways = [
              authenticated.get(url),
              authenticated.execute(HttpClientRequest.setUrl(HttpClientRequest.get("/"), url)),
              HttpClient.mapRequest(authenticated, HttpClientRequest.prependUrl(url)).get("/v2/companies"),
              HttpClient.mapRequest(authenticated, HttpClientRequest.appendUrl(url)).get("https://api.spotnana.com")
            ]
            for (const way of ways) yield* Effect.exit(way)
            return sent.every(({ authorization, url }) => {
              const isHome = url.origin === Environment.production.origin
              if (isHome) home += 1
              else elsewhere += 1
              return isHome ? authorization === "Bearer t0k3n" : authorization === undefined
            })
          }),
        { runs: 5_000, seed: 1, size: 100 }
      )
      expect(Arbitrary.formatCheckFailure(result)).toBe(undefined)
      // Both happened, and often.
      expect([home > 1_000, elsewhere > 1_000]).toEqual([true, true])
      reportFigure(context, {
        of: "URLs from outside",
        figure: `${home + elsewhere}`,
        claim: `${elsewhere} led to another origin, without the bearer; ${home} to the API, with the bearer`
      })
    }))

  it.effect("invariant 8: an environment made from any of them is HTTPS or loopback, and sends the secret to itself", () =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(url, (url) => {
        const made = Environment.make({ baseUrl: url })
        if (Result.isFailure(made)) return true
        const { origin, tokenUrl } = made.success
        const asked = new URL(url)
        return new URL(tokenUrl).origin === origin && asked.origin === origin && asked.username === "" &&
          (asked.protocol === "https:" || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(asked.hostname))
      }, { runs: 5_000, seed: 1, size: 100 })
      expect(Arbitrary.formatCheckFailure(result)).toBe(undefined)
    }))

  it.effect("invariant 8: from HTTPS to HTTP on the same host is to another origin", () =>
    Effect.gen(function*() {
      const sent: Array<readonly [string, string | undefined]> = []
      const network = HttpClient.make((request, { href, pathname }) => {
        sent.push([href, request.headers.authorization])
        const response = pathname === "/v2/companies"
          ? HttpServerResponse.empty({ status: 307, headers: { location: "http://api.spotnana.com/plain" } })
          : HttpServerResponse.jsonUnsafe({ access_token: "t0k3n", token_type: "Bearer" })
        return Effect.succeed(HttpServerResponse.toClientResponse(response, { request }))
      })
      yield* Effect.gen(function*() {
        const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
        yield* HttpClient.followRedirects(spotnana).get("/v2/companies")
      }).pipe(
        Effect.provide(SpotnanaHttpClient.layer({ clientId, clientSecret })),
        Effect.provideService(HttpClient.HttpClient, network)
      )
      expect(sent).toEqual([
        ["https://api.spotnana.com/v2/auth/oauth2-token", undefined],
        ["https://api.spotnana.com/v2/companies", "Bearer t0k3n"],
        ["http://api.spotnana.com/plain", undefined]
      ])
    }))

  it.effect("invariant 8: a client that rewrites URLs cannot take the secret elsewhere", () =>
    Effect.gen(function*() {
      const { client, sent } = recorder()
      const error = yield* Effect.flatMap(TokenProvider.TokenProvider, (provider) => Effect.flip(provider.get)).pipe(
        Effect.provide(SpotnanaHttpClient.layer({ clientId, clientSecret, refresh: { attempts: 1 } })),
        Effect.provideService(
          HttpClient.HttpClient,
          HttpClient.mapRequest(client, HttpClientRequest.setUrl("https://evil.example/token?key=s"))
        )
      )
      expect(sent).toEqual([])
      expect(error).toMatchObject({ _tag: "TokenEndpointUnavailable", reason: "Transport" })
      expect(error.message).toContain("tried to send the token request to https://evil.example, not to ")
    }))
})
