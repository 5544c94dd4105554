import { Credentials, SpotnanaHttpClient, TokenExchange, TokenProvider, TokenStore } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, LayerMap, Metric, Option, Redacted, Stream } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { makeAudit, print } from "./support/audit.ts"
import { clientId, clientSecret } from "./support/harness.ts"

const email = "ada@acme.example"
const subjectText = "subj3ct-t0ken/+=of-ada"

type Options = TokenExchange.Options<false>

const spotnana = (mock?: MockSpotnana.Options) =>
  MockSpotnana.layerHttpClient.pipe(Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, ...mock })))

const clientCredentials = Credentials.layer({ clientId, clientSecret })

const userLayer = (options?: Partial<Options>) =>
  TokenExchange.layer<false>({ user: "ada", subjectToken: Effect.succeed(Redacted.make(subjectText)), ...options })

/** The client of Ada, whom the mock knows. */
const ofAda = (options?: Partial<Options>, mock?: MockSpotnana.Options) =>
  userLayer(options).pipe(
    Layer.provideMerge(Layer.effectDiscard(MockSpotnana.MockSpotnana.use((_) => _.addUser(subjectText, email)))),
    Layer.provideMerge(clientCredentials),
    Layer.provideMerge(spotnana(mock))
  )

const subjects = Effect.all({
  client: TokenExchange.UserHttpClient,
  provider: TokenExchange.UserTokenProvider,
  mock: MockSpotnana.MockSpotnana
})

/** A process of its own with the client of a user, on the store and the Spotnana of the environment. */
const start = (options?: Partial<Options>) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(Layer.fresh(Layer.provide(userLayer(options), clientCredentials)))
    return Context.get(services, TokenExchange.UserTokenProvider)
  })

describe("the token request", () => {
  const formOf = (options?: Partial<Options>) =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      expect((yield* client.get("/v2/companies")).status).toBe(200)
      const [exchange, call] = yield* mock.ledger
      expect([exchange!.user, call!.user, call!.clientId]).toEqual([email, email, clientId])
      return { form: Object.fromEntries(new URLSearchParams(Redacted.value(exchange!.body))), exchange: exchange! }
    }).pipe(Effect.provide(ofAda(options)))

  it.effect("is the one of RFC 8693, and the API is called for the user", () =>
    Effect.gen(function*() {
      expect((yield* formOf()).form).toEqual({
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        client_id: clientId,
        client_secret: Redacted.value(clientSecret),
        subject_token: subjectText,
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        scope: "openid"
      })
    }))

  it.effect("has the type, the scope, the audience and the parameters that are given", () =>
    Effect.gen(function*() {
      const { exchange, form } = yield* formOf({
        subjectTokenType: TokenExchange.jwtType,
        scope: "openid trips",
        audience: "spotnana",
        clientAuthentication: "basic",
        parameters: { resource: "r", subject_token: "another", grant_type: "another" }
      })
      expect(form).toEqual({
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token: subjectText,
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        scope: "openid trips",
        audience: "spotnana",
        resource: "r"
      })
      expect(exchange.headers.authorization).toMatch(/^Basic /)
    }))

  it("options out of their range are defects, and repeat no token", () => {
    const build = (options: object) =>
      Effect.runPromiseExit(
        Effect.scoped(Layer.build(Layer.provide(userLayer(options), [clientCredentials, spotnana()])))
      )
    return Promise.all([
      expect(build({ user: "" })).resolves.toSatisfy(isRangeError("TokenExchange.user")),
      expect(build({ subjectToken: subjectText })).resolves.toSatisfy(isRangeError("TokenExchange.subjectToken")),
      expect(build({ subjectTokenType: 1 })).resolves.toSatisfy(isRangeError("TokenExchange.subjectTokenType")),
      expect(build({ rejectsSubject: "yes" })).resolves.toSatisfy(isRangeError("TokenExchange.rejectsSubject")),
      expect(build({ timeout: 0 })).resolves.toSatisfy(isRangeError("TokenEndpoint.timeout"))
    ])
  })

  const isRangeError = (name: string) => (exit: Exit.Exit<unknown, unknown>) =>
    Exit.isFailure(exit) && String(exit.cause).includes(name) && !String(exit.cause).includes(subjectText)
})

