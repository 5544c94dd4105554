import { Credentials, EmbedTokens, TokenStore } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { makeAudit } from "./support/audit.ts"
import { clientId, clientSecret } from "./support/harness.ts"

const subjectText = "subj3ct-t0ken/+=of-ada"
const subjectToken = Effect.succeed(Redacted.make(subjectText))

/** The session's cookie names the user. */
const session = Effect.gen(function*() {
  const { cookies } = yield* HttpServerRequest.HttpServerRequest
  const user = cookies["session"]
  if (user === undefined) return yield* new EmbedTokens.NotSignedIn()
  if (user === "guest") return yield* new EmbedTokens.NotAllowed()
  return { user, subjectToken }
})

type Options = Partial<EmbedTokens.Options<HttpServerRequest.HttpServerRequest>>

const spotnana = MockSpotnana.layerHttpClient.pipe(
  Layer.provideMerge(
    Layer.effectDiscard(MockSpotnana.MockSpotnana.use((_) => _.addUser(subjectText, "ada@a.example")))
  ),
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret })),
  Layer.provideMerge(Credentials.layer({ clientId, clientSecret }))
)

const sameOrigin = { "sec-fetch-site": "same-origin" }
const ofAda = { ...sameOrigin, cookie: "session=ada" }

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
}

/** The application with the route, and what else it has. */
const makeApplication = (options: Options = {}) =>
  Effect.gen(function*() {
    const handler = yield* HttpRouter.toHttpEffect(EmbedTokens.layer({ session, ...options }))
    return ({ headers = ofAda, method = "POST", path = "/spotnana/embed-tokens" }: Sent = {}) =>
      handler.pipe(
        Effect.catchReason(
          "HttpServerError",
          "RouteNotFound",
          () => Effect.succeed(HttpServerResponse.empty({ status: 404 }))
        ),
        Effect.provideService(
          HttpServerRequest.HttpServerRequest,
          HttpServerRequest.fromWeb(new Request(`http://app.example${path}`, { method, headers }))
        ),
        Effect.scoped,
        Effect.flatMap((response) =>
          Effect.promise(async () => {
            const answer = HttpServerResponse.toWeb(response)
            const text = await answer.text()
            return { status: answer.status, headers: Object.fromEntries(answer.headers), text }
          })
        )
      )
  })

const statusAndText = ({ status, text }: { readonly status: number; readonly text: string }) => [status, text]

describe("the answer", () => {
  it.effect("has the two tokens of the user who asks, and is kept by no cache", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication()
      const { headers, status, text } = yield* ask()
      const [entry] = yield* mock.ledger
      expect(status).toBe(200)
      expect(JSON.parse(text)).toEqual({
        accessToken: Redacted.value(entry!.token!),
        refreshToken: expect.stringMatching(/^mock-refresh-/)
      })
      expect(entry!.user).toBe("ada@a.example")
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "content-type": "application/json",
        "cross-origin-resource-policy": "same-origin",
        vary: "Cookie, Origin, Sec-Fetch-Site",
        "x-content-type-options": "nosniff"
      })
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([])
    }).pipe(Effect.provide(spotnana)))

  it.effect("is another one for each page, also where two ask at the same time and where there is a store", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication()
      const answers = yield* Effect.all([ask(), ask(), ask()], { concurrency: "unbounded" })
      expect(yield* mock.tokenRequests).toBe(3)
      const texts = answers.map(({ text }) => JSON.parse(text) as Record<string, string>)
      expect(new Set(texts.flatMap(Object.values)).size).toBe(6)
    }).pipe(Effect.provide(Layer.provideMerge(TokenStore.layerMemory, spotnana))))

  it.effect("has no refresh token where the token endpoint gave none", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject(
        "token",
        Fault.status(200, { body: { access_token: "t", token_type: "Bearer", expires_in: 60 } })
      )
      const ask = yield* makeApplication()
      expect(statusAndText(yield* ask())).toEqual([200, `{"accessToken":"t"}`])
    }).pipe(Effect.provide(spotnana)))

  it.effect("asks with the options, at the path that is given", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication({ scope: "openid trips", audience: "a", subjectTokenType: "type", path: "/t" })
      expect((yield* ask({ path: "/t" })).status).toBe(200)
      const [entry] = yield* mock.ledger
      expect(Object.fromEntries(new URLSearchParams(Redacted.value(entry!.body)))).toMatchObject({
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        scope: "openid trips",
        audience: "a",
        subject_token: subjectText,
        subject_token_type: "type"
      })
    }).pipe(Effect.provide(spotnana)))
})

