import { AuthError, Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { Fault, MockSpotnana } from "@effect-spotnana/effect3/testing"
import { HttpBody, HttpClient, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import type { Headers } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, LayerMap, Option, Redacted, Schedule, Stream, TestClock } from "effect"
import { clientId, clientSecret, onMock, subjects } from "./support/harness.ts"

const everyTenth = Schedule.spaced("100 millis")
const everyTwoHours = Schedule.spaced("2 hours")

/** A client of an authenticated kind that answers with what it would have sent, and where. */
const sent = (
  environment: Environment.Environment = Environment.production,
  answer: (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<Response> = () =>
    Effect.sync(() => new Response("{}"))
) =>
  Effect.gen(function*() {
    const requests: Array<{ readonly url: string; readonly headers: Headers.Headers }> = []
    const inner = HttpClient.make((request, url) => {
      requests.push({ url: url.href, headers: request.headers })
      return Effect.map(answer(request), (response) => HttpClientResponse.fromWeb(request, response))
    })
    const provider = { ...(yield* TokenProvider.TokenProvider), environment }
    return { requests, inner, client: SpotnanaHttpClient.authenticate(provider)(inner) }
  })

describe("where a request goes", () => {
  const relative = [
    ["/v2/companies", "https://api.spotnana.com/v2/companies"],
    ["v2/companies", "https://api.spotnana.com/v2/companies"],
    ["?limit=1", "https://api.spotnana.com/?limit=1"],
    ["", "https://api.spotnana.com/"],
    ["//evil.example/x", "https://api.spotnana.com//evil.example/x"],
    ["\\\\evil.example\\x", "https://api.spotnana.com///evil.example/x"],
    ["@evil.example", "https://api.spotnana.com/@evil.example"],
    [".evil.example", "https://api.spotnana.com/.evil.example"],
    [":8080/x", "https://api.spotnana.com/:8080/x"],
    [" https://evil.example", "https://api.spotnana.com/%20https://evil.example"],
    ["ht\ntps://evil.example", "https://api.spotnana.com/https://evil.example"]
  ] as const
  it.effect("invariant 8: a relative URL goes to the environment, however it is written", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* sent()
      for (const [url] of relative) yield* client.get(url)
      expect(requests.map((request) => request.url)).toEqual(relative.map(([, url]) => url))
      expect(requests.every((request) => request.headers.authorization!.startsWith("Bearer "))).toBe(true)
    }).pipe(Effect.provide(onMock())))

  it.effect("a base URL with a path keeps it", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* sent(Environment.makeUnsafe({ baseUrl: "https://gateway.example/spotnana/" }))
      yield* client.get("/v2/companies")
      yield* client.get("https://gateway.example/other")
      expect(requests.map((request) => request.url)).toEqual([
        "https://gateway.example/spotnana/v2/companies",
        "https://gateway.example/other"
      ])
      expect(requests.every((request) => "authorization" in request.headers)).toBe(true)
    }).pipe(Effect.provide(onMock())))

  const home = [
    "https://api.spotnana.com/v2/companies",
    "HTTPS://API.SPOTNANA.COM/v2/companies",
    "https://api.spotnana.com:443/v2/companies",
    "https://api.spotnana.com",
    "https:\\\\api.spotnana.com\\v2",
    "https://api.spotnana.com\\@evil.example/"
  ]
  const abroad = [
    "https://evil.example/v2/companies",
    "http://api.spotnana.com/v2/companies",
    "https://api.spotnana.com:8443/v2/companies",
    "https://api.spotnana.com./v2/companies",
    "https://api.spotnana.com.evil.example/",
    "https://api.spotnana.com@evil.example/",
    "https://api.spotnana.com\t.evil.example/",
    "https://xn--pi-7ka.spotnana.com/",
    "https://evil.example/https://api.spotnana.com/",
    "https:evil.example"
  ]
  it.effect("a path with a segment . or .. is refused, and nothing is sent", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* sent()
      for (const url of ["/v2/users/../x", "/v2/%2e%2E/x", "https://api.spotnana.com/v2/..", "/v2/./x"]) {
        const error = yield* Effect.flip(client.get(url))
        expect([url, error._tag === "RequestError" && error.reason]).toEqual([url, "InvalidUrl"])
      }
      expect(requests).toEqual([])
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 8: the bearer goes to the configured origin and to no other", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* sent()
      for (const url of home) yield* client.get(url)
      expect(requests.map((request) => [request.url, "authorization" in request.headers])).toEqual(
        requests.map((request) => [request.url, true])
      )
      requests.length = 0
      for (const url of abroad) yield* client.get(url)
      expect(requests.length).toBe(abroad.length)
      expect(requests.map((request) => [request.url, "authorization" in request.headers])).toEqual(
        requests.map((request) => [request.url, false])
      )
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 8: a combinator that sends a request elsewhere takes the bearer from it", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* sent()
      const diverted = client.pipe(HttpClient.mapRequest(HttpClientRequest.setUrl("https://evil.example")))
      yield* diverted.get("/v2/companies")
      expect(requests[0]!.headers.authorization).toBe(undefined)
    }).pipe(Effect.provide(onMock())))

  it.effect("a combinator for relative URLs works as with any client", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* sent()
      yield* client.pipe(HttpClient.mapRequest(HttpClientRequest.prependUrl("/v2"))).get("/companies", {
        urlParams: { limit: 1 }
      })
      expect(requests[0]!.url).toBe("https://api.spotnana.com/v2/companies?limit=1")
    }).pipe(Effect.provide(onMock())))

  for (const status of [301, 302, 303, 307, 308]) {
    it.effect(`invariant 8: followRedirects takes the bearer along a ${status} on the same origin only`, () =>
      Effect.gen(function*() {
        const provider = yield* TokenProvider.TokenProvider
        const seen: Array<readonly [string, boolean]> = []
        const inner = HttpClient.make((request, url) => {
          seen.push([url.href, "authorization" in request.headers])
          const location = url.pathname === "/same" ? "/there" : "https://evil.example/there"
          return Effect.succeed(HttpClientResponse.fromWeb(
            request,
            url.pathname === "/there" ? new Response("") : new Response("", { status, headers: { location } })
          ))
        })
        for (
          const client of [
            inner.pipe(SpotnanaHttpClient.authenticate(provider), HttpClient.followRedirects()),
            inner.pipe(HttpClient.followRedirects(), SpotnanaHttpClient.authenticate(provider))
          ]
        ) {
          seen.length = 0
          yield* client.post("/same")
          yield* client.post("/other")
          expect(seen).toEqual([
            ["https://api.spotnana.com/same", true],
            ["https://api.spotnana.com/there", true],
            ["https://api.spotnana.com/other", true],
            ["https://evil.example/there", false]
          ])
        }
      }).pipe(Effect.provide(onMock())))
  }
})