describe("the lifecycle", () => {
  it.effect("invariants 1 and 4: one request for 100 callers, and no request waits for a renewal", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const call = client.get("/v2/companies")
      yield* Effect.all(Array.from({ length: 100 }, () => call), { concurrency: "unbounded" })
      expect(yield* mock.tokenRequests).toBe(1)
      for (let minute = 0; minute < 180; minute++) {
        yield* TestClock.adjust("1 minute")
        expect((yield* call).status).toBe(200)
      }
      const requests = yield* mock.ledger
      expect(requests.filter(({ status }) => status !== 200)).toEqual([])
      // Renewed after 43 to 48 minutes, by chance.
      expect([4, 5]).toContain(yield* mock.tokenRequests)
    }).pipe(Effect.provide(ofAda())))

  it.effect("invariant 7: a token that was revoked is replaced, by one exchange, and the calls are sent again", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      yield* client.get("/v2/companies")
      yield* mock.revokeTokensOfUser(email)
      const calls = Array.from({ length: 10 }, () => client.get("/v2/companies"))
      const answers = yield* Effect.all(calls, { concurrency: "unbounded" })
      expect(answers.map(({ status }) => status)).toEqual(calls.map(() => 200))
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(ofAda())))

  it.effect("invariant 13: the user's token is read again at each acquisition", () => {
    let read = 0
    const subjectToken = Effect.sync(() => Redacted.make(`token-${++read}`))
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      for (const n of [1, 2]) yield* mock.addUser(`token-${n}`, email)
      yield* provider.get
      yield* TestClock.adjust("59 minutes")
      yield* provider.get
      expect(read).toBe(2)
      const forms = (yield* mock.ledger).map(({ body }) =>
        new URLSearchParams(Redacted.value(body)).get("subject_token")
      )
      expect(forms).toEqual(["token-1", "token-2"])
    }).pipe(Effect.provide(ofAda({ subjectToken })))
  })

  it.effect("an eager layer fails with the error of the user", () =>
    Effect.gen(function*() {
      const layer = TokenExchange.layer({
        user: "ada",
        subjectToken: Effect.succeed(Redacted.make("unknown")),
        eager: true
      })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.provide(layer, clientCredentials))))
      expect(error._tag).toBe("SubjectTokenRejected")
    }).pipe(Effect.provide(spotnana())))
})