describe("who gets none", () => {
  const refusals: ReadonlyArray<readonly [name: string, sent: Sent, status: number, text: string]> = [
    ["nobody is signed in", { headers: sameOrigin }, 401, `{"error":"NotSignedIn"}`],
    ["the user may not", { headers: { ...sameOrigin, cookie: "session=guest" } }, 403, `{"error":"NotAllowed"}`],
    ...["same-site", "cross-site", "none", "same-origin, cross-site"].map((site) =>
      [
        `Sec-Fetch-Site is ${site}`,
        { headers: { ...ofAda, "sec-fetch-site": site, host: "app.example", origin: "http://app.example" } },
        403,
        `{"error":"OtherOrigin"}`
      ] as const
    ),
    ...[
      "http://evil.example",
      "http://app.example.evil",
      "null",
      "http://app.example:81",
      "http://app.example/x",
      "x://app.example",
      ""
    ].map((
      origin
    ) =>
      [
        `an older browser sends Origin ${JSON.stringify(origin)}`,
        { headers: { cookie: "session=ada", host: "app.example", origin } },
        403,
        `{"error":"OtherOrigin"}`
      ] as const
    ),
    ["neither header is there", { headers: { cookie: "session=ada" } }, 403, `{"error":"OtherOrigin"}`],
    ["it is a GET", { method: "GET" }, 404, ""],
    ["it is a HEAD", { method: "HEAD" }, 404, ""],
    ["it is a preflight", { method: "OPTIONS" }, 404, ""]
  ]
  for (const [name, sent, status, text] of refusals) {
    it.effect(`${name}: ${status}, and no token request`, () =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const ask = yield* makeApplication()
        const answer = yield* ask(sent)
        expect(statusAndText(answer)).toEqual([status, text])
        if (status !== 404) expect(answer.headers["cache-control"]).toBe("no-store")
        expect(yield* mock.tokenRequests).toBe(0)
      }).pipe(Effect.provide(spotnana)))
  }

  it.effect("the session fails with an error of the application: the error goes to its server, and no answer is made", () =>
    Effect.gen(function*() {
      const error = { _tag: "DatabaseError" }
      const ask = yield* makeApplication({ session: Effect.fail(error as unknown as EmbedTokens.NotSignedIn) })
      expect(yield* Effect.flip(ask() as Effect.Effect<unknown, unknown>)).toBe(error)
    }).pipe(Effect.provide(spotnana)))

  it.effect("an older browser's page of the same origin gets them", () =>
    Effect.gen(function*() {
      const ask = yield* makeApplication()
      const headers = { cookie: "session=ada", host: "App.example:8443", origin: "https://app.example:8443" }
      expect((yield* ask({ headers })).status).toBe(200)
    }).pipe(Effect.provide(spotnana)))

  it.effect("a page of another origin does not, where the application opens CORS for everybody", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const routes = Layer.merge(EmbedTokens.layer({ session }), HttpRouter.cors({ credentials: true }))
      const { dispose, handler } = HttpRouter.toWebHandler(
        routes.pipe(
          Layer.provide(HttpServer.layerServices),
          Layer.provide(Layer.succeedContext(yield* Effect.context<Credentials.Credentials | HttpClient.HttpClient>()))
        ),
        { disableLogger: true }
      )
      const headers = { ...ofAda, "sec-fetch-site": "same-site", origin: "http://evil.app.example" }
      const answer = yield* Effect.promise(() =>
        handler(new Request("http://app.example/spotnana/embed-tokens", { method: "POST", headers }))
      )
      expect(answer.headers.get("access-control-allow-origin")).not.toBeNull()
      expect([answer.status, yield* Effect.promise(() => answer.text())]).toEqual([403, `{"error":"OtherOrigin"}`])
      expect(yield* mock.tokenRequests).toBe(0)
      yield* Effect.promise(dispose)
    }).pipe(Effect.provide(spotnana)))
})

