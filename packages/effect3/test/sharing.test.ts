import { Environment, SpotnanaHttpClient, TokenProvider, TokenStore } from "@effect-spotnana/effect3"
import { Fault, MockSpotnana } from "@effect-spotnana/effect3/testing"
import { StoredToken } from "@effect-spotnana/engine"
import { describe, expect, it } from "@effect/vitest"
import {
  Clock,
  Context,
  DateTime,
  Duration,
  Effect,
  Fiber,
  Layer,
  Option,
  Redacted,
  Ref,
  Scope,
  Stream,
  TestClock
} from "effect"
import { makeAudit } from "./support/audit.ts"
import { clientId, clientSecret, skewable } from "./support/harness.ts"
import { seriesOf } from "./support/series.ts"

/** What the fleet has in common: the store, in memory, which can be made to fail, and the Spotnana that it calls. */
class Fleet extends Context.Tag("Fleet")<Fleet, {
  readonly fail: Ref.Ref<Effect.Effect<void, TokenStore.TokenStoreError>>
}>() {}

const fleetWith = (tokenLatency: Duration.DurationInput) =>
  Layer.unwrapEffect(
    Effect.gen(function*() {
      const fail = yield* Ref.make<Effect.Effect<void, TokenStore.TokenStoreError>>(Effect.void)
      const { backend } = yield* Effect.provide(TokenStore.TokenStore, TokenStore.layerMemory)
      const check = Effect.flatten(Ref.get(fail))
      const unreliable: TokenStore.Backend = {
        name: "unreliable",
        read: (key) => Effect.andThen(check, backend.read(key)),
        lease: (key, time) => Effect.andThen(check, backend.lease(key, time)),
        extend: (key, fence, time) => Effect.andThen(check, backend.extend(key, fence, time)),
        write: (key, fence, payload, time) => Effect.andThen(check, backend.write(key, fence, payload, time)),
        release: (key, fence, backoff) => Effect.andThen(check, backend.release(key, fence, backoff)),
        changes: (key) => Effect.andThen(check, backend.changes(key))
      }
      return Layer.merge(Layer.succeed(Fleet, { fail }), TokenStore.layer(Effect.succeed(unreliable)))
    })
  ).pipe(
    Layer.provideMerge(MockSpotnana.layerHttpClient),
    Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, tokenLatency }))
  )

const fleet = fleetWith("1 second")

type Options = SpotnanaHttpClient.Options<false> & {
  readonly clientId?: string
  readonly clientSecret?: Redacted.Redacted
}

const instance = (options?: Options) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const services = yield* Layer.buildWithScope(
      Layer.fresh(SpotnanaHttpClient.layer({ clientId, clientSecret, ...options })),
      scope
    )
    return {
      scope,
      provider: Context.get(services, TokenProvider.TokenProvider),
      client: Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
    }
  })

const instances = (count: number, options?: Options) =>
  Effect.all(Array.from({ length: count }, () => instance(options)))

/** What every instance answers, with time going on under them. */
const all = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>, time: Duration.DurationInput = "1 minute") =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(Effect.all(effects, { concurrency: "unbounded" }))
    yield* TestClock.adjust(time)
    return yield* Fiber.join(fiber)
  })

const values = (tokens: ReadonlyArray<{ readonly value: Redacted.Redacted }>) =>
  new Set(tokens.map(({ value }) => Redacted.value(value)))

const mock = MockSpotnana.MockSpotnana