describe("a refused user", () => {
  for (const code of ["invalid_request", "invalid_grant"] as const) {
    it.effect(`gets SubjectTokenRejected, with the code ${code}, and no request is made while that is remembered`, () =>
      Effect.gen(function*() {
        const { client, mock, provider } = yield* subjects
        yield* mock.removeUser(email)
        const error = yield* Effect.flip(client.get("/v2/companies"))
        expect(error).toBeInstanceOf(TokenExchange.SubjectTokenRejected)
        expect(error).toMatchObject({
          _tag: "SubjectTokenRejected",
          user: "ada",
          status: 400,
          code,
          debugIdentifier: "mock-debug-1",
          message: "The token of user ada was refused. https://api.spotnana.com/v2/auth/oauth2-token answered 400 to " +
            `client client (${code}: The subject token is invalid). ` +
            "Sign the user in again, or check the subjectTokenType."
        })
        expect(yield* Effect.flip(provider.get)).toEqual(error)
        expect((yield* provider.status).lastError).toEqual(error)
        expect(Option.getOrThrow(yield* Stream.runHead(provider.changes)).lastError).toEqual(error)
        expect(yield* mock.tokenRequests).toBe(1)
        // Once the refusal is over the same token is tried again.
        yield* mock.addUser(subjectText, email)
        yield* TestClock.adjust("1 second")
        expect((yield* client.get("/v2/companies")).status).toBe(200)
        expect(yield* mock.tokenRequests).toBe(2)
      }).pipe(Effect.provide(ofAda(undefined, { subjectRefusal: code }))))
  }

  it.effect("invariant 6: costs a few requests in an hour of calls, and another token is used at once", () => {
    let subject = "unknown"
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      for (let second = 0; second < 3_600; second += 10) {
        expect((yield* Effect.flip(provider.get))._tag).toBe("SubjectTokenRejected")
        yield* TestClock.adjust("10 seconds")
      }
      const refused = yield* mock.tokenRequests
      expect(refused).toBeLessThan(40)
      yield* Effect.flip(provider.get)
      subject = subjectText
      yield* provider.get
      expect((yield* mock.ledger).at(-1)!.status).toBe(200)
    }).pipe(Effect.provide(ofAda({ subjectToken: Effect.sync(() => Redacted.make(subject)) })))
  })

  it.effect("is told from refused client credentials, whatever these are answered with", () =>
    Effect.gen(function*() {
      for (const status of [400, 401, 403] as const) {
        for (const body of ["oauth2", "spotnana"] as const) {
          const error = yield* Effect.gen(function*() {
            const { mock, provider } = yield* subjects
            yield* mock.rotateSecret()
            return yield* Effect.flip(provider.get)
          }).pipe(Effect.provide(Layer.fresh(ofAda(undefined, { refusal: { status, body } }))))
          expect(error).toMatchObject({ _tag: "InvalidCredentials", status, clientId })
        }
      }
    }))

  it.effect("is recognised by the application, for a server with codes of its own", () =>
    Effect.gen(function*() {
      const refusal = Fault.status(403, { body: { errorMessages: [{ errorCode: "TRAVELER_UNKNOWN" }] } })
      const tagOf = (rejectsSubject?: TokenExchange.Options["rejectsSubject"]) =>
        Effect.gen(function*() {
          const { mock, provider } = yield* subjects
          yield* mock.inject("token", refusal)
          return (yield* Effect.flip(provider.get))._tag
        }).pipe(Effect.provide(Layer.fresh(ofAda({ rejectsSubject }))))
      expect(yield* tagOf()).toBe("InvalidCredentials")
      expect(yield* tagOf(({ code }) => code === "TRAVELER_UNKNOWN")).toBe("SubjectTokenRejected")
      expect(
        yield* tagOf(() => {
          throw new Error("bug")
        })
      ).toBe("InvalidCredentials")
    }))

  it.effect("keeps a token that is good, and is not the trouble of another user", () =>
    Effect.gen(function*() {
      const { client, mock, provider } = yield* subjects
      yield* mock.addUser("of-bob", "bob@acme.example")
      const bob = yield* start({ user: "bob", subjectToken: Effect.succeed(Redacted.make("of-bob")) })
      yield* Effect.all([provider.get, bob.get])
      yield* mock.removeUser(email)
      yield* TestClock.adjust("59 minutes")
      expect((yield* client.get("/v2/companies")).status).toBe(200)
      yield* TestClock.adjust("1 minute")
      expect((yield* Effect.flip(client.get("/v2/companies")))._tag).toBe("SubjectTokenRejected")
      expect((yield* bob.status).state).toBe("valid")
      yield* bob.get
    }).pipe(Effect.scoped, Effect.provide(ofAda())))

  it.effect("comes through a plain HttpClient whole", () =>
    Effect.gen(function*() {
      const { mock } = yield* subjects
      yield* mock.removeUser(email)
      const error = yield* Effect.flip(HttpClient.get("/v2/companies"))
      const ours = Option.getOrThrow(TokenExchange.fromHttpClientError(error))
      expect(ours).toBeInstanceOf(TokenExchange.SubjectTokenRejected)
      expect(TokenExchange.isUserAuthError(ours)).toBe(true)
      expect(TokenExchange.isUserAuthError(error)).toBe(false)
      expect(TokenExchange.fromHttpClientError(new Error())).toEqual(Option.none())
    }).pipe(Effect.provide(Layer.provideMerge(TokenExchange.layerHttpClient, ofAda()))))
})