describe("failures", () => {
  it.effect("of the user's token are 403, and hold up nobody else", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const bob = Effect.succeed({ user: "bob", subjectToken: Effect.succeed(Redacted.make("unknown")) })
      const ask = yield* makeApplication()
      const askOfBob = yield* makeApplication({ session: bob })
      expect(statusAndText(yield* askOfBob())).toEqual([403, `{"error":"SubjectTokenRejected"}`])
      expect((yield* ask()).status).toBe(200)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(spotnana)))

  it.effect("of the source of one user's token are 503, without a token request, and hold up nobody else", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const broken = Effect.gen(function*() {
        const { user } = yield* session
        return { user, subjectToken: user === "bob" ? Effect.fail("away") : subjectToken }
      })
      const ask = yield* makeApplication({ session: broken })
      const answering = yield* Effect.forkChild(ask({ headers: { ...sameOrigin, cookie: "session=bob" } }))
      while (answering.pollUnsafe() === undefined) yield* TestClock.adjust("10 millis")
      const answer = yield* Fiber.join(answering)
      expect(statusAndText(answer)).toEqual([503, `{"error":"Unavailable"}`])
      expect(answer.headers["retry-after"]).toBe("1")
      expect((yield* ask()).status).toBe(200)
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(spotnana)))

  it.effect("of the token endpoint are 503, and no user asks it before Retry-After", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication()
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: "90" }))
      for (const user of ["ada", "bob", "ada"]) {
        const answer = yield* ask({ headers: { ...sameOrigin, cookie: `session=${user}` } })
        expect(statusAndText(answer)).toEqual([503, `{"error":"Unavailable"}`])
        expect(answer.headers["retry-after"]).toBe("90")
        expect(answer.headers["cache-control"]).toBe("no-store")
      }
      yield* TestClock.adjust("89 seconds")
      expect((yield* ask()).headers["retry-after"]).toBe("1")
      expect(yield* mock.tokenRequests).toBe(1)
      yield* TestClock.adjust("1 second")
      expect((yield* ask()).status).toBe(200)
    }).pipe(Effect.provide(spotnana)))

  const user = (name: string) => ({ headers: { ...sameOrigin, cookie: `session=${name}` } })

  for (const rate of [1, 10]) {
    it.effect(`in five minutes cost a token endpoint that answers 429 about 15 requests, at ${rate} pages a second`, () =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const ask = yield* makeApplication()
        yield* mock.inject("token", Fault.rateLimited({ retryAfter: "4" }), { times: Infinity })
        for (let second = 0; second < 300; second++) {
          for (let page = 0; page < rate; page++) yield* Effect.forkChild(ask(user(`${second}-${page}`)))
          yield* TestClock.adjust("1 second")
        }
        const times = (yield* mock.ledger).map(({ at }) => at)
        // Pages that come together may send their requests before the first answer.
        const moments = [...new Set(times)]
        expect(times.length - moments.length).toBeLessThan(rate)
        expect(moments.length).toBeGreaterThan(6)
        expect(moments.length).toBeLessThan(20)
        for (const [n, time] of moments.slice(1).entries()) expect(time - moments[n]!).toBeGreaterThanOrEqual(4_000)
      }).pipe(Effect.provide(spotnana)))

    it.effect(`begin a backoff where the token endpoint never answers and ${rate} pages a second give up sooner`, () =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const ask = yield* makeApplication()
        yield* mock.inject("token", Fault.hang, { times: Infinity })
        for (let second = 0; second < 300; second++) {
          for (let page = 0; page < rate; page++) {
            yield* Effect.forkChild(Effect.timeoutOption(ask(user(`${second}-${page}`)), "9 seconds"))
          }
          yield* TestClock.adjust("1 second")
        }
        // Those of the first ten seconds, and then one after each backoff.
        expect(yield* mock.tokenRequests).toBeLessThan(10 * rate + 30)
      }).pipe(Effect.provide(spotnana)))
  }

  it.effect("end the backoff with the next success, and the backoff after it is a short one", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication({ perMinute: 1_000 })
      yield* mock.inject("token", Fault.status(503), { times: Infinity })
      for (let second = 0; second < 300; second++) {
        yield* Effect.forkChild(ask())
        yield* TestClock.adjust("1 second")
      }
      yield* mock.clearFaults
      yield* TestClock.adjust("1 minute")
      expect((yield* ask()).status).toBe(200)
      yield* mock.inject("token", Fault.rateLimited(), { times: 2 })
      const asking = yield* Effect.forkChild(ask())
      yield* TestClock.adjust("500 millis")
      expect((yield* Fiber.join(asking)).headers["retry-after"]).toBe("1")
      yield* TestClock.adjust("1 second")
      expect((yield* ask()).status).toBe(200)
    }).pipe(Effect.provide(spotnana)))

  it.effect("of one user stop the request of another whose token was still being read", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const slow = Effect.map(session, ({ user }) => ({
        user,
        subjectToken: user === "bob" ? Effect.delay(subjectToken, "2 seconds") : subjectToken
      }))
      const ask = yield* makeApplication({ session: slow })
      const asking = yield* Effect.forkChild(ask(user("bob")), { startImmediately: true })
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: "90" }))
      yield* ask()
      yield* TestClock.adjust("2 seconds")
      const answer = yield* Fiber.join(asking)
      expect(statusAndText(answer)).toEqual([503, `{"error":"Unavailable"}`])
      expect(answer.headers["retry-after"]).toBe("88")
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(spotnana)))

  it.effect("are followed by one request, which all others wait for", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication()
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: "10" }))
      expect((yield* ask()).status).toBe(503)
      yield* TestClock.adjust("10 seconds")
      yield* mock.inject("token", Fault.hang)
      const asking = yield* Effect.forkChild(ask(), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const answer = yield* ask(user("bob"))
      expect(statusAndText(answer)).toEqual([503, `{"error":"Unavailable"}`])
      expect(answer.headers["retry-after"]).toBe("1")
      expect(yield* mock.tokenRequests).toBe(2)
      yield* TestClock.adjust("9 seconds")
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(asking)).status).toBe(200)
      expect((yield* ask(user("bob"))).status).toBe(200)
      expect(yield* mock.tokenRequests).toBe(4)
    }).pipe(Effect.provide(spotnana)))

  it.effect("of the client's own credentials are 500, and are tried again with backoff", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication()
      yield* mock.rotateSecret()
      for (let n = 0; n < 5; n++) {
        const answer = yield* ask()
        expect(statusAndText(answer)).toEqual([500, `{"error":"Misconfigured"}`])
        expect(answer.headers["retry-after"]).toBe("1")
      }
      expect(yield* mock.tokenRequests).toBe(1)
      yield* TestClock.adjust("500 millis")
      yield* ask()
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(spotnana)))

  it.effect("a user who reloads without end gets 429 until the minute is over, and other users get their tokens", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication({ perMinute: 3 })
      const statuses = yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.map(ask(), ({ status }) => status))
      expect(statuses).toEqual([200, 200, 200, 429, 429])
      yield* TestClock.adjust("20 seconds")
      const answer = yield* ask()
      expect(statusAndText(answer)).toEqual([429, `{"error":"TooManyRequests"}`])
      expect(answer.headers["retry-after"]).toBe("40")
      expect((yield* ask({ headers: { ...sameOrigin, cookie: "session=bob" } })).status).toBe(200)
      expect(yield* mock.tokenRequests).toBe(4)
      yield* TestClock.adjust("40 seconds")
      expect((yield* ask()).status).toBe(200)
    }).pipe(Effect.provide(spotnana)))

  it.effect("a page that is closed soon holds up nobody else", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const ask = yield* makeApplication()
      yield* mock.inject("token", Fault.hang)
      const asking = yield* Effect.forkChild(ask(), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(asking)
      expect(yield* mock.tokenRequests).toBe(1)
      expect((yield* ask()).status).toBe(200)
    }).pipe(Effect.provide(spotnana)))

  for (
    const options of [
      { perMinute: 0 },
      { perMinute: 0.5 },
      { timeout: 0 },
      { session: session as never, scope: 1 as never },
      { subjectTokenType: 1 as never },
      { rejectsSubject: "never" as never }
    ]
  ) {
    it.effect(`options out of their range are defects at start-up: ${JSON.stringify(Object.keys(options))}`, () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(makeApplication(options))
        expect(String(exit)).toMatch(/RangeError/)
      }).pipe(Effect.provide(spotnana)))
  }
})