describe("sharing", () => {
  it.effect("invariant 1, of a fleet: fifty that start cold make one token request, and wait for nothing else", () =>
    Effect.gen(function*() {
      const fleet = yield* instances(50)
      const tokens = yield* all(fleet.map(({ provider }) => provider.get), "1 second")
      expect(values(tokens).size).toBe(1)
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
      // One that comes later takes the token that is there, with what is left of its life.
      yield* TestClock.adjust("20 minutes")
      const late = yield* instance()
      const [token] = yield* all([late.provider.get], 0)
      expect(values([token!, tokens[0]!]).size).toBe(1)
      expect(token!.expiresAt).toEqual(tokens[0]!.expiresAt)
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
    }).pipe(Effect.provide(fleet)))

  it.effect("invariant 1, of a fleet: a token request that may take 30 seconds is waited for", () =>
    Effect.gen(function*() {
      const fleet = yield* instances(2, { timeout: "30 seconds" })
      const tokens = yield* all(fleet.map(({ provider }) => provider.get))
      expect(values(tokens).size).toBe(1)
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
    }).pipe(Effect.provide(fleetWith("25 seconds"))))

  it.effect("a server that hands out the same token until it expires costs a fleet few token requests for each", () =>
    Effect.gen(function*() {
      const fleet = yield* instances(5)
      yield* all(fleet.map(({ client }) => client.get("/v2/companies")))
      const { value } = yield* fleet[0]!.provider.get
      const begin = yield* Clock.currentTimeMillis
      // Whatever it is asked within the hour, it is the first token, with what is left of it.
      for (let left = 3_600; left > 20;) {
        left = Math.floor(3_538 - ((yield* Clock.currentTimeMillis) - begin) / 1_000)
        yield* mock.use(({ clearFaults }) => clearFaults)
        yield* mock.use(({ inject }) =>
          inject("token", Fault.status(200, { body: { access_token: Redacted.value(value), expires_in: left } }), {
            times: Infinity
          })
        )
        const calls = fleet.map(({ client }) => client.get("/v2/companies"))
        expect((yield* all(calls, "10 seconds")).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
      }
      expect(yield* mock.use((_) => _.tokenRequests)).toBeLessThanOrEqual(5)
    }).pipe(Effect.provide(fleet)))

  it.effect("twenty processes make one token request per renewal in a day, and no call waits or fails", () =>
    Effect.gen(function*() {
      const fleet = yield* instances(20)
      yield* all(fleet.map(({ client }) => client.get("/v2/companies")))
      for (let hour = 0; hour < 24; hour++) {
        yield* TestClock.adjust("1 hour")
        const answers = yield* all(fleet.map(({ client }) => client.get("/v2/companies")), 0)
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      }
      const requests = yield* mock.use((_) => _.tokenRequests)
      // Every 80 % of an hour, a little earlier by the jitter of whoever is first.
      expect(requests).toBeGreaterThan(28)
      expect(requests).toBeLessThan(38)
      expect((yield* mock.use((_) => _.ledger)).filter(({ status }) => status === 401)).toEqual([])
    }).pipe(Effect.provide(fleet)))

  it.effect("invariant 7, of a fleet: a revoked token is replaced once, and reaches those who did not ask", () =>
    Effect.gen(function*() {
      const fleet = yield* instances(20)
      yield* all(fleet.map(({ client }) => client.get("/v2/companies")))
      yield* mock.use((_) => _.revokeTokens)
      yield* all([fleet[0]!.client.get("/v2/companies")])
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(2)
      yield* mock.use((_) => _.clearLedger)
      const answers = yield* all(fleet.map(({ client }) => client.get("/v2/companies")), 0)
      expect(answers.every(({ status }) => status === 200)).toBe(true)
      expect((yield* mock.use((_) => _.ledger)).map(({ status }) => status)).toEqual(answers.map(() => 200))
    }).pipe(Effect.provide(fleet)))

  it.effect("invariant 10, of a fleet: a clock that was set back makes a revocation cost no more token requests", () =>
    Effect.gen(function*() {
      const { jump, withClock } = yield* skewable
      const requestsAfter = (step: number) =>
        Effect.gen(function*() {
          const fleet = yield* instances(2)
          const call = all(fleet.map(({ client }) => Effect.exit(client.get("/v2/companies"))), "1 second")
          yield* call
          yield* TestClock.adjust("5 minutes")
          yield* jump(step)
          yield* mock.use((_) => _.revokeTokens)
          yield* mock.use((_) => _.clearLedger)
          for (let n = 0; n < 600; n++) yield* call
          return yield* mock.use((_) => _.tokenRequests)
        }).pipe(Effect.provide(Layer.fresh(fleet)), withClock)
      expect(yield* requestsAfter(0)).toBe(1)
      expect(yield* requestsAfter(-600_000)).toBe(1)
    }))

  it.effect("invariant 7, of a fleet: all that get a 401 at once make one token request", () =>
    Effect.gen(function*() {
      const fleet = yield* instances(20)
      yield* all(fleet.map(({ client }) => client.get("/v2/companies")))
      yield* mock.use((_) => _.revokeTokens)
      const answers = yield* all(fleet.map(({ client }) => client.get("/v2/companies")))
      expect(answers.every(({ status }) => status === 200)).toBe(true)
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(2)
    }).pipe(Effect.provide(fleet)))

  it.effect("invariant 7, of a fleet: an endpoint that answers 401 to all of them costs each four token requests in ten minutes", () =>
    Effect.gen(function*() {
      const fleet = yield* instances(20)
      yield* all(fleet.map(({ client }) => client.get("/v2/companies")))
      const minutes = 10
      for (let call = 0; call < 12 * minutes; call++) {
        const { client } = fleet[call % fleet.length]!
        yield* mock.use((_) => _.inject("api", Fault.status(401), { times: 2 }))
        const [error] = yield* all([Effect.flip(client.get("/v2/users/x"))], "5 seconds")
        expect(error!._tag).toBe("TokenExpired")
        yield* mock.use((_) => _.clearFaults)
        const [answer] = yield* all([fleet[(call * 7) % fleet.length]!.client.get("/v2/companies")], 0)
        expect(answer!.status).toBe(200)
      }
      expect(yield* mock.use((_) => _.tokenRequests)).toBeLessThanOrEqual(1 + 4 * fleet.length)
    }).pipe(Effect.provide(fleet)))

  it.effect("invariant 5, of a fleet: a failure is everybody's, with its Retry-After, and costs one request", () =>
    Effect.gen(function*() {
      yield* mock.use((_) => _.inject("token", Fault.rateLimited({ retryAfter: Duration.seconds(30) })))
      const fleet = yield* instances(20)
      const errors = yield* all(fleet.map(({ provider }) => Effect.flip(provider.get)), "2 seconds")
      for (const error of errors) {
        expect(error).toMatchObject({ _tag: "TokenEndpointUnavailable", reason: "RateLimited", status: 429 })
        const left = Duration.toSeconds(
          Option.getOrThrow(Option.fromNullable("retryAfter" in error ? error.retryAfter : undefined))
        )
        expect(left).toBeGreaterThan(20)
        expect(left).toBeLessThan(70)
      }
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
      yield* TestClock.adjust("2 minutes")
      yield* all(fleet.map(({ provider }) => provider.get), "1 minute")
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(2)
    }).pipe(Effect.provide(fleet)))

  it.effect("invariant 6, of a fleet: refused credentials are everybody's who has the same, and nobody else's", () =>
    Effect.gen(function*() {
      const wrong = Redacted.make("wr0ng")
      const refused = yield* instances(20, { clientSecret: wrong })
      const right = yield* instance()
      const errors = yield* all(refused.map(({ provider }) => Effect.flip(provider.get)), "1 second")
      expect(errors.map(({ _tag }) => _tag)).toEqual(errors.map(() => "InvalidCredentials"))
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
      // Within the second for which the others are told.
      yield* all([right.provider.get], "3 seconds")
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(2)
      // What one of them may do is not hidden from the others.
      expect(values(yield* all(refused.map(({ provider }) => provider.get))).size).toBe(1)
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(2)
    }).pipe(Effect.provide(fleet)))

  it.effect("a fleet makes no more token requests to a failing endpoint than one process", () =>
    Effect.gen(function*() {
      yield* mock.use((_) => _.inject("token", Fault.status(503), { times: Infinity }))
      const fleet = yield* instances(5)
      for (const { provider } of fleet) {
        yield* Effect.fork(Effect.forever(Effect.delay(Effect.exit(provider.get), "5 seconds")))
      }
      yield* TestClock.adjust("10 minutes")
      // Half of each step at the least: up to 16 s in eight steps, and half a minute from then on.
      expect(yield* mock.use((_) => _.tokenRequests)).toBeLessThanOrEqual(8 + 20)
      yield* mock.use((_) => _.clearFaults)
      // A request that is under way fails too, and the step after it is a minute at the most.
      yield* TestClock.adjust("2 minutes")
      expect(values(yield* all(fleet.map(({ provider }) => provider.get))).size).toBe(1)
    }).pipe(Effect.provide(fleet)))

  it.effect("invariant 7, of a fleet: a token is rejected by its value, whoever made the object", () =>
    Effect.gen(function*() {
      const [one, two] = yield* instances(2)
      const [token] = yield* all([one!.provider.get, two!.provider.get])
      yield* one!.provider.reject({ ...token! })
      yield* TestClock.adjust("1 second")
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(2)
      expect(values([yield* two!.provider.get, token!]).size).toBe(2)
    }).pipe(Effect.provide(fleet)))

  it.effect("who has the lease and ends is replaced at once; who freezes with it, within five seconds", () =>
    Effect.gen(function*() {
      const { backend } = yield* TokenStore.TokenStore
      const [first, second] = yield* instances(2)
      yield* Effect.fork(Effect.exit(first!.provider.get))
      yield* TestClock.adjust(100)
      yield* Scope.close(first!.scope, yield* Effect.exit(Effect.void))
      yield* all([second!.provider.get], "1 second")
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(2)

      // Somebody who asks for the lease of the next token, and is not heard of again.
      const keys = new Set<string>()
      const spying = TokenStore.layer(Effect.succeed<TokenStore.Backend>({
        ...backend,
        lease: (key, time) => {
          if (keys.has(key)) return backend.lease(key, time)
          keys.add(key)
          return Effect.andThen(backend.lease(key, time), backend.lease(key, time))
        }
      }))
      yield* TestClock.adjust("2 hours")
      yield* Scope.close(second!.scope, yield* Effect.exit(Effect.void))
      yield* mock.use((_) => _.clearLedger)
      const third = yield* Effect.provide(instance(), spying)
      const started = yield* Effect.fork(third.provider.get)
      yield* TestClock.adjust("4 seconds")
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(0)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(started)
    }).pipe(Effect.provide(fleet)))

  const outages: ReadonlyArray<readonly [string, Effect.Effect<void, TokenStore.TokenStoreError>]> = [
    ["refuses", Effect.fail(new TokenStore.TokenStoreError({ message: "refused" }))],
    ["does not answer", Effect.never]
  ]
  for (const [title, outage] of outages) {
    it.effect(`a store that ${title} costs a second or two, and one request of each process; it comes back by itself`, () =>
      Effect.gen(function*() {
        const audit = makeAudit()
        const { fail } = yield* Fleet
        yield* audit.run(Effect.gen(function*() {
          yield* Ref.set(fail, outage)
          const fleet = yield* instances(3)
          yield* all(fleet.map(({ provider }) => provider.get), "3 seconds")
          expect(yield* mock.use((_) => _.tokenRequests)).toBe(3)
          yield* Ref.set(fail, Effect.void)
          yield* TestClock.adjust("50 minutes")
          expect(yield* mock.use((_) => _.tokenRequests)).toBe(4)
          const tokens = yield* all(fleet.map(({ provider }) => provider.get), 0)
          expect(values(tokens).size).toBe(1)
        }))
        expect(audit.text()).toContain(
          "The token store cannot be used; this process requests tokens by itself until it can"
        )
        expect(audit.text()).toContain("The token store can be used again")
        const tokens = (yield* mock.use((_) => _.ledger)).flatMap(({ token }) =>
          token === undefined ? [] : [Redacted.value(token)]
        )
        expect(audit.search([Redacted.value(clientSecret), ...tokens])).toEqual([])
      }).pipe(Effect.provide(fleet)))
  }

  it.effect("a store that does not answer is waited for once, and not by each call", () =>
    Effect.gen(function*() {
      const { fail } = yield* Fleet
      yield* Ref.set(fail, Effect.never)
      const [one] = yield* instances(1)
      const cold = yield* Effect.fork(one!.provider.get)
      yield* TestClock.adjust("2900 millis")
      expect(cold.unsafePoll()).toBeNull()
      yield* TestClock.adjust("100 millis")
      expect(cold.unsafePoll()).not.toBeNull()
      for (let times = 0; times < 3; times++) {
        yield* mock.use((_) => _.revokeTokens)
        const call = yield* Effect.fork(one!.client.get("/v2/companies"))
        yield* TestClock.adjust("1 second")
        expect(call.unsafePoll()).not.toBeNull()
      }
    }).pipe(Effect.provide(fleet)))

  it.effect("a store that does not report changes is warned about once, and its changes are found all the same", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      const { backend } = yield* TokenStore.TokenStore
      const silent = TokenStore.layer(Effect.succeed<TokenStore.Backend>({
        ...backend,
        changes: () => Effect.fail(new TokenStore.TokenStoreError({ message: "NOPERM" }))
      }))
      yield* audit.run(Effect.provide(
        Effect.gen(function*() {
          const fleet = yield* instances(3)
          const tokens = yield* all(fleet.map(({ provider }) => provider.get), "3 seconds")
          expect(values(tokens).size).toBe(1)
          yield* TestClock.adjust("5 minutes")
        }),
        silent
      ))
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
      const warned = audit.text().match(/^\{.*The token store does not report changes.*"NOPERM".*$/gm)
      expect(warned?.length).toBe(3)
      expect(audit.text()).not.toContain("The token store cannot be used")
    }).pipe(Effect.provide(fleet)))

  it.effect("a store that is slow costs time, and no token", () =>
    Effect.gen(function*() {
      const { fail } = yield* Fleet
      // Slow enough to lose a lease that is not extended from its beginning on.
      yield* Ref.set(fail, Effect.sleep("1900 millis"))
      yield* mock.use((_) => _.configure({ tokenLatency: "3 seconds" }))
      const fleet = yield* instances(4)
      const tokens = yield* all(fleet.map(({ provider }) => provider.get), "15 seconds")
      expect(values(tokens).size).toBe(1)
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
    }).pipe(Effect.provide(fleet)))

  it.effect("who fails does not wait for the store, and tells the others even if it ends right then", () =>
    Effect.gen(function*() {
      const { fail } = yield* Fleet
      yield* mock.use((_) => _.inject("token", Fault.rateLimited({ retryAfter: Duration.minutes(1) })))
      const [one, two] = yield* instances(2)
      const asked = yield* Effect.fork(Effect.flip(one!.provider.get))
      yield* TestClock.adjust("500 millis")
      yield* Ref.set(fail, Effect.sleep("1 second"))
      yield* TestClock.adjust("500 millis")
      expect(asked.unsafePoll()).not.toBeNull()
      yield* Effect.fork(Scope.close(one!.scope, yield* Effect.exit(Effect.void)))
      yield* TestClock.adjust("1 second")
      yield* Ref.set(fail, Effect.void)
      const [error] = yield* all([Effect.flip(two!.provider.get)], 0)
      expect(error).toMatchObject({ _tag: "TokenEndpointUnavailable", reason: "RateLimited" })
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
    }).pipe(Effect.provide(fleet)))

  it.effect("a store that hangs keeps nobody's token back for longer than one operation may take", () =>
    Effect.gen(function*() {
      const { fail } = yield* Fleet
      const [one] = yield* instances(1)
      const started = yield* Effect.fork(one!.provider.get)
      yield* TestClock.adjust(500)
      yield* Ref.set(fail, Effect.never)
      yield* TestClock.adjust("2500 millis")
      expect(started.unsafePoll()).not.toBeNull()
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
    }).pipe(Effect.provide(fleet)))

  it.effect("a token that takes another one's place is taken, even if it expires earlier", () =>
    Effect.gen(function*() {
      const [one, two] = yield* instances(2)
      yield* all([one!.client.get("/v2/companies"), two!.client.get("/v2/companies")])
      yield* mock.use((_) => _.revokeTokens)
      yield* mock.use((_) => _.configure({ tokenLatency: 0, tokenLifetime: "10 minutes" }))
      // So fast that the second hears of the rejection when it has been made good.
      yield* all([one!.client.get("/v2/companies")], 0)
      yield* mock.use((_) => _.clearLedger)
      yield* all([two!.client.get("/v2/companies")], 0)
      expect((yield* mock.use((_) => _.ledger)).map(({ status }) => status)).toEqual([200])
    }).pipe(Effect.provide(fleet)))

  it.effect("a process that starts with a stored token that died while the store was unavailable gets one 401, and replaces it", () =>
    Effect.gen(function*() {
      const { fail } = yield* Fleet
      const [one] = yield* instances(1)
      yield* all([one!.client.get("/v2/companies")])
      yield* mock.use((_) => _.revokeTokens)
      yield* Ref.set(fail, Effect.fail(new TokenStore.TokenStoreError({ message: "refused" })))
      yield* all([one!.client.get("/v2/companies")])
      yield* Ref.set(fail, Effect.void)
      yield* TestClock.adjust("2 seconds")
      yield* mock.use((_) => _.clearLedger)
      const late = yield* instance()
      yield* all([late.client.get("/v2/companies")])
      expect((yield* mock.use((_) => _.ledger)).map(({ endpoint, status }) => `${endpoint} ${status}`)).toEqual([
        "api 401",
        "token 200",
        "api 200"
      ])
    }).pipe(Effect.provide(fleet)))

  it.effect("who finds a token dead that only it has takes no older one from the store", () =>
    Effect.gen(function*() {
      const { fail } = yield* Fleet
      const [one, two] = yield* instances(2)
      yield* all([one!.client.get("/v2/companies")])
      yield* TestClock.adjust("1 minute")
      yield* Ref.set(fail, Effect.fail(new TokenStore.TokenStoreError({ message: "refused" })))
      yield* all([two!.client.get("/v2/companies")])
      yield* Ref.set(fail, Effect.void)
      yield* TestClock.adjust("1 minute")
      yield* mock.use((_) => _.revokeTokens)
      yield* mock.use((_) => _.clearLedger)
      const [answer] = yield* all([two!.client.get("/v2/companies")])
      expect(answer!.status).toBe(200)
      expect((yield* mock.use((_) => _.ledger)).map(({ endpoint, status }) => `${endpoint} ${status}`)).toEqual([
        "api 401",
        "token 200",
        "api 200"
      ])
    }).pipe(Effect.provide(fleet)))

  it.effect("a store that fails when the token is written does not make it be requested again", () =>
    Effect.gen(function*() {
      const { fail } = yield* Fleet
      const [one] = yield* instances(1)
      const started = yield* Effect.fork(one!.provider.get)
      yield* TestClock.adjust(500)
      yield* Ref.set(fail, Effect.fail(new TokenStore.TokenStoreError({ message: "refused" })))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(started)
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(1)
    }).pipe(Effect.provide(fleet)))

  it.effect("who hears of the next token while it waits for the lease asks for none", () =>
    Effect.gen(function*() {
      const fleet = yield* instances(3)
      yield* all(fleet.map(({ provider }) => provider.get))
      const token = yield* fleet[0]!.provider.get
      yield* mock.use((_) => _.revokeTokens)
      // All drop the token, each is told so by the others as well, and all want the next one.
      yield* all(fleet.map(({ provider }) => Effect.andThen(provider.reject(token), provider.get)))
      yield* TestClock.adjust("1 minute")
      expect(yield* mock.use((_) => _.tokenRequests)).toBe(2)
      expect(values(yield* all(fleet.map(({ provider }) => provider.get))).size).toBe(1)
    }).pipe(Effect.provide(fleet)))

  it.effect("a lease that was lost: what comes late gives way to what is newer", () =>
    Effect.gen(function*() {
      const { backend } = yield* TokenStore.TokenStore
      // Somebody else takes the lease and writes, right before this one does.
      const losing = TokenStore.layer(Effect.succeed<TokenStore.Backend>({
        ...backend,
        write: (key, fence, mine, time) =>
          Effect.gen(function*() {
            yield* backend.release(key, fence)
            const lease = yield* backend.lease(key, Duration.minutes(1))
            if (lease._tag === "Granted") {
              const lifetime = Duration.toMillis(Duration.hours(1))
              const expiresAt = (yield* Clock.currentTimeMillis) + lifetime
              const { fence } = lease
              const stored = StoredToken.encode({ value: "newer", lifetime, scope: undefined, expiresAt, fence })
              yield* backend.write(key, fence, Redacted.make(stored), Duration.hours(1))
            }
            return yield* backend.write(key, fence, mine, time)
          })
      }))
      const late = yield* Effect.provide(instance(), losing)
      const [token] = yield* all([late.provider.get])
      expect(Redacted.value(token!.value)).toBe("newer")
      yield* TestClock.adjust("1 minute")
      expect(Redacted.value((yield* late.provider.get).value)).toBe("newer")
    }).pipe(Effect.provide(fleet)))

  it.effect("a store cannot make a token live longer than it does", () =>
    Effect.gen(function*() {
      const { backend } = yield* TokenStore.TokenStore
      const lying = TokenStore.layer(Effect.succeed<TokenStore.Backend>({
        ...backend,
        read: (key) =>
          Effect.map(backend.read(key), Option.map((stored) => ({ ...stored, timeLeft: Duration.days(1) })))
      }))
      const [one] = yield* instances(1)
      yield* all([one!.provider.get])
      yield* TestClock.adjust("10 minutes")
      const two = yield* Effect.provide(instance(), lying)
      const [token] = yield* all([two.provider.get], 0)
      expect(Duration.toMinutes(DateTime.distance(yield* DateTime.now, token!.expiresAt))).toBe(49)
    }).pipe(Effect.provide(fleet)))

  it.effect("tells apart what tokens differ in, and no key has a secret", () =>
    Effect.gen(function*() {
      const keys: Array<string> = []
      const { backend } = yield* Effect.provide(TokenStore.TokenStore, TokenStore.layerMemory)
      const spying = TokenStore.layer(Effect.succeed<TokenStore.Backend>({
        ...backend,
        read: (key) => {
          keys.push(key)
          return backend.read(key)
        }
      }))
      const variants: ReadonlyArray<Options> = [
        {},
        { clientId: "another" },
        { environment: Environment.sandbox },
        { environment: Environment.makeUnsafe({ baseUrl: "https://api.eu.example" }) },
        {
          environment: Environment.makeUnsafe({
            baseUrl: "https://api.eu.example",
            tokenUrl: "https://login.eu.example/oauth/token"
          })
        },
        { scope: "a" },
        { audience: "a" },
        { parameters: { resource: "a" } },
        { parameters: { resource: Redacted.make("p4r4m3t3r") } },
        { parameters: { resource: Redacted.make("an0th3r") } }
      ]
      for (const options of variants) {
        const { provider } = yield* Effect.provide(instance(options), spying)
        yield* all([Effect.exit(provider.get)])
      }
      const distinct = new Set(keys)
      expect(distinct.size).toBe(variants.length)
      for (const key of distinct) expect(key).toMatch(/^[\w.]+:(client|another):[0-9a-f]{32}$/)
      const audit = makeAudit()
      audit.add(keys)
      expect(audit.search([Redacted.value(clientSecret), "p4r4m3t3r", "an0th3r"])).toEqual([])
    }).pipe(Effect.provide(fleet)))

  it.effect("counts who requested a token as a success, and who was told of it as shared, each for its client", () =>
    Effect.gen(function*() {
      const environment = Environment.makeUnsafe({ baseUrl: "https://api.spotnana.com", name: "fleet of five" })
      const fleet = yield* instances(5, { environment })
      yield* all(fleet.map(({ provider }) => provider.get))
      // The next one comes while none of them waits for it.
      yield* TestClock.adjust("1 hour")
      const counters = (yield* seriesOf("fleet of five")).flatMap(([name, labels, count]) =>
        name === "spotnana_auth_acquisitions_total" ? [[labels["client_id"], labels["outcome"], count]] : []
      )
      expect(new Set(counters)).toEqual(new Set([[clientId, "success", 2], [clientId, "shared", 8]]))
    }).pipe(Effect.provide(fleet)))

  it.effect("changes reach who reads them", () =>
    Effect.gen(function*() {
      const [one, two] = yield* instances(2)
      const states: Array<string> = []
      yield* Effect.fork(
        Stream.runForEach(two!.provider.changes, ({ state }) => Effect.sync(() => states.push(state)))
      )
      yield* all([one!.provider.get, two!.provider.get])
      yield* TestClock.adjust("3 hours")
      expect(states[0]).toBe("empty")
      expect(states.at(-1)).toBe("valid")
      expect(states).not.toContain("failed")
    }).pipe(Effect.provide(fleet)))
})
