import {
  AccessToken,
  AuthError,
  Credentials,
  RedisTokenStore,
  SpotnanaHttpClient,
  TokenEndpoint,
  TokenProvider,
  TokenStore
} from "@effect-spotnana/effect3"
import { Fault, MockSpotnana } from "@effect-spotnana/effect3/testing"
import { Policy } from "@effect-spotnana/engine"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Config,
  Context,
  DateTime,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  FiberId,
  Layer,
  Option,
  Redacted,
  Schedule,
  Scope,
  Stream,
  TestClock
} from "effect"
import { clientId, clientSecret, onMock, skewable, subjects } from "./support/harness.ts"

const everyTenMinutes = Schedule.spaced("10 minutes")
const everyTenSeconds = Schedule.spaced("10 seconds")
const everySecond = Schedule.spaced("1 second")
const orZero = Option.getOrElse(() => Duration.zero)
const times = { issuedAt: DateTime.unsafeMake(0), expiresAt: DateTime.unsafeMake(1), scope: undefined }
const minute = 60_000
const hour = 60 * minute

describe("a provider that is built where interruption is off", () => {
  const built = (layer: Layer.Layer<SpotnanaHttpClient.SpotnanaHttpClient>) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Effect.uninterruptible(Layer.buildWithScope(layer, scope))
      return { scope, client: Context.get(context, SpotnanaHttpClient.SpotnanaHttpClient) }
    })
  const withClient = (client: HttpClient.HttpClient) =>
    SpotnanaHttpClient.layer({ clientId, clientSecret, timeout: "1 second", refresh: { attempts: 1 } }).pipe(
      Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
    )

  it.effect("is closed with its scope, its timer too", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { client, scope } = yield* built(withClient(mock.httpClient))
      expect((yield* client.get("/v2/companies")).status).toBe(200)
      const closing = yield* Effect.forkDaemon(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 minute")
      expect(Option.isSome(yield* Fiber.poll(closing))).toBe(true)
    }).pipe(Effect.provide(MockSpotnana.layer({ clientId, clientSecret }))))

  it.effect("is closed with its scope while a token request hangs", () =>
    Effect.gen(function*() {
      const { client, scope } = yield* built(withClient(HttpClient.make(() => Effect.never)))
      const call = yield* Effect.forkDaemon(client.get("/v2/companies"))
      yield* TestClock.adjust(0)
      const closing = yield* Effect.forkDaemon(Scope.close(scope, Exit.void))
      yield* TestClock.adjust(0)
      expect(Option.isSome(yield* Fiber.poll(closing))).toBe(true)
      expect(Exit.isFailure(yield* Fiber.await(call))).toBe(true)
    }))

  it.effect("has its time limits", () =>
    Effect.gen(function*() {
      const { client } = yield* built(withClient(HttpClient.make(() => Effect.never)))
      const call = yield* Effect.forkDaemon(Effect.flip(client.get("/v2/companies")))
      yield* TestClock.adjust("1 second")
      const error = Option.getOrThrow(yield* Fiber.poll(call))
      expect(Exit.map(error, ({ _tag }) => _tag)).toEqual(Exit.succeed("TokenEndpointUnavailable"))
    }))
})

describe("a wait with a time limit ends in time in a finalizer too", () => {
  /** Runs the effect in a finalizer. Tells whether it has ended after that time. */
  const endsWithin = <E, R>(seconds: number, effect: Effect.Effect<unknown, E, R>) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkDaemon(Effect.ensuring(Effect.void, Effect.exit(effect)))
      for (let second = 0; second < seconds; second++) yield* TestClock.adjust("1 second")
      return Option.isSome(yield* Fiber.poll(fiber))
    })

  it.effect("for the body of a 401", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const token = yield* provider.get
      const endless = HttpClient.make((request) =>
        Effect.succeed(
          HttpClientResponse.fromWeb(
            request,
            new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), { status: 401 })
          )
        )
      )
      const client = SpotnanaHttpClient.authenticate(provider)(endless)
      expect(yield* endsWithin(2, client.get("/v2/companies"))).toBe(true)
      expect(yield* provider.get).not.toBe(token)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock())))

  it.effect("for the replacement of a rejected token", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const token = yield* provider.get
      yield* mock.inject("token", Fault.hang)
      yield* provider.reject(token)
      expect(yield* endsWithin(1, provider.get)).toBe(true)
    }).pipe(Effect.provide(onMock())))

  it.effect("for a token request", () =>
    Effect.gen(function*() {
      const endpoint = yield* TokenEndpoint.make({ timeout: "1 second" })
      expect(yield* endsWithin(1, endpoint.acquire({ clientId, clientSecret }))).toBe(true)
    }).pipe(Effect.provideService(HttpClient.HttpClient, HttpClient.make(() => Effect.never))))

  it.effect("for a script of Redis", () =>
    Effect.gen(function*() {
      const store = RedisTokenStore.layerClient(
        Effect.succeed({ eval: () => new Promise(() => {}), subscribe: async () => () => {} }),
        { keys: Config.succeed([Redacted.make(new Uint8Array(32))] as const) }
      )
      const { backend } = Context.get(yield* Layer.build(store), TokenStore.TokenStore)
      expect(yield* endsWithin(2, backend.read("key"))).toBe(true)
    }).pipe(Effect.scoped))
})