describe("the source of the user's token", () => {
  const troubles: ReadonlyArray<readonly [string, Effect.Effect<Redacted.Redacted, unknown>, RegExp]> = [
    ["fails", Effect.fail<unknown>(new Error("no session")), /SubjectTokenSource: it failed with Error: no session/],
    ["dies", Effect.die(new Error("bug")), /SubjectTokenSource: it failed with Error: bug/],
    ["hangs", Effect.never, /no answer within/],
    ["gives nothing", Effect.succeed(undefined as never), /SubjectTokenSource: it gave no token/],
    ["gives plain text", Effect.succeed(subjectText as never), /SubjectTokenSource: it gave no token/],
    ["gives a number", Effect.succeed(Redacted.make(1 as never)), /SubjectTokenSource: it gave no token/],
    ["gives an empty text", Effect.succeed(Redacted.make("")), /SubjectTokenSource: it gave no token/]
  ]
  for (const [title, trouble, message] of troubles) {
    it.effect(`that ${title} is unavailable, and is asked again with backoff`, () => {
      let current = trouble
      return Effect.gen(function*() {
        const { mock, provider } = yield* subjects
        const failing = yield* Effect.forkChild(Effect.flip(provider.get), { startImmediately: true })
        yield* TestClock.adjust("1 minute")
        const error = yield* Fiber.join(failing)
        expect(error).toMatchObject({ _tag: "TokenEndpointUnavailable", reason: "CredentialsSource" })
        expect(error.message).toMatch(message)
        expect(error.message).not.toContain(subjectText)
        expect(yield* mock.tokenRequests).toBe(0)
        current = Effect.succeed(Redacted.make(subjectText))
        yield* TestClock.adjust("2 minutes")
        expect((yield* provider.get).scope).toBe("openid")
      }).pipe(Effect.provide(ofAda({ subjectToken: Effect.suspend(() => current) })))
    })
  }

  it.effect("that fails takes no good token out of use", () => {
    let current: Effect.Effect<Redacted.Redacted, unknown> = Effect.succeed(Redacted.make(subjectText))
    return Effect.gen(function*() {
      const { client, provider } = yield* subjects
      yield* provider.get
      current = Effect.fail("gone")
      yield* TestClock.adjust("59 minutes")
      expect((yield* client.get("/v2/companies")).status).toBe(200)
      expect((yield* provider.status).lastError).toMatchObject({ reason: "CredentialsSource" })
    }).pipe(Effect.provide(ofAda({ subjectToken: Effect.suspend(() => current) })))
  })

  it.effect("is not asked where the client has no credentials", () => {
    let asked = 0
    const subjectToken = Effect.sync(() => Redacted.make(`${++asked}`))
    return Effect.gen(function*() {
      const provider = yield* TokenExchange.UserTokenProvider
      const failing = yield* Effect.forkChild(Effect.flip(provider.get), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(failing)).toMatchObject({ reason: "CredentialsSource" })
      expect(asked).toBe(0)
    }).pipe(Effect.provide(
      userLayer({ subjectToken }).pipe(
        Layer.provide(Layer.succeed(Credentials.Credentials, { current: Effect.succeed({ clientId } as never) })),
        Layer.provide(spotnana())
      )
    ))
  })
})

describe("the refresh token", () => {
  it.effect("is handed out beside its access token, each time the one of the last exchange", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const first = yield* provider.get
      expect(yield* provider.get).toEqual(first)
      yield* TestClock.adjust("59 minutes")
      const second = yield* provider.get
      for (const token of [first, second]) {
        expect(Redacted.value(token.refreshToken!)).toMatch(/^mock-refresh-/)
        expect(print(token)).toContain("<redacted:RefreshToken>")
      }
      expect(Redacted.value(second.refreshToken!)).not.toBe(Redacted.value(first.refreshToken!))
      // The same access token once more.
      const body = { access_token: Redacted.value(second.value), expires_in: 3_600, refresh_token: "third" }
      yield* mock.inject("token", Fault.status(200, { body }))
      yield* TestClock.adjust("59 minutes")
      expect(Redacted.value((yield* provider.get).refreshToken!)).toBe("third")
    }).pipe(Effect.provide(ofAda())))

  it.effect("is absent where the answer has none, or none that is a text", () =>
    Effect.gen(function*() {
      for (const refresh of [{}, { refresh_token: "" }, { refresh_token: 1 }, { refresh_token: null }]) {
        const token = yield* Effect.gen(function*() {
          const { mock, provider } = yield* subjects
          yield* mock.inject("token", Fault.status(200, { body: { access_token: "a", ...refresh } }))
          return yield* provider.get
        }).pipe(Effect.provide(Layer.fresh(ofAda())))
        expect(token.refreshToken).toBeUndefined()
      }
    }))
})