describe("what a request carries", () => {
  it.effect("a User-Agent, unless the caller set one", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* sent()
      yield* client.get("/")
      yield* client.get("/", { headers: { "User-Agent": "mine" } })
      yield* client.get("https://elsewhere.example")
      expect(requests.map((request) => request.headers["user-agent"])).toEqual([
        expect.stringMatching(/^effect-spotnana\/\d+\.\d+\.\d+$/),
        "mine",
        undefined
      ])
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 3: an Authorization of the caller's own is left alone, and its 401 is the caller's", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const response = yield* client.get("/v2/companies", { headers: { authorization: "Bearer mine" } })
      expect(response.status).toBe(401)
      expect((yield* mock.ledger).map((entry) => entry.headers.authorization)).toEqual(["Bearer mine"])
      expect(yield* mock.tokenRequests).toBe(0)
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 3: so is one with the very token in use", () =>
    Effect.gen(function*() {
      const { client, mock, provider } = yield* subjects
      const { value } = yield* provider.get
      yield* client.get("/v2/companies")
      yield* mock.revokeTokens
      const authorization = `Bearer ${Redacted.value(value)}`
      const response = yield* client.get("/v2/companies", { headers: { authorization } })
      expect([response.status, response.request.headers.authorization]).toEqual([401, authorization])
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 3: without a token no request leaves", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const error = yield* Effect.flip(client.get("/v2/companies"))
      expect(error._tag).toBe("InvalidCredentials")
      expect(yield* mock.apiRequests).toBe(0)
    }).pipe(Effect.provide(onMock({}, { clientSecret: "another" }))))
})