describe("invariant 1: one flight", () => {
  it.effect("10,000 callers at a cold start make one token request", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const callers = yield* Effect.fork(
        Effect.forEach(Array.from({ length: 10_000 }), () => provider.get, { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("100 millis")
      const tokens = yield* Fiber.join(callers)
      expect(new Set(tokens.map((token) => Redacted.value(token.value))).size).toBe(1)
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(onMock({}, { tokenLatency: "100 millis" }))))

  it.effect("a failing flight fails all who wait for it, and the next one is shared too", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.inject("token", Fault.status(503), { times: Infinity })
      const callers = yield* Effect.fork(
        Effect.forEach(Array.from({ length: 100 }), () => Effect.flip(provider.get), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("10 seconds")
      const errors = yield* Fiber.join(callers)
      expect(new Set(errors.map((error) => error._tag))).toEqual(new Set(["TokenEndpointUnavailable"]))
      expect(yield* mock.tokenRequests).toBe(3)
    }).pipe(Effect.provide(onMock({ refresh: { attempts: 3 } }, { tokenLatency: "100 millis" }))))
})

describe("invariant 2: nobody else's interruption", () => {
  it.effect("interrupting the first caller leaves the acquisition to the others", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const first = yield* Effect.fork(provider.get)
      const second = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("50 millis")
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("50 millis")
      expect(Exit.isSuccess(yield* Fiber.await(second))).toBe(true)
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(onMock({}, { tokenLatency: "100 millis" }))))

  it.effect("callers with less patience than the endpoint needs still get a token in the end", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const impatient = yield* Effect.fork(Effect.timeoutOption(provider.get, "60 millis"))
      yield* TestClock.adjust("60 millis")
      expect((yield* Fiber.join(impatient))._tag).toBe("None")
      yield* TestClock.adjust("40 millis")
      yield* provider.get
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(onMock({}, { tokenLatency: "100 millis" }))))
})

describe("invariants 3 and 4: never a dead token, never a wait", () => {
  it.effect("five days of an hour's lifetime: no request waits but the first, none carries a dead token", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const startedAt: Array<number> = []
      const call = Effect.gen(function*() {
        const before = yield* DateTime.now
        const response = yield* client.get("/v2/companies?limit=1")
        const after = yield* DateTime.now
        if (DateTime.toEpochMillis(after) > DateTime.toEpochMillis(before)) {
          startedAt.push(DateTime.toEpochMillis(before))
        }
        expect(response.status).toBe(200)
      })
      const load = yield* Effect.fork(
        Effect.repeat(call, { schedule: everyTenMinutes, times: 5 * 24 * 6 })
      )
      yield* TestClock.adjust("6 days")
      yield* Fiber.join(load)
      expect(startedAt).toEqual([0])
      const entries = yield* mock.ledger
      expect(entries.filter((entry) => entry.endpoint === "api").length).toBe(5 * 24 * 6 + 1)
      expect(entries.filter((entry) => entry.status === 401)).toEqual([])
      // At 72 to 80 % of an hour, plus the latency: 16 to 20 renewals in each twelve hours.
      const renewals = (yield* mock.tokenRequests) - 1
      expect(renewals).toBeGreaterThanOrEqual(6 * 24 * 60 / 48.1)
      expect(renewals).toBeLessThanOrEqual(6 * 24 * 60 / 43.2)
    }).pipe(Effect.provide(onMock({}, { tokenLatency: "200 millis" }))))

  it.effect("a token of ten seconds is renewed, not fetched anew by every call", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const load = yield* Effect.fork(
        Effect.repeat(client.get("/v2/companies?limit=1"), { schedule: everySecond, times: 120 })
      )
      yield* TestClock.adjust("121 seconds")
      yield* Fiber.join(load)
      expect((yield* mock.ledger).filter((entry) => entry.status === 401)).toEqual([])
      expect(yield* mock.tokenRequests).toBeLessThanOrEqual(1 + Math.ceil(121 / 7.2))
    }).pipe(Effect.provide(onMock({}, { tokenLifetime: "10 seconds", tokenLatency: "200 millis" }))))

  it.effect("renews at 80 % of the lifetime, without jitter to the millisecond", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* provider.get
      yield* TestClock.adjust(0.8 * hour - 1)
      expect(yield* mock.tokenRequests).toBe(1)
      yield* TestClock.adjust(1)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock({ refresh: { jitter: 0 } }))))

  it.effect("a fleet does not renew in step", () =>
    Effect.gen(function*() {
      const renewals = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.gen(function*() {
          const { provider } = yield* subjects
          yield* provider.get
          const { nextRenewalAt } = yield* provider.status
          return DateTime.toEpochMillis(nextRenewalAt!)
        }).pipe(Effect.provide(onMock())))
      expect(new Set(renewals).size).toBeGreaterThan(45)
      expect(Math.max(...renewals) - Math.min(...renewals)).toBeGreaterThan(3 * minute)
    }))

  it.effect("without a fiber, the first call inside the window starts the renewal and does not wait for it", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const acquired = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("200 millis")
      const first = yield* Fiber.join(acquired)
      yield* TestClock.adjust("59 minutes")
      expect(yield* mock.tokenRequests).toBe(1)
      const during = yield* provider.get
      expect(AccessToken.equals(first, during)).toBe(true)
      expect((yield* provider.status).state).toBe("renewing")
      yield* TestClock.adjust("200 millis")
      expect(AccessToken.equals(first, yield* provider.get)).toBe(false)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock({ refresh: { mode: "onDemand" } }, { tokenLatency: "200 millis" }))))

  it.effect("with a token in use a call is answered at once, for one look at the wall clock, and one a millisecond at the monotonic one", () =>
    Effect.gen(function*() {
      const clock = yield* TestClock.testClock()
      const reads: Array<string> = []
      const counting: TestClock.TestClock = Object.assign(Object.create(clock), {
        unsafeCurrentTimeMillis: () => {
          reads.push("wall")
          return clock.unsafeCurrentTimeMillis()
        },
        unsafeCurrentTimeNanos: () => {
          reads.push("monotonic")
          return clock.unsafeCurrentTimeNanos()
        }
      })
      yield* Effect.gen(function*() {
        const { provider } = yield* subjects
        const token = yield* provider.get
        reads.length = 0
        expect(Effect.runSync(provider.get)).toBe(token)
        expect(reads).toEqual(["wall", "monotonic"])
        expect(Effect.runSync(provider.get)).toBe(token)
        expect(reads).toEqual(["wall", "monotonic", "wall"])
      }).pipe(Effect.provide(onMock()), Effect.withClock(counting))
    }))

  it.effect("is lazy: nothing is requested before somebody asks", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* TestClock.adjust("2 hours")
      expect(yield* mock.tokenRequests).toBe(0)
      expect((yield* provider.status).state).toBe("empty")
    }).pipe(Effect.provide(onMock())))
})