describe("through a store", () => {
  /** The keys that were used, and what was stored. */
  const watched = Effect.gen(function*() {
    const { backend } = yield* Effect.provide(TokenStore.TokenStore, Layer.fresh(TokenStore.layerMemory))
    const keys = new Set<string>()
    const payloads: Array<string> = []
    const recording: TokenStore.Backend = {
      name: "recording",
      read: (key) => backend.read(key),
      lease: (key, time) => {
        keys.add(key)
        return backend.lease(key, time)
      },
      extend: (key, fence, time) => backend.extend(key, fence, time),
      write: (key, fence, payload, time) => {
        payloads.push(Redacted.value(payload))
        return backend.write(key, fence, payload, time)
      },
      release: (key, fence, backoff) => {
        if (backoff !== undefined) payloads.push(Redacted.value(backoff.failure))
        return backend.release(key, fence, backoff)
      },
      changes: (key) => backend.changes(key)
    }
    return { keys, payloads, layer: TokenStore.layer(Effect.succeed(recording)) }
  })

  const onStore = <A, E, R>(
    test: (store: { keys: Set<string>; payloads: Array<string> }) => Effect.Effect<A, E, R>
  ) =>
    Effect.flatMap(watched, ({ layer, ...store }) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        yield* mock.addUser(subjectText, email)
        yield* mock.addUser("of-bob", "bob@acme.example")
        return yield* test(store)
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(layer, spotnana()))))

  it.effect("processes share the token of a user, whatever the user's own token is then; users share none", () =>
    onStore(({ keys, payloads }) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const one = yield* (yield* start()).get
        const two = yield* (yield* start({ subjectToken: Effect.succeed(Redacted.make("newer")) })).get
        const bob = yield* (yield* start({ user: "bob", subjectToken: Effect.succeed(Redacted.make("of-bob")) })).get
        expect(yield* mock.tokenRequests).toBe(2)
        expect(Redacted.value(two.value)).toBe(Redacted.value(one.value))
        expect(Redacted.value(bob.value)).not.toBe(Redacted.value(one.value))
        expect(keys.size).toBe(2)
        // The refresh token stays in the process that exchanged it.
        expect(two.refreshToken).toBeUndefined()
        expect(payloads.join()).not.toContain(Redacted.value(one.refreshToken!))
        expect(payloads.join()).toContain(Redacted.value(one.value))
        for (const key of keys) expect(key).toMatch(/^production:client:[0-9a-f]{32}$/)
      })
    ))

  it.effect("users and the client itself have keys of their own, as have scopes and audiences", () =>
    onStore(({ keys }) =>
      Effect.gen(function*() {
        yield* (yield* start()).get
        yield* (yield* start({ scope: "openid trips" })).get
        yield* (yield* start({ audience: "other" })).get
        yield* (yield* start({ user: "ada2" })).get
        const own = SpotnanaHttpClient.layer({ clientId, clientSecret, scope: "openid" })
        yield* Context.get(yield* Layer.build(own), TokenProvider.TokenProvider).get
        expect(keys.size).toBe(5)
      })
    ))

  it.effect("a refusal is of one token of one user: another token is not refused with it", () =>
    onStore(({ payloads }) =>
      Effect.gen(function*() {
        const ada = (token: string) => start({ subjectToken: Effect.succeed(Redacted.make(token)) })
        const error = yield* Effect.flip((yield* ada("unknown-token")).get)
        const same = yield* Effect.flip((yield* ada("unknown-token")).get)
        expect([error._tag, same._tag]).toEqual(["SubjectTokenRejected", "SubjectTokenRejected"])
        expect((yield* (yield* MockSpotnana.MockSpotnana).ledger).length).toBe(1)
        const waiting = yield* Effect.forkChild((yield* ada(subjectText)).get)
        yield* TestClock.adjust("2 seconds")
        expect(Exit.isSuccess(waiting.pollUnsafe()!)).toBe(true)
        for (const secret of ["unknown-token", subjectText, Redacted.value(clientSecret)]) {
          expect(payloads.join()).not.toContain(secret)
        }
      })
    ))
})