describe("invariant 9", () => {
  it.effect("neither a token nor the secret is in a log, a span, a metric or an error, whatever is answered", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      const mock = yield* MockSpotnana.MockSpotnana
      const found: Array<string> = [subjectText, Redacted.value(clientSecret)]
      yield* audit.run(Effect.gen(function*() {
        const ask = yield* makeApplication()
        const { accessToken, refreshToken } = JSON.parse((yield* ask()).text) as Record<string, string>
        found.push(accessToken!, refreshToken!)
        yield* mock.inject(
          "token",
          Fault.status(400, { body: { error: "invalid_request", error_description: subjectText } })
        )
        const refused = yield* ask()
        yield* mock.inject(
          "token",
          Fault.status(401, { body: { error: "invalid_client", error_description: subjectText } })
        )
        const misconfigured = yield* ask()
        audit.add(refused, misconfigured)
        yield* TestClock.adjust("1 minute")
        yield* mock.inject("token", Fault.status(503, { body: `${subjectText} ${accessToken} ${refreshToken}` }), {
          times: 2
        })
        const asking = yield* Effect.forkChild(ask())
        yield* TestClock.adjust("1 second")
        audit.add(yield* Fiber.join(asking))
      }))
      expect(audit.text()).toContain("Spotnana access token not acquired")
      expect(audit.search(found)).toEqual([])
    }).pipe(Effect.provide(spotnana)))
})