describe("invariant 5: survive the outage", () => {
  it.effect("nobody notices an outage that ends before the token does, and it costs a bounded number of requests", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      yield* client.get("/v2/companies")
      yield* mock.inject("token", Fault.drop, { times: Infinity })
      const load = yield* Effect.fork(
        Effect.repeat(client.get("/v2/companies?limit=1"), { schedule: everyTenSeconds, times: 58 * 6 })
      )
      yield* TestClock.adjust("58 minutes")
      yield* mock.clearFaults
      yield* TestClock.adjust("30 minutes")
      yield* Fiber.join(load)
      expect((yield* mock.ledger).filter((entry) => entry.endpoint === "api" && entry.status !== 200)).toEqual([])
      // From 43.2 minutes at the earliest: 7 attempts until the backoff reaches a minute, then at most two a minute.
      expect((yield* mock.ledger).filter((entry) => entry.status === "drop").length).toBeLessThanOrEqual(7 + 2 * 15)
    }).pipe(Effect.provide(onMock())))

  it.effect.each(["10 seconds", "20 seconds", "1 minute", "2 minutes", "5 minutes", "1 hour", "24 hours"] as const)(
    "no request waits or fails in an outage of nine tenths of the time that a token is used, with tokens of %s",
    (lifetime) =>
      Effect.gen(function*() {
        const { client, mock } = yield* subjects
        const millis = Duration.toMillis(lifetime)
        yield* client.get("/v2/companies?limit=1")
        yield* mock.inject("token", Fault.status(503), { times: Infinity })
        const spacing = millis / 100
        const calls = yield* Effect.fork(
          Effect.repeat(Effect.timeout(client.get("/v2/companies?limit=1"), "1 millis"), {
            schedule: Schedule.spaced(spacing),
            times: Math.round(1.5 * millis / spacing)
          })
        )
        yield* TestClock.adjust(0.9 * Policy.usableLifetime(Policy.defaults, millis))
        yield* mock.clearFaults
        yield* TestClock.adjust(millis)
        yield* Fiber.join(calls)
      }).pipe(Effect.provide(onMock({}, { tokenLifetime: lifetime })))
  )

  it.effect("waits at least Retry-After before it asks again", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* provider.get
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: Duration.seconds(300) }))
      yield* TestClock.adjust("48 minutes")
      expect(yield* mock.tokenRequests).toBe(2)
      const { lastError, state } = yield* provider.status
      expect([state, lastError?._tag]).toEqual(["valid", "TokenEndpointUnavailable"])
      const asked = (yield* mock.ledger).at(-1)!.at
      yield* TestClock.setTime(asked + 300_000 - 1)
      expect(yield* mock.tokenRequests).toBe(2)
      yield* TestClock.adjust(2)
      expect(yield* mock.tokenRequests).toBe(3)
      expect((yield* provider.status).lastError).toBe(undefined)
    }).pipe(Effect.provide(onMock())))

  it.effect("a cold start rides out a short fault by itself", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.inject("token", Fault.garbage)
      yield* mock.inject("token", Fault.status(500))
      const caller = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(caller)
      expect(yield* mock.tokenRequests).toBe(3)
    }).pipe(Effect.provide(onMock())))

  it.effect("callers who waited for a fault to pass take the token that the first of them got", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.inject("token", Fault.rateLimited())
      // All wake at once, and the first one's request is answered before the second one has looked.
      const callers = yield* Effect.fork(
        Effect.forEach([0, 1, 2], () => provider.get, { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(callers)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock())))

  it.effect("during a long outage callers fail at once, with the time that is left, and do not hammer", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: Duration.seconds(30) }), { times: Infinity })
      const first = yield* Effect.flip(provider.get)
      expect(Duration.toSeconds(AuthError.retryAfter(first).pipe(orZero))).toBe(30)
      yield* TestClock.adjust("10 seconds")
      const errors = yield* Effect.forEach(Array.from({ length: 1000 }), () => Effect.flip(provider.get))
      expect(new Set(errors.map((error) => Duration.toSeconds(AuthError.retryAfter(error).pipe(orZero))))).toEqual(
        new Set([20])
      )
      expect(yield* mock.tokenRequests).toBe(1)
      yield* mock.clearFaults
      yield* TestClock.adjust("20 seconds")
      yield* provider.get
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock())))
})

const clientOn = SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(
  Layer.provide(MockSpotnana.layerHttpClient)
)

const FromSource = (
  current: Effect.Effect<Credentials.ClientCredentials, unknown>,
  mock?: MockSpotnana.Options,
  options?: SpotnanaHttpClient.Options
) =>
  SpotnanaHttpClient.layerCredentials(options).pipe(
    Layer.provide(Layer.succeed(Credentials.Credentials, { current })),
    Layer.provideMerge(MockSpotnana.layerHttpClient),
    Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, ...mock }))
  )