describe("a 401", () => {
  it.effect("invariant 7: is recovered by one replacement and one replay, body and all", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      yield* client.get("/v2/companies")
      yield* mock.revokeTokens
      yield* mock.clearLedger
      const response = yield* client.post("/v2/echo", { body: HttpBody.unsafeJson({ hello: "world" }) })
      expect(yield* response.json).toEqual({ hello: "world" })
      expect((yield* mock.ledger).map((entry) => [entry.path, entry.status])).toEqual([
        ["/v2/echo", 401],
        ["/v2/auth/oauth2-token", 200],
        ["/v2/echo", 200]
      ])
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 7: a replay that is refused too is TokenExpired, with what Spotnana said", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const body = { debugIdentifier: "dbg-1", errorMessages: [{ message: "Access Token Invalid" }] }
      yield* mock.inject("api", Fault.status(401, { body }), { times: 2 })
      const error = yield* Effect.flip(client.get("/v2/companies"))
      expect(error._tag === "TokenExpired" && [error.reason, error.debugIdentifier]).toEqual(["Rejected", "dbg-1"])
      expect(error.message).toContain("Access Token Invalid")
      expect(yield* mock.apiRequests).toBe(2)
    }).pipe(Effect.provide(onMock())))

  for (
    const [name, body] of [
      ["Stream", () => HttpBody.stream(Stream.make(new TextEncoder().encode("once")))],
      ["Raw", () => HttpBody.raw("once")]
    ] as const
  ) {
    it.effect(`invariant 7: a ${name} body is not sent again, but the token is replaced for the next request`, () =>
      Effect.gen(function*() {
        const { client, mock } = yield* subjects
        yield* client.get("/v2/companies")
        yield* mock.revokeTokens
        const error = yield* Effect.flip(client.post("/v2/echo", { body: body() }))
        expect(error._tag === "TokenExpired" && error.reason).toBe("NotReplayable")
        expect((yield* client.post("/v2/echo", { body: HttpBody.text("next") })).status).toBe(200)
        expect(yield* mock.tokenRequests).toBe(2)
        expect((yield* mock.ledger).filter((entry) => entry.path === "/v2/echo").length).toBe(2)
      }).pipe(Effect.provide(onMock())))
  }

  const words = [
    [undefined, true],
    [`Bearer realm="spotnana", error="invalid_token"`, true],
    [`Basic realm="x", Bearer error=invalid_token`, true],
    [`Bearer`, true],
    [`Bearer error="insufficient_scope", scope="a b"`, false],
    [`bearer realm="error=x", error = "invalid_request"`, false],
    [`Bearer error="invalid_token", DPoP error="invalid_request"`, true],
    [`Bearer error="invalid_token", error_description="error=insufficient_scope"`, true]
  ] as const
  for (const [word, replayed] of words) {
    it.effect(`invariant 7: with WWW-Authenticate ${word ?? "absent"} it ${replayed ? "rejects the token" : "is the caller's"}`, () =>
      Effect.gen(function*() {
        const { client, mock } = yield* subjects
        const headers = word === undefined ? {} : { "www-authenticate": word }
        yield* mock.inject("api", Fault.status(401, { headers }))
        const response = yield* client.get("/v2/companies")
        expect(response.status).toBe(replayed ? 200 : 401)
        expect(yield* mock.tokenRequests).toBe(replayed ? 2 : 1)
      }).pipe(Effect.provide(onMock())))
  }

  it.effect("invariant 7: a 403 never rejects a token", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const headers = { "www-authenticate": `Bearer error="invalid_token"` }
      yield* mock.inject("api", Fault.status(403, { headers }))
      expect((yield* client.get("/v2/companies")).status).toBe(403)
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(onMock())))

  it.effect("whose body never ends costs two seconds, not a hang", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const drip = Stream.repeat(Stream.make(new TextEncoder().encode(".")), everyTenth)
      yield* mock.inject("api", Fault.status(401, { body: drip }), { times: 2 })
      const caller = yield* Effect.fork(Effect.flip(client.get("/v2/companies")))
      yield* TestClock.adjust("2 seconds")
      expect((yield* Fiber.join(caller))._tag).toBe("TokenExpired")
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 7: of another host, after a redirect that the platform followed, says nothing of our token", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const elsewhere = Object.defineProperty(new Response("", { status: 401 }), "url", {
        value: "https://other.example/"
      })
      const platform = HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, elsewhere)))
      const client = SpotnanaHttpClient.authenticate(provider)(platform)
      expect((yield* client.get("/v2/companies")).status).toBe(401)
      expect(yield* mock.tokenRequests).toBe(1)
      expect((yield* provider.status).state).toBe("valid")
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 7: rejects the token that it was about, also where one run sends several requests at once", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const platform = yield* HttpClient.HttpClient
      // A client that sends each request twice, the second time a little later, and takes the later answer.
      const hedging = HttpClient.makeWith(
        (request: Effect.Effect<HttpClientRequest.HttpClientRequest>) => {
          const once = Effect.flatMap(request, platform.execute)
          return Effect.zipWith(once, Effect.delay(once, "1 minute"), (first) => first, { concurrent: true })
        },
        Effect.succeed
      )
      const client = SpotnanaHttpClient.authenticate(provider)(hedging)
      yield* mock.inject("api", Fault.status(401))
      const caller = yield* Effect.fork(client.get("/v2/companies"))
      yield* TestClock.adjust("30 seconds")
      const old = yield* provider.get
      yield* provider.reject(old)
      const current = yield* provider.get
      yield* TestClock.adjust("2 minutes")
      expect((yield* Fiber.join(caller)).status).toBe(200)
      expect(yield* provider.get).toBe(current)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock())))

  it.effect("is recovered as well behind a client that filters statuses, and under one that retries", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const plain = yield* HttpClient.HttpClient
      for (
        const client of [
          plain.pipe(HttpClient.filterStatusOk, SpotnanaHttpClient.authenticate(provider)),
          plain.pipe(SpotnanaHttpClient.authenticate(provider), HttpClient.filterStatusOk),
          plain.pipe(SpotnanaHttpClient.authenticate(provider), HttpClient.retryTransient({ times: 3 }))
        ]
      ) {
        yield* provider.get
        yield* mock.revokeTokens
        expect((yield* client.get("/v2/companies")).status).toBe(200)
      }
      expect((yield* mock.ledger).filter((entry) => entry.endpoint === "api").map((entry) => entry.status)).toEqual(
        [401, 200, 401, 200, 401, 200]
      )
    }).pipe(Effect.provide(onMock())))

  it.effect("invariant 7: a redirect below that dropped the body does not make it one that can be sent again", () =>
    Effect.gen(function*() {
      const { inner, requests } = yield* sent(undefined, ({ url }) =>
        Effect.sync(() =>
          url.endsWith("/echo")
            ? new Response(undefined, { status: 303, headers: { location: "/v2/other" } })
            : new Response("{}", { status: 401 })
        ))
      const provider = yield* TokenProvider.TokenProvider
      const client = inner.pipe(HttpClient.followRedirects(), SpotnanaHttpClient.authenticate(provider))
      const body = HttpBody.stream(Stream.make(new TextEncoder().encode("once")))
      const error = yield* Effect.flip(client.post("/v2/echo", { body }))
      expect(error._tag === "TokenExpired" && error.reason).toBe("NotReplayable")
      expect(requests.map(({ url }) => url.slice("https://api.spotnana.com".length))).toEqual(["/v2/echo", "/v2/other"])
    }).pipe(Effect.provide(onMock())))

  it.effect("is recognised of a request that two tokens came after", () =>
    Effect.gen(function*() {
      const rejected = yield* Deferred.make<Response>()
      let isFirst = true
      const { client, requests } = yield* sent(undefined, () =>
        Effect.suspend(() => {
          const answer = isFirst ? Deferred.await(rejected) : Effect.sync(() => new Response("{}"))
          isFirst = false
          return answer
        }))
      const slow = yield* Effect.fork(client.get("/slow"))
      for (const after of ["50 minutes", "50 minutes"] as const) {
        yield* TestClock.adjust(after)
        yield* client.get("/fast")
      }
      yield* Deferred.succeed(rejected, new Response("{}", { status: 401 }))
      expect((yield* Fiber.join(slow)).status).toBe(200)
      expect(requests.map(({ url }) => url.slice(-4))).toEqual(["slow", "fast", "fast", "slow"])
      expect(new Set(requests.map(({ headers }) => headers.authorization)).size).toBe(3)
    }).pipe(Effect.provide(onMock())))

  it.effect("a retry carries the token of its own time, not the first one's", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const client = (yield* HttpClient.HttpClient).pipe(
        SpotnanaHttpClient.authenticate(provider),
        HttpClient.retryTransient({ schedule: everyTwoHours, times: 1 })
      )
      yield* mock.inject("api", Fault.status(503))
      const caller = yield* Effect.fork(client.get("/v2/companies"))
      yield* TestClock.adjust("3 hours")
      expect((yield* Fiber.join(caller)).status).toBe(200)
      expect((yield* mock.ledger).filter((entry) => entry.endpoint === "api").map((entry) => entry.status)).toEqual(
        [503, 200]
      )
    }).pipe(Effect.provide(onMock())))
})

