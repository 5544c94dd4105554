import type { Credentials } from "@effect-spotnana/core"
import { Environment, TokenEndpoint } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted, Tracer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"

const clientSecret = Redacted.make("secret-of-the-client")
const credentials: Credentials.ClientCredentials = { clientId: "id", clientSecret }

const environment = Environment.makeUnsafe({ baseUrl: "https://api.example" })

/** A client without a network that answers every request by `answer`, and every request as it was sent. */
const recorder = (answer: (url: URL) => Response) => {
  const sent: Array<string> = []
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      const { body } = request
      const content = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : body._tag
      sent.push(`${request.method} ${url.href} ${JSON.stringify({ ...request.headers })} ${content}`)
      return HttpClientResponse.fromWeb(request, answer(url))
    })
  )
  return { client, sent }
}

const redirected = (url: URL) =>
  url.host === "evil.example"
    ? Response.json({ access_token: "token", expires_in: 3600 })
    : new Response(null, { status: 307, headers: { location: "https://evil.example/token" } })

type Combinator = (client: HttpClient.HttpClient) => HttpClient.HttpClient
const follow: Combinator = HttpClient.followRedirects()
const rewrite: Combinator = HttpClient.mapRequest(HttpClientRequest.setUrl("https://evil.example/token"))
const ownPredicate: Combinator = HttpClient.transformResponse(
  Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
)
const withoutPropagation: Combinator = HttpClient.transformResponse(
  Effect.provideService(Tracer.DisablePropagation, true)
)

const endpoints = {
  "the secret in the body": TokenEndpoint.make({ environment }),
  "HTTP Basic": TokenEndpoint.make({ environment, clientAuthentication: "basic" }),
  "a request of its own": TokenEndpoint.makeWith({
    environment,
    request: ({ clientSecret }) =>
      HttpClientRequest.get(environment.tokenUrl, { headers: { "x-api-key": Redacted.value(clientSecret) } }),
    translate: (body) => body
  })
}

describe.each(Object.entries(endpoints))("with %s", (_, endpoint) => {
  const acquire = (client: HttpClient.HttpClient) =>
    Effect.flip(
      endpoint.pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.flatMap(({ acquire }) => acquire(credentials))
      )
    )

  it.effect.each(
    [
      ["follows redirects, and then disables tracing", [follow, ownPredicate]],
      ["disables tracing, and then follows redirects", [ownPredicate, follow]],
      ["follows redirects, and then disables propagation", [follow, withoutPropagation]],
      ["disables propagation, and then follows redirects", [withoutPropagation, follow]],
      ["rewrites URLs and disables tracing", [rewrite, ownPredicate]],
      ["filters statuses and disables tracing", [HttpClient.filterStatusOk, ownPredicate]]
    ] satisfies ReadonlyArray<readonly [string, ReadonlyArray<Combinator>]>
  )("invariant 8: a client gets no secret if it %s", ([, combinators]) =>
    Effect.gen(function*() {
      const { client, sent } = recorder(redirected)
      const error = yield* acquire(combinators.reduce((client, combinator) => combinator(client), client))
      expect(error).toMatchObject({ _tag: "TokenEndpointUnavailable", reason: "Transport" })
      expect(error.message).toContain("to an address hidden by TracerDisabledWhen")
      expect(sent.length).toBeGreaterThan(0)
      for (const request of sent) {
        expect(request).not.toContain(Redacted.value(clientSecret))
        expect(request).not.toContain("Basic")
      }
    }))

  it.effect.each([["follows redirects", follow], ["rewrites URLs", rewrite]] as const)(
    "invariant 8: no other server gets a request from a client that %s",
    ([, combinator]) =>
      Effect.gen(function*() {
        const { client, sent } = recorder(redirected)
        const error = yield* acquire(combinator(client))
        expect(error.message).toContain("to https://evil.example, not to https://api.example/v2/auth/oauth2-token")
        expect(sent.filter((request) => request.includes("evil.example"))).toEqual([])
      })
  )

  it.effect("a failure of the client's own is reported as it is", () =>
    Effect.gen(function*() {
      const failing = HttpClient.mapRequestEffect(recorder(redirected).client, () => Effect.die(new Error("no proxy")))
      const error = yield* acquire(failing as HttpClient.HttpClient)
      expect(error.message).toContain("no proxy")
    }))
})

describe("a client that sets options of its platform itself", () => {
  const init = HttpClient.transformResponse(
    Effect.provideService(FetchHttpClient.RequestInit, { credentials: "include", redirect: "follow" })
  )

  it.effect("invariant 8: does not make fetch follow a redirect, and keeps the other options", () =>
    Effect.gen(function*() {
      const seen: Array<RequestInit> = []
      const fetch: typeof globalThis.fetch = (_, init) => {
        seen.push(init ?? {})
        return Promise.resolve(Response.json({ access_token: "token", expires_in: 3600 }))
      }
      const { acquire } = yield* TokenEndpoint.make({ environment }).pipe(
        Effect.provideServiceEffect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, init)),
        Effect.provide(FetchHttpClient.layer)
      )
      yield* Effect.provideService(acquire(credentials), FetchHttpClient.Fetch, fetch)
      expect(seen).toMatchObject([{ credentials: "include", redirect: "manual", cache: "no-store" }])
    }))
})

it.effect("a redirect to the address itself that makes a GET of the POST takes no secret along", () =>
  Effect.gen(function*() {
    const { client, sent } = recorder(() =>
      new Response(null, { status: 303, headers: { location: environment.tokenUrl } })
    )
    const { acquire } = yield* Effect.provideService(
      TokenEndpoint.make({ environment }),
      HttpClient.HttpClient,
      follow(client)
    )
    yield* Effect.exit(acquire(credentials))
    const gets = sent.filter((request) => request.startsWith("GET"))
    expect(gets.length).toBeGreaterThan(0)
    expect(gets.filter((request) => request.includes(Redacted.value(clientSecret)))).toEqual([])
  }))

it.effect("headers that a client sets win over those of the token request", () =>
  Effect.gen(function*() {
    const { client, sent } = recorder(() => Response.json({ access_token: "token", expires_in: 3600 }))
    const own = HttpClient.mapRequest(client, HttpClientRequest.setHeaders({ "user-agent": "mine", "x-gateway": "1" }))
    const { acquire } = yield* Effect.provideService(
      TokenEndpoint.make({ environment }),
      HttpClient.HttpClient,
      own
    )
    yield* acquire(credentials)
    expect(sent).toHaveLength(1)
    expect(sent[0]).toContain("\"user-agent\":\"mine\"")
    expect(sent[0]).toContain("\"x-gateway\":\"1\"")
    expect(sent[0]).toContain("\"content-type\":\"application/x-www-form-urlencoded\"")
    expect(sent[0]).toContain("client_secret=secret-of-the-client")
  }))