const Rotating = (current: { credentials: Credentials.ClientCredentials }) =>
  FromSource(Effect.sync(() => current.credentials))

const wrong = { clientId, clientSecret: Redacted.make("wrong") }

describe("a token endpoint that comes up later", () => {
  const upAfter = (millis: number, options: SpotnanaHttpClient.Options<false>) =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.inject("token", Fault.drop, { times: Infinity })
      const call = yield* Effect.fork(Effect.exit(provider.get))
      yield* TestClock.adjust(millis)
      yield* mock.clearFaults
      yield* TestClock.adjust("1 minute")
      return yield* Fiber.join(call)
    }).pipe(Effect.provide(onMock(options)))

  it.effect("is waited for as long as retryFor says, whatever the attempts", () =>
    Effect.gen(function*() {
      expect(Exit.isFailure(yield* upAfter(5_000, {}))).toBe(true)
      expect(Exit.isSuccess(yield* upAfter(5_000, { refresh: { retryFor: "15 seconds" } }))).toBe(true)
      expect(
        Exit.isSuccess(yield* upAfter(5_000, { refresh: { retryFor: "15 seconds", attempts: 1, maximumWait: 0 } }))
      )
        .toBe(true)
      expect(Exit.isFailure(yield* upAfter(30_000, { refresh: { retryFor: "15 seconds" } }))).toBe(true)
    }))
})

describe("the time for an acquisition", () => {
  const slow = (options: SpotnanaHttpClient.Options<false>) =>
    Effect.gen(function*() {
      const { provider } = yield* subjects
      const call = yield* Effect.fork(Effect.exit(provider.get))
      yield* TestClock.adjust("5 minutes")
      const exit = yield* Fiber.join(call)
      return Exit.isSuccess(exit) ? "token" : (Cause.squash(exit.cause) as Error).message
    }).pipe(Effect.provide(onMock(options, { tokenLatency: "25 seconds" })))

  it.effect("follows a longer timeout of the token endpoint", () =>
    Effect.gen(function*() {
      expect(yield* slow({ timeout: "30 seconds" })).toBe("token")
      expect(yield* slow({ timeout: "20 seconds", refresh: { attempts: 1 } })).toContain(
        "within 20s. Check the network, or raise the `timeout`."
      )
      expect(yield* slow({ timeout: "30 seconds", refresh: { attempts: 1, acquisitionTimeout: "20 seconds" } })).toBe(
        "No token within 20s. Raise the `acquisitionTimeout`, or find out what takes so long."
      )
    }))
})

