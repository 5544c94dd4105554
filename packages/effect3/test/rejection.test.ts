import { AccessToken, AuthError, Environment, TokenProvider } from "@effect-spotnana/effect3"
import { HttpBody } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import {
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  LogLevel,
  Option,
  Redacted,
  Schedule,
  Stream,
  TestClock
} from "effect"
import { issue, ok, onServer, unauthorized } from "./support/fakeApi.ts"
import { onMock, skewable, subjects } from "./support/harness.ts"
import { seriesOf } from "./support/series.ts"

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** Calls an effect again and again, and says how each call ended. */
const every = <A, E, R>(millis: number, times: number, call: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const exits: Array<Exit.Exit<A, E>> = []
    const load = yield* Effect.fork(
      Effect.repeat(Effect.exit(call).pipe(Effect.map((exit) => exits.push(exit))), {
        schedule: Schedule.spaced(millis),
        times: times - 1
      })
    )
    return { exits, load }
  })

const failures = <A, E>(exits: ReadonlyArray<Exit.Exit<A, E>>) => exits.filter(Exit.isFailure).length

describe("invariant 7: a 401 is evidence, not proof", () => {
  it.effect("an endpoint that always answers 401 fails no other call in an hour, for at most ten token requests", () => {
    const server = onServer({
      token: (n) =>
        n < 20
          ? issue(n)
          : { status: 429, headers: { "retry-after": "3600" }, body: { errorCode: "TOO_MANY_REQUESTS" } },
      api: ({ path }) => path === "/v2/forbidden" ? unauthorized : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const healthy = yield* every(15 * second, 240, client.get("/v2/ok"))
      const forbidden = yield* every(minute, 60, Effect.flip(client.get("/v2/forbidden")))
      yield* TestClock.adjust("1 hour")
      expect(healthy.exits.length).toBe(240)
      expect(failures(healthy.exits)).toBe(0)
      const errors = forbidden.exits.flatMap((exit) => Exit.isSuccess(exit) ? [exit.value] : [])
      expect(errors.length).toBe(60)
      for (const error of errors) expect(error._tag === "TokenExpired" && error.reason).toBe("Rejected")
      expect(server.tokenRequests()).toBeLessThanOrEqual(10)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("a server that hands out the same token until it expires fails no other call, for two token requests an hour", () => {
    const server = onServer({
      token: (_, at) => ({
        status: 200,
        body: { access_token: "same", token_type: "Bearer", expires_in: Math.floor((hour - at) / second) }
      }),
      api: ({ path }) => path === "/v2/forbidden" ? unauthorized : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const healthy = yield* every(10 * second, 359, client.get("/v2/ok"))
      yield* TestClock.adjust("5 seconds")
      const error = yield* Effect.flip(client.get("/v2/forbidden"))
      expect(error._tag === "TokenExpired" && error.reason).toBe("Rejected")
      yield* TestClock.adjust("3580 seconds")
      expect(healthy.exits.length).toBe(359)
      expect(failures(healthy.exits)).toBe(0)
      expect(server.tokenRequests()).toBeLessThanOrEqual(2)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("a server that hands out the same token until it expires costs three token requests for each", () => {
    const environment = Environment.makeUnsafe({ baseUrl: "https://api.example", name: "one token for all" })
    const server = onServer({
      token: (_, at) => ({
        status: 200,
        body: {
          access_token: `token-${Math.floor(at / hour)}`,
          token_type: "Bearer",
          expires_in: (hour - at % hour) / second
        }
      }),
      api: () => ok
    }, { environment })
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => {
      const line = String(Array.isArray(message) ? message[0] : message)
      // Effect warns of a test that takes long.
      if (line.startsWith("Spotnana")) lines.push(line)
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const healthy = yield* every(minute, 4 * 60, client.get("/v2/ok"))
      yield* TestClock.adjust(4 * hour)
      expect(failures(healthy.exits)).toBe(0)
      expect(server.tokenRequests()).toBe(3 * 4)
      const counted = (yield* seriesOf("one token for all")).flatMap(([name, { outcome }, count]) =>
        name.endsWith("_total") ? [[name, outcome, count]] : []
      )
      expect(counted.toSorted(([, one], [, other]) => String(one).localeCompare(String(other)))).toEqual([
        ["spotnana_auth_acquisitions_total", "success", 4],
        ["spotnana_auth_acquisitions_total", "unchanged", 8]
      ])
      expect(new Set(lines)).toEqual(
        new Set(["Spotnana access token acquired", "Spotnana issued the same access token again"])
      )
    }).pipe(
      Effect.provide(server.layer.pipe(
        Layer.provideMerge(Logger.replace(Logger.defaultLogger, logger)),
        Layer.provideMerge(Logger.minimumLogLevel(LogLevel.All))
      ))
    )
  })

  for (const concurrency of [1, 8]) {
    it.effect(`one replica of 16 that answers 401 to good tokens fails none of 400 calls, ${concurrency} at a time`, () => {
      let i = 0
      const server = onServer({
        token: (n) => issue(n),
        api: () => i++ % 16 === 15 ? unauthorized : ok,
        latency: { token: 20, api: 5 }
      })
      return Effect.gen(function*() {
        const { client } = yield* server.subjects
        const calls = yield* Effect.fork(
          Effect.forEach(
            Array.from({ length: 400 }),
            () => Effect.exit(Effect.delay(client.get("/v2/ok"), 100 * concurrency)),
            { concurrency }
          )
        )
        yield* TestClock.adjust("2 minutes")
        expect(failures(yield* Fiber.join(calls))).toBe(0)
      }).pipe(Effect.provide(server.layer))
    })
  }

  it.effect("a token that another request was accepted with meanwhile is sent once more, without a token request", () => {
    let isFirst = true
    const server = onServer({
      token: (n) => issue(n),
      api: ({ path }) => {
        if (path !== "/v2/slow" || !isFirst) return ok
        isFirst = false
        return unauthorized
      },
      latency: { api: ({ path }) => path === "/v2/slow" ? 200 : 100 }
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const slow = yield* Effect.fork(client.get("/v2/slow"))
      yield* TestClock.adjust("1 millis")
      const other = yield* Effect.fork(client.get("/v2/ok"))
      // Both answers are under way. The one to the later request comes first.
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(other)
      expect((yield* Fiber.join(slow)).status).toBe(200)
      expect(server.tokenRequests()).toBe(1)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("callers wait a second at most for the replacement of a token that is good, though the token endpoint hangs", () => {
    let rejects = false
    const server = onServer({
      token: (n) => issue(n),
      api: ({ path }) => rejects && path === "/v2/forbidden" ? unauthorized : ok,
      latency: { token: 9_000 }
    })
    return Effect.gen(function*() {
      const { client, provider } = yield* server.subjects
      const first = yield* Effect.fork(client.get("/v2/ok"))
      yield* TestClock.adjust("9 seconds")
      yield* Fiber.join(first)
      rejects = true
      const forbidden = yield* Effect.fork(Effect.flip(client.get("/v2/forbidden")))
      yield* Effect.yieldNow()
      const waiting = yield* Effect.fork(client.get("/v2/ok"))
      yield* TestClock.adjust("999 millis")
      expect(waiting.unsafePoll()).toBe(null)
      yield* TestClock.adjust("1 millis")
      expect((yield* Fiber.join(waiting)).status).toBe(200)
      // From then on nobody waits.
      expect(Redacted.value((yield* provider.get).value)).toBe("token-0")
      yield* TestClock.adjust("8 seconds")
      expect((yield* Fiber.join(forbidden))._tag).toBe("TokenExpired")
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("a replacement that fails keeps the token; the request is sent once more with it, then fails with the reason", () => {
    const server = onServer({
      token: (n) => n === 0 ? issue(0) : { status: 503, headers: { "retry-after": "30" } },
      api: ({ path }) => path === "/v2/forbidden" ? unauthorized : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      yield* client.get("/v2/ok")
      const error = yield* Effect.flip(client.get("/v2/forbidden"))
      expect(error._tag).toBe("TokenEndpointUnavailable")
      expect(Option.map(AuthError.retryAfter(error as AuthError.AuthError), Duration.toSeconds)).toEqual(
        Option.some(30)
      )
      expect((yield* client.get("/v2/ok")).status).toBe(200)
      expect(server.seen.filter(({ path }) => path === "/v2/forbidden").map(({ bearer }) => bearer)).toEqual([
        "token-0",
        "token-0"
      ])
      expect(server.tokenRequests()).toBe(2)
    }).pipe(Effect.provide(server.layer))
  })

  describe("a replay that is interrupted", () => {
    /** Revokes twice within a minute; the replay of the first rejected request is interrupted. */
    const revokedTwice = (accepted: string) => {
      let dead = 0
      const server = onServer({
        token: (n) => issue(n),
        api: ({ bearer }) => Number(bearer?.slice("token-".length)) < dead ? unauthorized : ok,
        latency: { api: 2_000 }
      })
      return Effect.gen(function*() {
        const { client } = yield* server.subjects
        const call = Effect.fnUntraced(function*(url: string, millis: number) {
          const fiber = yield* Effect.fork(client.get(url))
          yield* TestClock.adjust(millis)
          return fiber
        })
        yield* call("/v2/x?page=1", 3 * second)
        dead = 1
        // The 401 comes after two seconds, the answer to the replay would come after four.
        yield* Effect.flatMap(call("/v2/x?page=1", 3 * second), Fiber.interrupt)
        yield* call(accepted, 3 * second)
        dead = 2
        return yield* Effect.exit(yield* Effect.map(call("/v2/x?page=3", 10 * second), Fiber.join))
      }).pipe(Effect.provide(server.layer))
    }

    it.effect("does not hold back the next replacement once the same request is accepted", () =>
      Effect.gen(function*() {
        expect(Exit.isSuccess(yield* revokedTwice("/v2/x?page=1"))).toBe(true)
      }))

    it.effect("holds back the next replacement if only another request is accepted", () =>
      Effect.gen(function*() {
        expect(Exit.isSuccess(yield* revokedTwice("/v2/x?page=2"))).toBe(false)
      }))
  })

  it.effect("a request is sent three times at most: as it is, with the token in use, and with a new one", () => {
    let dead = 0
    const server = onServer({
      token: (n) => issue(n),
      api: ({ bearer }) => Number(bearer?.slice("token-".length)) < dead ? unauthorized : ok,
      latency: { api: 2_000 }
    })
    return Effect.gen(function*() {
      const { client, provider } = yield* server.subjects
      const slow = yield* Effect.fork(client.get("/v2/slow"))
      yield* TestClock.adjust("1 second")
      // Replaced while the request is under way; then both tokens die.
      const old = yield* provider.get
      yield* provider.reject(old)
      yield* provider.replacement(old)
      yield* provider.replayAccepted
      dead = 2
      yield* TestClock.adjust("10 seconds")
      expect((yield* Fiber.join(slow)).status).toBe(200)
      expect(server.seen.filter(({ path }) => path === "/v2/slow").map(({ bearer }) => bearer)).toEqual([
        "token-0",
        "token-1",
        "token-2"
      ])
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("fifty 401s for one token cause one acquisition, and every request succeeds", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const warm = yield* Effect.fork(client.get("/v2/companies"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(warm)
      yield* mock.revokeTokens
      const responses = yield* Effect.forEach(
        Array.from({ length: 50 }),
        () => client.get("/v2/companies?limit=1"),
        { concurrency: "unbounded" }
      ).pipe(Effect.fork)
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(responses)).every((response) => response.status === 200)).toBe(true)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock({}, { tokenLatency: "100 millis", apiLatency: "10 millis" }))))

  it.effect("a late 401 for an older token causes none", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const old = yield* provider.get
      yield* provider.reject(old)
      const current = yield* provider.get
      yield* provider.reject(old)
      yield* provider.reject(old)
      expect(AccessToken.equals(current, yield* provider.get)).toBe(true)
      expect(yield* provider.replacement(old)).toBe(current)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock())))

  it.effect("a token is rejected by its value, whatever object it is in", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      yield* provider.reject({ ...(yield* provider.get) })
      yield* TestClock.adjust(0)
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(onMock())))
})

describe("invariant 6: replacements are bounded", () => {
  it.effect("an API that answers 401 to everything costs a number of token requests that grows with the logarithm of time", () => {
    const server = onServer({ token: (n) => issue(n, 86_400), api: () => unauthorized })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const { exits } = yield* every(15 * second, 2 * 240, client.get("/v2/ok"))
      yield* TestClock.adjust("10 minutes")
      // The first, and after 0, 1, 2, 4 minutes.
      expect(server.tokenRequests()).toBeLessThanOrEqual(5)
      yield* TestClock.adjust("50 minutes")
      expect(server.tokenRequests()).toBeLessThanOrEqual(7)
      yield* TestClock.adjust("1 hour")
      expect(server.tokenRequests()).toBeLessThanOrEqual(8)
      expect(failures(exits)).toBe(2 * 240)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("also where no request can be sent again", () => {
    const server = onServer({ token: (n) => issue(n), api: () => unauthorized })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const body = () => HttpBody.stream(Stream.make(new TextEncoder().encode("once")))
      yield* every(10 * second, 60, Effect.suspend(() => client.post("/v2/upload", { body: body() })))
      yield* TestClock.adjust("10 minutes")
      expect(server.tokenRequests()).toBeLessThanOrEqual(5)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("a revocation is noticed within a minute although an endpoint that always answers 401 has used the budget up", () => {
    let revoked = -1
    const server = onServer({
      token: (n) => issue(n),
      api: ({ bearer, path }) =>
        path === "/v2/forbidden" || Number(bearer?.slice("token-".length)) <= revoked ? unauthorized : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const healthy = yield* every(15 * second, 240, client.get("/v2/ok"))
      yield* every(minute, 60, Effect.exit(client.get("/v2/forbidden")))
      yield* TestClock.adjust("45 minutes")
      expect(failures(healthy.exits)).toBe(0)
      revoked = server.tokenRequests() - 1
      yield* TestClock.adjust("15 minutes")
      expect(failures(healthy.exits)).toBeLessThanOrEqual(60 / 15)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("the budget is whole again once the caller's own repetition of a request is accepted", () => {
    let revoked = -1
    const server = onServer({
      token: (n) => issue(n),
      api: ({ bearer }) => Number(bearer?.slice("token-".length)) <= revoked ? unauthorized : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const upload = Effect.suspend(() =>
        client.post("/v2/upload", { body: HttpBody.stream(Stream.make(new TextEncoder().encode("once"))) })
      )
      yield* upload
      for (let n = 0; n < 5; n++) {
        revoked = n
        const error = yield* Effect.flip(upload)
        expect(error._tag === "TokenExpired" && error.reason).toBe("NotReplayable")
        expect((yield* upload).status).toBe(200)
      }
      expect(server.tokenRequests()).toBe(6)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("the budget is whole again once a replaced token helped", () => {
    let revoked = -1
    const server = onServer({
      token: (n) => issue(n),
      api: ({ bearer }) => Number(bearer?.slice("token-".length)) <= revoked ? unauthorized : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      yield* client.get("/v2/ok")
      for (let n = 0; n < 20; n++) {
        revoked = n
        expect((yield* client.get("/v2/ok")).status).toBe(200)
      }
      expect(server.tokenRequests()).toBe(21)
    }).pipe(Effect.provide(server.layer))
  })
})

describe("invariant 3: a token's last second", () => {
  for (const lifetime of [1, 2, 3, 10]) {
    it.effect(`no call fails where tokens of ${lifetime} s die at a whole second of the server's clock`, () => {
      // The server knows whole seconds only: a token dies up to a second before it says.
      const endOf = new Map<string, number>()
      const server = onServer({
        token: (n, at) => {
          endOf.set(`token-${n}`, (Math.floor(at / second) + lifetime) * second)
          return issue(n, lifetime)
        },
        api: ({ at, bearer }) => at < (endOf.get(bearer!) ?? 0) ? ok : unauthorized,
        latency: { token: 3, api: 1 }
      })
      return Effect.gen(function*() {
        const { client } = yield* server.subjects
        yield* TestClock.adjust("370 millis")
        const { exits } = yield* every(97, 300, client.get("/v2/ok"))
        yield* TestClock.adjust("40 seconds")
        expect(exits.length).toBe(300)
        expect(failures(exits)).toBe(0)
      }).pipe(Effect.provide(server.layer))
    })
  }
})

describe("invariant 10: a clock that is set at any moment", () => {
  it.effect("set back by a minute in the middle of the token request, no expired token is sent", () => {
    const died: Array<number> = []
    const server = onServer({
      token: (n, at) => {
        died[n] = at
        return issue(n, 10)
      },
      api: () => ok,
      latency: { token: 4 * second }
    }, { refresh: { mode: "onDemand" } })
    return Effect.gen(function*() {
      const { jump, withClock } = yield* skewable
      yield* Effect.gen(function*() {
        const { client } = yield* server.subjects
        const first = yield* Effect.fork(client.get("/v2/ok"))
        yield* TestClock.adjust("100 millis")
        yield* jump(-minute)
        yield* TestClock.adjust("3900 millis")
        yield* Fiber.join(first)
        yield* TestClock.adjust(9.7 * second)
        // 13.7 s after it was requested.
        const late = yield* Effect.fork(client.get("/v2/ok"))
        yield* TestClock.adjust("4 seconds")
        yield* Fiber.join(late)
        expect(server.seen.filter(({ path }) => path === "/v2/ok").map(({ bearer }) => bearer)).toEqual([
          "token-0",
          "token-1"
        ])
      }).pipe(Effect.provide(server.layer), withClock)
    })
  })
})

describe("the public service", () => {
  it.effect("gives whoever is not an HttpClient what to send a rejected request again with", () =>
    Effect.gen(function*() {
      const { mock, provider } = yield* subjects
      const token = yield* provider.get
      expect(yield* provider.reject(token)).toBe(true)
      const replacement = yield* provider.replacement(token)
      expect(AccessToken.equals(replacement, token)).toBe(false)
      // That one is rejected too: it stays, and the request is at fault.
      yield* provider.reject(replacement)
      const error = yield* Effect.flip(provider.replacement(replacement, true))
      expect(error._tag === "TokenExpired" && error.reason).toBe("Rejected")
      expect(Option.map(AuthError.retryAfter(error), Duration.toSeconds)).toEqual(Option.some(60))
      expect(yield* provider.get).toBe(replacement)
      expect(yield* mock.tokenRequests).toBe(2)
      expect(TokenProvider.TokenProvider.key).toContain("TokenProvider")
    }).pipe(Effect.provide(onMock())))
})