describe("1,000 users", () => {
  const count = 1_000

  class Users extends LayerMap.Service<Users>()("test/Users", {
    lookup: (user: string) =>
      Layer.provide(
        TokenExchange.layer({ user, subjectToken: Effect.succeed(Redacted.make(`token of ${user}`)) }),
        clientCredentials
      ),
    idleTimeToLive: "10 minutes"
  }) {}

  const call = (user: string) =>
    Effect.provide(TokenExchange.UserHttpClient.use((client) => client.get("/v2/companies")), Users.get(user))

  it.effect("have a token each, made on demand, renewed while in use, and nothing is left of idle ones", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      let fibers = 0
      let mostFibers = 0
      const counted = {
        recordFiberStart: () => {
          fibers += 1
          mostFibers = Math.max(fibers, mostFibers)
        },
        recordFiberEnd: () => void (fibers -= 1)
      }
      yield* Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const users = Array.from({ length: count }, (_, n) => `user-${n}`)
        for (const user of users) yield* mock.addUser(`token of ${user}`, `${user}@acme.example`)
        const callAll = Effect.forEach(users, (user) => Effect.all([call(user), call(user)], { concurrency: 2 }), {
          concurrency: "unbounded",
          discard: true
        })
        yield* callAll
        expect(yield* mock.tokenRequests).toBe(count)
        yield* TestClock.adjust("9 minutes")
        yield* callAll
        expect(yield* mock.tokenRequests).toBe(count)
        const calls = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api")
        expect(new Set(calls.map(({ token, user }) => `${user} ${Redacted.value(token!)}`)).size).toBe(count)
        // One client: the users share its series.
        expect(registry.size).toBeLessThan(5)
        // Idle: released after ten minutes, and nobody renews.
        const before = fibers
        yield* TestClock.adjust("11 minutes")
        expect(before - fibers).toBeGreaterThanOrEqual(count)
        yield* TestClock.adjust("5 hours")
        expect(yield* mock.tokenRequests).toBe(count)
        yield* call("user-7")
        expect(yield* mock.tokenRequests).toBe(count + 1)
      }).pipe(
        Effect.provide(Users.layer.pipe(Layer.provideMerge(spotnana()))),
        Effect.provideService(Metric.MetricRegistry, registry),
        Effect.provideService(Metric.FiberRuntimeMetrics, counted)
      )
      expect([fibers, mostFibers > count]).toEqual([0, true])
    }))
})

describe("invariant 9: nothing leaks", () => {
  it.effect("neither the user's token nor what it is exchanged for is in a log, a span, a metric or an error", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      // Of letters only: nothing but its being known keeps it out of what a server says.
      const plainText = "subjecttokenoflettersonly"
      const tokens: Array<string> = []
      yield* audit.run(
        Effect.gen(function*() {
          const { client, mock, provider } = yield* subjects
          yield* mock.addUser(plainText, email)
          const token = yield* provider.get
          tokens.push(Redacted.value(token.value), Redacted.value(token.refreshToken!))
          audit.add(token, yield* provider.status, yield* client.get("/v2/companies"))
          yield* mock.revokeTokensOfUser(email)
          const description = `bad ${plainText} ${Buffer.from(plainText).toString("base64")}`
          const refusal = { error: "invalid_grant", error_description: description, refresh_token: plainText }
          yield* mock.inject("token", Fault.status(400, { body: refusal }))
          audit.add(yield* Effect.exit(client.get("/v2/companies")), yield* provider.status)
          yield* mock.inject("token", Fault.status(500, { body: refusal }), { times: Infinity })
          yield* TestClock.adjust("2 hours")
          const failing = yield* Effect.forkChild(Effect.exit(client.get("/v2/companies")), { startImmediately: true })
          yield* TestClock.adjust("1 minute")
          audit.add(yield* Fiber.join(failing), yield* provider.status)
        }).pipe(Effect.provide(ofAda({
          refresh: { mode: "onDemand" },
          subjectToken: Effect.succeed(Redacted.make(plainText))
        })))
      )
      const text = audit.text()
      for (const word of ["Spotnana access token acquired", "SubjectTokenRejected", "TokenEndpoint.acquire"]) {
        expect([word, text.includes(word)]).toEqual([word, true])
      }
      expect(audit.search([plainText, Redacted.value(clientSecret), ...tokens])).toEqual([])
    }))

  it.effect("a refused user is counted apart from refused client credentials, and has no gauge", () => {
    const registry: Metric.MetricRegistry = new Map()
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* provider.get
      yield* mock.removeUser(email)
      yield* TestClock.adjust("2 hours")
      yield* Effect.flip(provider.get)
      const series = [...registry.values()].map(({ attributes, id }) => [id, attributes?.["outcome"]])
      expect(series).toContainEqual(["spotnana_auth_acquisitions_total", "SubjectTokenRejected"])
      expect(series).not.toContainEqual(["spotnana_auth_acquisitions_total", "InvalidCredentials"])
      expect(series.map(([id]) => id)).not.toContain("spotnana_auth_token_lifetime_left_seconds")
    }).pipe(Effect.provide(ofAda()), Effect.provideService(Metric.MetricRegistry, registry))
  })
})