describe("invariant 6: no hammering", () => {
  it.effect("a refusal is answered from memory, for a second at first and for five minutes in the end", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      for (let i = 0; i < 100; i++) {
        const error = yield* Effect.flip(provider.get)
        expect(error._tag).toBe("InvalidCredentials")
      }
      expect(yield* mock.tokenRequests).toBe(1)
      const load = yield* Effect.fork(Effect.repeat(Effect.exit(provider.get), everyTenSeconds))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.interrupt(load)
      const times = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "token").map(({ at }) => at)
      const pauses = times.slice(1).map((at, index) => at - times[index]!)
      expect(pauses[0]).toBeLessThanOrEqual(10 * 1000)
      for (const [index, pause] of pauses.entries()) {
        const step = Math.min(1000 * 2 ** index, 5 * minute)
        expect(pause).toBeGreaterThanOrEqual(step / 2)
        expect(pause).toBeLessThanOrEqual(step + 10_000)
      }
      expect(pauses.length).toBeLessThanOrEqual(9 + 24)
    }).pipe(Effect.provide(Rotating({ credentials: wrong }))))

  it.effect("a secret that becomes valid ten seconds later is used after at most twenty, with at most six token requests", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const succeeded = yield* Effect.fork(
        Effect.flatMap(Effect.retry(provider.get, everySecond), () => Clock.currentTimeMillis)
      )
      yield* mock.inject("token", Fault.status(401, { body: { error: "invalid_client" } }), { times: Infinity })
      yield* TestClock.adjust("10 seconds")
      yield* mock.clearFaults
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(succeeded)).toBeLessThanOrEqual(20_000)
      expect(yield* mock.tokenRequests).toBeLessThanOrEqual(6)
    }).pipe(Effect.provide(onMock())))

  it.effect("a refusal holds for the credentials that were refused, not for their successor", () => {
    const current = { credentials: wrong }
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* Effect.flip(provider.get)
      current.credentials = { clientId, clientSecret }
      yield* provider.get
      expect(yield* mock.tokenRequests).toBe(2)
      expect((yield* provider.status).state).toBe("valid")
    }).pipe(Effect.provide(Rotating(current)))
  })

  it.effect.each([
    { secrets: "two in turn", secretOf: (read: number) => `wrong-${read % 2}` },
    { secrets: "another one each time", secretOf: (read: number) => `wrong-${read}` }
  ])("refused credentials that change at each read are sent as rarely as others: $secrets", ({ secretOf }) => {
    let reads = 0
    const current = Effect.sync(() => ({ clientId, clientSecret: Redacted.make(secretOf(reads++)) }))
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      for (let i = 0; i < 100; i++) {
        const error = yield* Effect.flip(provider.get)
        expect(error._tag).toBe("InvalidCredentials")
      }
      expect(yield* mock.tokenRequests).toBe(4)
      expect(reads).toBe(4)
      const load = yield* Effect.fork(Effect.repeat(Effect.exit(provider.get), everySecond))
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.interrupt(load)
      // After 1, 2, 4, ... 128 seconds, half of that at the least.
      expect(yield* mock.tokenRequests).toBeLessThanOrEqual(4 + 9)
      expect(yield* mock.tokenRequests).toBeGreaterThanOrEqual(4 + 7)
    }).pipe(Effect.provide(FromSource(current)))
  })

  it.effect("a second rotation is used as immediately as the first", () => {
    const current = { credentials: wrong }
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      for (const secret of ["wrong-1", "wrong-2"]) {
        yield* Effect.flip(provider.get)
        yield* TestClock.adjust("30 seconds")
        yield* Effect.flip(provider.get)
        current.credentials = { clientId, clientSecret: Redacted.make(secret) }
      }
      yield* Effect.flip(provider.get)
      current.credentials = { clientId, clientSecret }
      yield* provider.get
      expect(yield* mock.tokenRequests).toBe(6)
    }).pipe(Effect.provide(Rotating(current)))
  })

  it.effect("a refusal is not forgotten when the credentials source fails meanwhile", () => {
    let asked = 0
    const current = Effect.suspend(() => asked++ % 2 === 0 ? Effect.succeed(wrong) : Effect.fail("vault sealed"))
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const load = yield* Effect.fork(Effect.repeat(Effect.exit(provider.get), everySecond))
      yield* TestClock.adjust("290 seconds")
      yield* Fiber.interrupt(load)
      expect(asked).toBeGreaterThan(10)
      // After 1, 2, 4, ... 256 seconds, each half of that at the least.
      expect(yield* mock.tokenRequests).toBeLessThanOrEqual(10)
    }).pipe(Effect.provide(FromSource(current)))
  })

  it.effect("while a renewal is refused, calls with a good token do not read the credentials", () => {
    let asked = 0
    const current = Effect.sync(() => asked++ === 0 ? { clientId, clientSecret } : wrong)
    return Effect.gen(function*() {
      const { provider } = yield* subjects
      yield* provider.get
      const load = yield* Effect.fork(Effect.repeat(provider.get, everyTenSeconds))
      yield* TestClock.adjust("59 minutes")
      yield* Fiber.interrupt(load)
      // After 1, 2, 4, ... 256 seconds, then every five minutes, half of that at the least.
      expect(asked).toBeLessThan(20)
    }).pipe(Effect.provide(FromSource(current)))
  })

  it.effect("a refusal of a renewal is not forgotten when the credentials source fails meanwhile", () => {
    let asked = 0
    const current = Effect.suspend(() =>
      asked++ === 0
        ? Effect.succeed({ clientId, clientSecret })
        : asked % 2 === 0
        ? Effect.succeed(wrong)
        : Effect.fail("sealed")
    )
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* provider.get
      yield* TestClock.adjust("59 minutes")
      // Up to 17 minutes of renewal: after 1, 2, 4, ... 256 seconds, then every five minutes, half of that at the least.
      expect(yield* mock.tokenRequests).toBeLessThanOrEqual(1 + 9 + 6)
      expect(asked).toBeLessThan(60)
    }).pipe(Effect.provide(FromSource(current)))
  })

  it.effect("a token that has expired before it arrives is not used, and not asked for in a loop", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const caller = yield* Effect.fork(Effect.flip(provider.get))
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(caller)
      expect(error._tag === "TokenEndpointUnavailable" && error.reason).toBe("Timeout")
      yield* TestClock.adjust("10 minutes")
      expect(yield* mock.tokenRequests).toBe(3)
    }).pipe(Effect.provide(onMock({}, { tokenLatency: "4 seconds", tokenLifetime: "3 seconds" }))))

  it.effect("a slow credentials source does not make the token older than it is", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const caller = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("11 seconds")
      yield* Fiber.join(caller)
      expect((yield* provider.status).state).toBe("valid")
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(
      FromSource(Effect.delay(Effect.succeed({ clientId, clientSecret }), "11 seconds"), {
        tokenLifetime: "10 seconds"
      })
    )))

  it.effect("a call gives up after `attempts` failed acquisitions, however many callers there are", () =>
    Effect.gen(function*() {
      const { provider } = yield* subjects
      const callers = yield* Effect.fork(
        Effect.forEach(Array.from({ length: 50 }), () => Effect.flip(provider.get), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("3 seconds")
      expect((yield* Fiber.join(callers)).length).toBe(50)
    }).pipe(Effect.provide(FromSource(Effect.fail("vault sealed"), {}, { refresh: { backoffMaximum: "1 second" } }))))
})

