import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream } from "effect"
import { HttpBody, HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { issue, ok, onServer as onAnyServer, unauthorized } from "./support/fakeApi.ts"
import type { Answer, Server } from "./support/fakeApi.ts"

/** What an API may answer to a dead token, and what the environment says of it. */
const kinds: ReadonlyArray<readonly [string, Answer, Environment.Options["rejectsToken"]]> = [
  ["401", unauthorized, undefined],
  ["403", { status: 403, body: { message: "Bad_OAuth_Token" } }, ({ status }) => status === 403],
  [
    "400 with a header",
    { status: 400, headers: { "x-error": "invalid_token" }, body: { error: "invalid_token" } },
    (answer) => Environment.rejectsToken(answer) || answer.headers["x-error"] === "invalid_token"
  ],
  [
    "200 with a header",
    { status: 200, headers: { "x-error": "invalid_token" }, body: { error: "invalid_token" } },
    ({ headers }) => headers["x-error"] === "invalid_token"
  ],
  [
    "302 to a login page",
    { status: 302, headers: { location: "/login" } },
    ({ headers, status }) => status === 302 && headers["location"] === "/login"
  ]
]

const pathsOf = (server: ReturnType<typeof onAnyServer>, path: string) =>
  server.seen.filter((request) => request.path === path).map(({ bearer }) => bearer)

// The rows of "What a 401 does" in docs/errors.md.
describe.each(kinds)("invariant 7: %s, where it says that the token is dead", (_, rejection, rejectsToken) => {
  const environment = Environment.makeUnsafe({ baseUrl: "https://api.example", rejectsToken })
  const onServer = (server: Server) => onAnyServer(server, { environment })
  const numberOf = (bearer: string | undefined) => Number(bearer?.slice("token-".length))

  it.effect("is no answer for the caller: the token is replaced, and the request is sent again", () => {
    let dead = -1
    const server = onServer({
      token: (n) => issue(n),
      api: ({ bearer }) => numberOf(bearer) <= dead ? rejection : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      for (let n = 0; n < 10; n++) {
        expect(yield* (yield* client.get("/v2/ok")).json).toEqual({})
        dead = n
      }
      // The old token was dead each time: the next one is replaced at once.
      expect(server.tokenRequests()).toBe(10)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("of a token that is not in use any more, the request is sent again with the one in use", () => {
    let dead = -1
    const server = onServer({
      token: (n) => issue(n),
      api: ({ bearer }) => numberOf(bearer) <= dead ? rejection : ok,
      latency: { api: 1_000 }
    })
    return Effect.gen(function*() {
      const { client, provider } = yield* server.subjects
      const slow = yield* Effect.forkChild(client.get("/v2/slow"))
      yield* TestClock.adjust("500 millis")
      yield* provider.reject(yield* provider.get)
      dead = 0
      yield* TestClock.adjust("10 seconds")
      expect((yield* Fiber.join(slow)).status).toBe(200)
      expect(pathsOf(server, "/v2/slow")).toEqual(["token-0", "token-1"])
      expect(server.tokenRequests()).toBe(2)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("while another request is accepted, the token is good: it is sent once more, without a token request", () => {
    let isFirst = true
    const server = onServer({
      token: (n) => issue(n),
      api: ({ path }) => {
        if (path !== "/v2/slow" || !isFirst) return ok
        isFirst = false
        return rejection
      },
      latency: { api: ({ path }) => path === "/v2/slow" ? 200 : 100 }
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      // The other one is sent later, and answered first.
      const slow = yield* Effect.forkChild(client.get("/v2/slow"))
      yield* TestClock.adjust("1 millis")
      const other = yield* Effect.forkChild(client.get("/v2/ok"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(other)
      expect((yield* Fiber.join(slow)).status).toBe(200)
      expect(server.tokenRequests()).toBe(1)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("and no new token is to be had: it is sent once more with the old one, then it fails with the reason", () => {
    const server = onServer({
      token: (n) => n === 0 ? issue(0) : { status: 503 },
      api: ({ path }) => path === "/v2/forbidden" ? rejection : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      yield* client.get("/v2/ok")
      const error = yield* Effect.flip(client.get("/v2/forbidden"))
      expect(error._tag).toBe("TokenEndpointUnavailable")
      expect((yield* client.get("/v2/ok")).status).toBe(200)
      expect(pathsOf(server, "/v2/forbidden")).toEqual(["token-0", "token-0"])
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("and the same token comes once more: it fails with TokenExpired, and the token stays in use", () => {
    const server = onServer({
      token: () => issue(0),
      api: ({ path }) => path === "/v2/forbidden" ? rejection : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      yield* client.get("/v2/ok")
      const error = yield* Effect.flip(client.get("/v2/forbidden"))
      expect(error._tag === "TokenExpired" && error.reason).toBe("Rejected")
      expect((yield* client.get("/v2/ok")).status).toBe(200)
      expect(server.tokenRequests()).toBe(2)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("also with a new token: it fails with TokenExpired that names the status, and the next replacement waits", () => {
    const server = onServer({
      token: (n) => issue(n),
      api: ({ path }) => path === "/v2/forbidden" ? rejection : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      yield* client.get("/v2/ok")
      const error = yield* Effect.flip(client.get("/v2/forbidden"))
      expect(error._tag === "TokenExpired" && error.reason).toBe("Rejected")
      expect(error.message).toContain(`GET /v2/forbidden answered ${rejection.status}`)
      expect((yield* client.get("/v2/ok")).status).toBe(200)
      for (let n = 0; n < 60; n++) {
        yield* Effect.flip(client.get("/v2/forbidden"))
        yield* TestClock.adjust("10 seconds")
      }
      // After 0, 1, 2, 4 and 8 minutes at most.
      expect(server.tokenRequests()).toBeLessThanOrEqual(6)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("to a body that can be sent once only: NotReplayable, and the token is replaced for the next request", () => {
    let dead = -1
    const server = onServer({
      token: (n) => issue(n),
      api: ({ bearer }) => numberOf(bearer) <= dead ? rejection : ok
    })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const upload = Effect.suspend(() =>
        client.post("/v2/upload", { body: HttpBody.stream(Stream.make(new TextEncoder().encode("once"))) })
      )
      yield* upload
      dead = 0
      const error = yield* Effect.flip(upload)
      expect(error._tag === "TokenExpired" && error.reason).toBe("NotReplayable")
      expect((yield* upload).status).toBe(200)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("to an Authorization header of the caller's own, or from another origin: it is the caller's", () => {
    const server = onServer({ token: (n) => issue(n), api: () => rejection })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      const own = yield* client.get("/v2/ok", { headers: { authorization: "Bearer mine" } })
      const elsewhere = yield* client.get("https://other.example/v2/ok")
      expect([own.status, elsewhere.status]).toEqual([rejection.status, rejection.status])
      expect(server.tokenRequests()).toBe(0)
    }).pipe(Effect.provide(server.layer))
  })

  it.effect("behind a client that filters statuses it is seen as well", () => {
    let dead = -1
    const server = onServer({
      token: (n) => issue(n),
      api: ({ bearer }) => numberOf(bearer) <= dead ? rejection : ok
    })
    return Effect.gen(function*() {
      const { provider } = yield* server.subjects
      const filtered = HttpClient.filterStatus(yield* HttpClient.HttpClient, (status) => status !== rejection.status)
      const client = SpotnanaHttpClient.authenticate(provider)(filtered)
      yield* provider.get
      dead = 0
      const status = yield* client.get("/v2/ok").pipe(
        Effect.map(({ status }) => Option.some(status)),
        // The good answer has the same status here: it is filtered too.
        Effect.catchIf((error) => error._tag === "HttpClientError", () => Effect.succeed(Option.none<number>()))
      )
      expect(status).toEqual(rejection.status === 200 ? Option.none() : Option.some(200))
      expect(pathsOf(server, "/v2/ok")).toEqual(["token-0", "token-1"])
    }).pipe(Effect.provide(server.layer))
  })
})

describe("by default", () => {
  it.effect("invariant 7: none of these but the 401 rejects a token", () =>
    Effect.gen(function*() {
      for (const [, rejection] of kinds.slice(1)) {
        const server = onAnyServer({ token: (n) => issue(n), api: () => rejection })
        yield* Effect.gen(function*() {
          const { client } = yield* server.subjects
          expect((yield* client.get("/v2/ok")).status).toBe(rejection.status)
          expect(server.tokenRequests()).toBe(1)
        }).pipe(Effect.provide(server.layer))
      }
    }))

  it.effect("invariant 7: what the environment says takes the place of the 401", () => {
    const environment = Environment.makeUnsafe({
      baseUrl: "https://api.example",
      rejectsToken: ({ status }) => status === 419
    })
    const server = onAnyServer({ token: (n) => issue(n), api: () => unauthorized }, { environment })
    return Effect.gen(function*() {
      const { client } = yield* server.subjects
      expect((yield* client.get("/v2/ok")).status).toBe(401)
      expect(server.tokenRequests()).toBe(1)
    }).pipe(Effect.provide(server.layer))
  })
})