describe("the plain HttpClient tag", () => {
  const onPlain = (mock?: MockSpotnana.Options) =>
    SpotnanaHttpClient.layerHttpClient.pipe(
      Layer.provide(
        SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(Layer.provide(MockSpotnana.layerHttpClient))
      ),
      Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, ...mock }))
    )

  it.effect("is authenticated", () =>
    Effect.gen(function*() {
      expect((yield* HttpClient.get("/v2/companies")).status).toBe(200)
    }).pipe(Effect.provide(onPlain())))

  it.effect("folds our errors into one that no retry touches, and gives them back whole", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const client = (yield* HttpClient.HttpClient).pipe(HttpClient.retryTransient({ times: 5 }))
      const error = yield* Effect.flip(client.get("/v2/companies"))
      const authError = Option.getOrThrow(AuthError.fromHttpClientError(error))
      expect(authError._tag === "InvalidCredentials" && authError.status).toBe(401)
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(onPlain({ clientSecret: "another" }))))
})

describe("several tenants", () => {
  const onTenant = (tenant: string) =>
    SpotnanaHttpClient.layer({ clientId: tenant, clientSecret: Redacted.make(`secret of ${tenant}`) }).pipe(
      Layer.provide(MockSpotnana.layerHttpClient)
    )

  class Tenants extends LayerMap.Service<Tenants>()("test/Tenants", {
    lookup: onTenant,
    idleTimeToLive: "10 minutes"
  }) {}

  class PlainTenants extends LayerMap.Service<PlainTenants>()("test/PlainTenants", {
    lookup: (tenant: string) => SpotnanaHttpClient.layerHttpClient.pipe(Layer.provide(onTenant(tenant)))
  }) {}

  const call = (tenant: string) =>
    Effect.flatMap(SpotnanaHttpClient.SpotnanaHttpClient, (client) => client.get("/v2/companies")).pipe(
      Effect.provide(Tenants.get(tenant))
    )

  const clients = Effect.flatMap(
    MockSpotnana.MockSpotnana,
    (mock) =>
      Effect.map(
        mock.ledger,
        (entries) => entries.filter((entry) => entry.endpoint === "api").map((entry) => entry.clientId)
      )
  )

  it.effect("have a token each, made on demand, shared, and released when idle", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addClient("a", "secret of a")
      yield* mock.addClient("b", "secret of b")
      for (const tenant of ["a", "b", "a", "b"]) expect((yield* call(tenant)).status).toBe(200)
      expect(yield* mock.tokenRequests).toBe(2)
      expect(yield* clients).toEqual(["a", "b", "a", "b"])
      // Released after ten minutes: nobody renews, and the next call starts anew.
      yield* TestClock.adjust("5 hours")
      expect(yield* mock.tokenRequests).toBe(2)
      yield* call("a")
      expect(yield* mock.tokenRequests).toBe(3)
    }).pipe(Effect.provide(Tenants.Default.pipe(Layer.provideMerge(MockSpotnana.layer())))))

  it.effect("behind the plain tag have a token each too", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addClient("a", "secret of a")
      yield* mock.addClient("b", "secret of b")
      for (const tenant of ["a", "b", "a"]) {
        yield* HttpClient.get("/v2/companies").pipe(Effect.provide(PlainTenants.get(tenant)))
      }
      expect(yield* clients).toEqual(["a", "b", "a"])
    }).pipe(Effect.provide(PlainTenants.Default.pipe(Layer.provideMerge(MockSpotnana.layer())))))

  it.effect("share a cache with the Authorization in its keys, below the client, and no answer of it", () =>
    Effect.gen(function*() {
      const { inner } = yield* sent(
        undefined,
        ({ headers }) => Effect.sync(() => new Response(headers.authorization!))
      )
      const kept = new Map<string, HttpClientResponse.HttpClientResponse>()
      const cached = HttpClient.transform(inner, (sending, request) => {
        const key = `${request.url} ${request.headers.authorization}`
        const found = kept.get(key)
        return found === undefined ? Effect.tap(sending, (response) => kept.set(key, response)) : Effect.succeed(found)
      })
      const { get } = yield* TokenProvider.TokenProvider
      const own = yield* get
      const other = { ...own, value: Redacted.make("token-of-another-tenant") }
      const answers: Array<string> = []
      for (const token of [own, other, own]) {
        const provider = { ...(yield* TokenProvider.TokenProvider), get: Effect.succeed(token) }
        answers.push(
          yield* Effect.flatMap(SpotnanaHttpClient.authenticate(provider)(cached).get("/"), ({ text }) => text)
        )
      }
      const bearers = [own, other, own].map(({ value }) => `Bearer ${Redacted.value(value)}`)
      expect(answers).toEqual(bearers)
      // The keys show no token.
      expect([...kept.keys()].filter((key) => bearers.some((bearer) => key.includes(bearer)))).toEqual([])
    }).pipe(Effect.provide(onMock())))

  it.effect("have their own token where the client of one sends a request of the other", () =>
    Effect.gen(function*() {
      const { client: below, inner, requests } = yield* sent()
      const other = yield* Effect.map(TokenProvider.TokenProvider, (provider) => ({
        ...provider,
        get: Effect.map(provider.get, (token) => ({ ...token, value: Redacted.make("token-of-another-tenant") }))
      }))
      const above = HttpClient.transform(
        inner,
        (sending) => Effect.zipRight(Effect.orDie(below.get("/below")), sending)
      )
      yield* SpotnanaHttpClient.authenticate(other)(above).get("/above")
      const { value } = yield* Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get)
      expect(requests.map(({ headers }) => headers.authorization)).toEqual([
        `Bearer ${Redacted.value(value)}`,
        "Bearer token-of-another-tenant"
      ])
    }).pipe(Effect.provide(onMock())))

  it.effect("one tenant's trouble is never another's", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addClient("good", "secret of good")
      yield* mock.addClient("bad", "something else")
      for (let i = 0; i < 20; i++) {
        expect((yield* Effect.flip(call("bad")))._tag).toBe("InvalidCredentials")
        expect((yield* call("good")).status).toBe(200)
      }
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(Tenants.Default.pipe(Layer.provideMerge(MockSpotnana.layer())))))
})