describe("invariant 10: time is a service", () => {
  it.effect("after hours of suspension the next call carries a new token, though no timer has fired", () =>
    Effect.gen(function*() {
      const { jump, withClock } = yield* skewable
      yield* Effect.gen(function*() {
        const { client, mock } = yield* subjects
        yield* client.get("/v2/companies")
        yield* jump(5 * hour)
        expect((yield* client.get("/v2/companies")).status).toBe(200)
        expect((yield* mock.ledger).filter((entry) => entry.status === 401)).toEqual([])
        expect(yield* mock.tokenRequests).toBe(2)
      }).pipe(Effect.provide(onMock()), withClock)
    }))

  it.effect("a wall clock that is set back does not keep a dead token alive", () =>
    Effect.gen(function*() {
      const { jump, withClock } = yield* skewable
      yield* Effect.gen(function*() {
        const { mock, provider } = yield* subjects
        yield* provider.get
        yield* jump(-2 * hour)
        yield* mock.inject("token", Fault.status(503), { times: Infinity })
        yield* TestClock.adjust("61 minutes")
        const caller = yield* Effect.fork(Effect.flip(provider.get))
        yield* TestClock.adjust("10 seconds")
        expect((yield* Fiber.join(caller))._tag).toBe("TokenEndpointUnavailable")
      }).pipe(Effect.provide(onMock()), withClock)
    }))

  it.effect("a flight that was frozen with the process is overtaken, and those who wait for it are taken along", () =>
    Effect.gen(function*() {
      const { jump, withClock } = yield* skewable
      yield* Effect.gen(function*() {
        const { mock, provider } = yield* subjects
        yield* mock.inject("token", Fault.hang)
        const waiting = yield* Effect.fork(provider.get)
        yield* TestClock.adjust("1 second")
        yield* jump(hour)
        const token = yield* provider.get
        expect(AccessToken.equals(token, yield* Fiber.join(waiting))).toBe(true)
        expect(yield* mock.tokenRequests).toBe(2)
      }).pipe(Effect.provide(onMock()), withClock)
    }))

  it.effect("a source that nothing can interrupt delays those who wait by one acquisition, and is too late then", () => {
    let asked = 0
    const gate = Deferred.unsafeMake<void>(FiberId.none)
    // Neither the time-out nor an interruption ends it.
    const lost = Effect.uninterruptible(Deferred.await(gate))
    const current = Effect.suspend(() => Effect.as(asked++ === 0 ? lost : Effect.void, { clientId, clientSecret }))
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const waiting = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("14 seconds")
      expect(waiting.unsafePoll()).toBe(null)
      // The time of the acquisition, and the first backoff.
      yield* TestClock.adjust("3 seconds")
      const token = yield* Fiber.join(waiting)
      expect(yield* provider.get).toBe(token)
      // What it brings in the end is too late.
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("1 second")
      expect(yield* provider.get).toBe(token)
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(FromSource(current)))
  })

  it.effect("a source that never answers, and that nothing can interrupt, is an error like any other", () => {
    let asked = 0
    const current = Effect.suspend(() => {
      asked++
      return Effect.uninterruptible(Effect.never)
    })
    return Effect.gen(function*() {
      const { provider } = yield* subjects
      const waiting = yield* Effect.fork(Effect.flip(provider.get))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(waiting)).toMatchObject({
        _tag: "TokenEndpointUnavailable",
        reason: "CredentialsSource",
        message: "The credentials source gave no answer within 15s."
      })
      expect(asked).toBe(3)
    }).pipe(Effect.provide(FromSource(current)))
  })

  it.effect("one that is asked for a replacement fails the rejected request, and not the next one", () => {
    let asked = 0
    const gate = Deferred.unsafeMake<void>(FiberId.none)
    const lost = Effect.uninterruptible(Deferred.await(gate))
    const current = Effect.suspend(() => Effect.as(asked++ === 1 ? lost : Effect.void, { clientId, clientSecret }))
    return Effect.gen(function*() {
      const { client, mock } = yield* subjects
      yield* client.get("/v2/companies")
      yield* TestClock.adjust("10 seconds")
      yield* mock.revokeTokens
      const rejected = yield* Effect.fork(Effect.flip(client.get("/v2/companies")))
      yield* TestClock.adjust("15 seconds")
      expect(yield* Fiber.join(rejected)).toMatchObject({ reason: "CredentialsSource" })
      yield* TestClock.adjust("10 seconds")
      expect((yield* client.get("/v2/companies")).status).toBe(200)
      expect(yield* mock.tokenRequests).toBe(2)
      yield* Deferred.succeed(gate, undefined)
    }).pipe(Effect.provide(FromSource(current)))
  })

  it.effect("the time that the machine slept counts as waiting for Retry-After", () =>
    Effect.gen(function*() {
      const { jump, withClock } = yield* skewable
      yield* Effect.gen(function*() {
        const { mock, provider } = yield* subjects
        yield* mock.inject("token", Fault.rateLimited({ retryAfter: Duration.hours(1) }))
        yield* Effect.flip(provider.get)
        yield* jump(3 * hour)
        yield* provider.get
      }).pipe(Effect.provide(onMock()), withClock)
    }))
})

describe("invariant 11: nothing left behind", () => {
  it.effect("closing the scope ends the refresh fiber", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* Effect.scoped(
        Effect.gen(function*() {
          const context = yield* Layer.build(clientOn)
          yield* Effect.flatMap(TokenProvider.TokenProvider, (provider) => provider.get).pipe(
            Effect.provide(context)
          )
          yield* TestClock.adjust("1 hour")
          expect(yield* mock.tokenRequests).toBe(2)
        })
      )
      yield* TestClock.adjust("10 hours")
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(MockSpotnana.layer({ clientId, clientSecret }))))

  it.effect("closing the scope ends an acquisition in flight, and its callers die with a sentence that says so", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("token", Fault.hang)
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(clientOn, scope)
      const provider = Context.get(context, TokenProvider.TokenProvider)
      const waiting = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Fiber.await(waiting)
      expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain("Provide it to the whole program")
      expect(Exit.isFailure(yield* Effect.exit(provider.get))).toBe(true)
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(MockSpotnana.layer({ clientId, clientSecret }))))

  it.effect("a scope that closes during a renewal starts no further request", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(clientOn, scope)
      const provider = Context.get(context, TokenProvider.TokenProvider)
      yield* provider.get
      yield* mock.inject("token", Fault.hang)
      yield* TestClock.adjust("43 minutes")
      while ((yield* mock.tokenRequests) < 2) yield* TestClock.adjust("5 seconds")
      const insistent = yield* Effect.fork(
        Effect.repeat(Effect.sandbox(provider.get).pipe(Effect.exit), { schedule: everySecond, times: 10 })
      )
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("2 hours")
      yield* Fiber.interrupt(insistent)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(MockSpotnana.layer({ clientId, clientSecret }))))
})

describe("invariant 11: after the layer was closed", () => {
  it.effect.each(["with", "without"])(
    "a call dies with a sentence that says what to do, %s a token",
    (what) =>
      Effect.gen(function*() {
        const { client, provider } = yield* Effect.scoped(
          Effect.gen(function*() {
            const made = yield* Effect.provide(subjects, yield* Layer.build(onMock()))
            if (what === "with") yield* made.provider.get
            return made
          })
        )
        const token = { value: Redacted.make("x"), ...times }
        const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          provider.get,
          client.get("/v2/companies"),
          provider.reject(token),
          provider.replacement(token)
        ]
        for (const call of calls) {
          const exit = yield* Effect.exit(call)
          expect(Exit.isFailure(exit) && Cause.isDie(exit.cause) && Cause.pretty(exit.cause)).toContain(
            "The layer of the Spotnana client was closed before the request ended"
          )
        }
      })
  )
})

describe("invariant 12: open to change", () => {
  const answers: ReadonlyArray<readonly [string, Fault.Fault]> = [
    ["garbage", Fault.garbage],
    ["a dropped connection", Fault.drop],
    ["no answer", Fault.hang],
    ["an empty body", Fault.status(200)],
    ["a token that expires at once", Fault.status(200, { body: { access_token: "a", expires_in: 0 } })]
  ]
  for (const [name, fault] of answers) {
    it.effect(`${name} for ever is a typed error within a minute`, () =>
      Effect.gen(function*() {
        const { mock, provider } = yield* subjects
        yield* mock.inject("token", fault, { times: Infinity })
        const caller = yield* Effect.fork(Effect.flip(provider.get))
        yield* TestClock.adjust("1 minute")
        expect(AuthError.isAuthError(yield* Fiber.join(caller))).toBe(true)
      }).pipe(Effect.provide(onMock())))
  }

  it.effect.each(["body", "basic"] as const)(
    "a defect of the HTTP client is a typed error without the secret, sent by %s",
    (
      clientAuthentication
    ) =>
      Effect.gen(function*() {
        const broken = HttpClient.make((request) =>
          Effect.die(
            new Error(
              `cannot send ${
                request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
              }${request.headers.authorization}`
            )
          )
        )
        const error = yield* Effect.flip(
          Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get).pipe(Effect.provide(
            SpotnanaHttpClient.layer({ clientId, clientSecret, clientAuthentication, refresh: { attempts: 1 } }).pipe(
              Layer.provide(Layer.succeed(HttpClient.HttpClient, broken))
            )
          ))
        )
        // Of the body each word that has the secret in it, of the header what is the secret.
        expect(error.message).toMatch(
          /^The token request to https:\/\/api\.spotnana\.com\/v2\/auth\/oauth2-token ended unexpectedly: (Error: cannot send )?<redacted>\.$/
        )
      })
  )
})

describe("invariant 13: credentials may change under way", () => {
  it.effect("a rotated secret is used at the next acquisition, and no request is lost", () => {
    const current = { credentials: { clientId, clientSecret } }
    return Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const load = yield* Effect.fork(
        Effect.repeat(client.get("/v2/companies?limit=1"), { schedule: everyTenSeconds, times: 720 })
      )
      yield* TestClock.adjust("30 minutes")
      current.credentials = yield* mock.rotateSecret()
      yield* TestClock.adjust("2 hours")
      yield* Fiber.join(load)
      const refused = (yield* mock.ledger).filter((entry) => entry.endpoint === "token" && entry.status !== 200)
      expect(refused).toEqual([])
      expect((yield* mock.ledger).filter((entry) => entry.endpoint === "api" && entry.status === 401).length).toBe(1)
    }).pipe(Effect.provide(Rotating(current)))
  })

  it.effect("a call after the rotation is not refused with a token request that was sent before", () => {
    const current = { credentials: { clientId, clientSecret: Redacted.make("a-secret-that-is-wrong") } }
    return Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.configure({ tokenLatency: "1 second" })
      const before = yield* Effect.fork(Effect.flip(provider.get))
      yield* TestClock.adjust("500 millis")
      current.credentials = { clientId, clientSecret }
      const after = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("3 seconds")
      expect((yield* Fiber.join(before))._tag).toBe("InvalidCredentials")
      yield* Fiber.join(after)
      expect((yield* mock.ledger).map(({ status }) => status)).toEqual([401, 200])
    }).pipe(Effect.provide(Rotating(current)))
  })
})

describe("status and changes", () => {
  it.effect("tell the life of a token", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const states: Array<string> = []
      yield* Effect.fork(
        Stream.runForEach(provider.changes, (status) => Effect.sync(() => states.push(status.state)))
      )
      yield* Effect.yieldNow()
      const acquired = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("1 second")
      const token = yield* Fiber.join(acquired)
      const status = yield* provider.status
      expect(status.state).toBe("valid")
      expect(status.expiresAt).toEqual(token.expiresAt)
      expect(DateTime.toEpochMillis(status.nextRenewalAt!)).toBeLessThanOrEqual(0.8 * hour)
      yield* TestClock.adjust("50 minutes")
      yield* mock.inject("token", Fault.status(503), { times: Infinity })
      yield* provider.reject(yield* provider.get)
      yield* TestClock.adjust("150 millis")
      expect((yield* provider.status).state).toBe("valid")
      expect((yield* provider.status).lastError?._tag).toBe("TokenEndpointUnavailable")
      expect(states).toEqual(["empty", "acquiring", "valid", "renewing", "valid", "renewing", "valid"])
    }).pipe(Effect.provide(onMock({}, { tokenLatency: "100 millis" }))))

  it.effect("an outage past the token's expiry shows as failed", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* provider.get
      yield* mock.inject("token", Fault.status(503), { times: Infinity })
      yield* TestClock.adjust("61 minutes")
      expect((yield* provider.status).state).toBe("failed")
    }).pipe(Effect.provide(onMock())))

  it.effect("after the provider was closed, changes interrupts whether it was read before or not", () =>
    Effect.gen(function*() {
      for (const isRead of [true, false]) {
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(Layer.fresh(onMock()), scope)
        const { changes } = Context.get(context, TokenProvider.TokenProvider)
        const reader = isRead ? yield* Effect.fork(Stream.runDrain(changes)) : undefined
        yield* TestClock.adjust(0)
        yield* Scope.close(scope, Exit.void)
        if (reader !== undefined) expect(yield* Fiber.await(reader)).toEqual(Exit.void)
        const after = yield* Effect.forkDaemon(Stream.runDrain(changes))
        expect(Exit.isInterrupted(yield* Fiber.await(after))).toBe(true)
      }
    }))

  it.effect("the first status that a reader gets is the one now, also after another reader", () =>
    Effect.gen(function*() {
      const { provider } = yield* subjects
      yield* Effect.fork(Stream.runDrain(provider.changes))
      yield* provider.get
      // The token expires, which is no change of its own.
      yield* TestClock.adjust("2 hours")
      expect(Option.getOrThrow(yield* Stream.runHead(provider.changes)).state).toBe("expired")
    }).pipe(Effect.provide(onMock({ refresh: { mode: "onDemand" } }))))

  it.effect("a slow reader gets what it has not read yet after the provider was closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Layer.fresh(onMock()), scope)
      const { changes, get } = Context.get(context, TokenProvider.TokenProvider)
      const seen: Array<string> = []
      const reader = yield* Effect.fork(
        Stream.runForEach(changes, ({ state }) => Effect.delay(Effect.sync(() => seen.push(state)), "1 minute"))
      )
      yield* TestClock.adjust(0)
      yield* get
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("10 minutes")
      yield* Fiber.join(reader)
      expect(seen).toEqual(["empty", "acquiring", "valid"])
    }))

  it.effect("a reader that is too far behind misses the oldest changes, not the last one", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      let last = ""
      yield* Effect.fork(
        Stream.runForEach(provider.changes, ({ state }) => Effect.sync(() => last = state).pipe(Effect.delay("1 day")))
      )
      yield* TestClock.adjust(0)
      for (let i = 0; i < 100; i++) {
        yield* provider.reject(yield* provider.get)
        yield* TestClock.adjust("1 minute")
      }
      yield* TestClock.adjust("2 hours")
      yield* mock.rotateSecret()
      yield* Effect.flip(provider.get)
      yield* TestClock.adjust("200 days")
      expect(last).toBe("failed")
    }).pipe(Effect.provide(onMock({ refresh: { mode: "onDemand" } }))))

  it.effect("nobody who is slow to read the changes makes memory grow", () =>
    Effect.gen(function*() {
      const { provider } = yield* subjects
      const seen: Array<string> = []
      const reader = yield* Effect.fork(
        Stream.runForEach(provider.changes, ({ state }) =>
          Effect.sync(() => seen.push(state)).pipe(Effect.delay("1 day")))
      )
      yield* Effect.yieldNow()
      for (let i = 0; i < 200; i++) {
        yield* provider.reject(yield* provider.get)
        yield* TestClock.adjust("1 minute")
      }
      yield* TestClock.adjust("100 days")
      yield* Fiber.interrupt(reader)
      expect(seen.length).toBeLessThanOrEqual(100)
    }).pipe(Effect.provide(onMock({ refresh: { mode: "onDemand" } }))))
})

describe("eager", () => {
  it.effect("acquires the first token when the layer is built", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      expect(yield* mock.tokenRequests).toBe(1)
      yield* provider.get
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(onMock({ eager: true }))))

  it.effect("in the background it begins then, and neither waits nor fails", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      // No time passes while the layer is built.
      const context = yield* Layer.buildWithScope(onMock({ eager: "background" }, { tokenLatency: "1 second" }), scope)
      const { mock, provider } = yield* Effect.provide(subjects, context)
      expect((yield* provider.status).state).toBe("acquiring")
      const call = yield* Effect.fork(provider.get)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(call)
      expect(yield* mock.tokenRequests).toBe(1)
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("in the background it tries as often as a call, and leaves the error to the calls", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* mock.inject("token", Fault.status(503), { times: 2 })
      yield* TestClock.adjust("10 seconds")
      expect((yield* provider.status).state).toBe("valid")
    }).pipe(Effect.provide(onMock({ eager: "background" }, { tokenLatency: "10 millis" }))))

  it.effect("in the background refused credentials fail the calls, not the layer", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* TestClock.adjust(0)
      expect((yield* provider.status).state).toBe("failed")
      expect((yield* Effect.flip(provider.get))._tag).toBe("InvalidCredentials")
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(onMock({ eager: "background" }, { clientSecret: "another" }))))

  it.effect("a layer that closes while it acquires in the background ends it", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const layer = onMock({ eager: "background" }, { tokenLatency: "1 hour" })
      const context = yield* Layer.buildWithScope(layer, scope)
      const { mock } = yield* Effect.provide(subjects, context)
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("2 hours")
      expect(yield* mock.tokenRequests).toBe(1)
    }))

  it.effect("is true, false or background, in JavaScript too", () =>
    Effect.gen(function*() {
      const options = { eager: "yes" } as unknown as SpotnanaHttpClient.Options<false>
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(onMock(options))))
      expect(Exit.isFailure(exit) && String(Cause.squash(exit.cause))).toContain(
        "TokenProvider.eager is \"yes\"; expected true or false or background"
      )
    }))

  it.effect("fails there with InvalidCredentials", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Layer.build(onMock({ eager: true }, { clientSecret: "another" })).pipe(Effect.scoped)
      )
      expect(error._tag).toBe("InvalidCredentials")
    }))
})
