// Each example is run by Node, in a process of its own, which has to end by itself.
import { Fault, MockSpotnana, TokenStoreConformance } from "@effect-spotnana/testing"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, FileSystem, Redacted, Stream } from "effect"
import { HttpClient } from "effect/http"
import { readFileSync } from "node:fs"
import * as RedisServer from "../packages/core/test/support/redis.ts"
import { makeSqlite } from "./own-token-store/sqlite.ts"
import { endpoints, example, run, start } from "./support/run.ts"
import type { Variables } from "./support/run.ts"

/** Starts the server of the example, and stops it as an operator would when the scope closes. */
const serve = Effect.fnUntraced(function*(variables: Variables) {
  const child = yield* start("http-server.ts", { ...variables, PORT: "0" })
  const listening = yield* Deferred.make<string, Error>()
  yield* child.all.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEach((line) => {
      const [, address] = /Listening on (\S+)/.exec(line) ?? []
      return address === undefined ? Effect.void : Deferred.succeed(listening, address)
    }),
    Effect.andThen(Deferred.fail(listening, new Error("it ended before it listened"))),
    Effect.forkScoped
  )
  const address = yield* Deferred.await(listening)
  const get = Effect.fnUntraced(function*(path: string) {
    const response = yield* HttpClient.get(address + path)
    return { status: response.status, body: yield* response.json, retryAfter: response.headers["retry-after"] }
  })
  const stop = Effect.andThen(child.kill({ killSignal: "SIGTERM" }), child.exitCode)
  return { get, stop }
})

describe.concurrent("invariant 11: an example ends by itself", () => {
  describe("first-program.ts", () => {
    // This one as it is written; the others are bundled.
    example("prints companies", ({ assertNothingLeaks, variables }) =>
      Effect.gen(function*() {
        const result = yield* run("first-program.ts", variables, [], { bundled: false })
        assert.strictEqual(result.stderr, "")
        assert.deepStrictEqual(result.lines, [
          "{",
          "  length: 2,",
          "  elements: [",
          "    { id: '00000000-0000-4000-8000-000000000001', name: 'Company 1' },",
          "    { id: '00000000-0000-4000-8000-000000000002', name: 'Company 2' }",
          "  ],",
          "  totalNumResults: 120",
          "}"
        ])
        assert.strictEqual(result.exitCode, 0)
        assert.deepStrictEqual(yield* endpoints, ["token 200", "api 200"])
        yield* assertNothingLeaks(result)
      }))

    example("names the variable that is missing", ({ variables }) =>
      Effect.gen(function*() {
        const result = yield* run("first-program.ts", { ...variables, SPOTNANA_CLIENT_ID: undefined })
        assert.include(result.stdout, "SPOTNANA_CLIENT_ID is not set; expected the client id of a Spotnana API user")
        assert.strictEqual(result.exitCode, 1)
      }))

    example(
      "says what to check when the secret is wrong",
      ({ assertNothingLeaks, variables }) =>
        Effect.gen(function*() {
          const wrong = "a-secret-that-is-wrong"
          const result = yield* run("first-program.ts", { ...variables, SPOTNANA_CLIENT_SECRET: wrong })
          assert.include(result.stdout, "Check the client id, the secret, and that both belong to this address.")
          assert.notInclude(result.stdout + result.stderr, wrong)
          assert.strictEqual(result.exitCode, 1)
          assert.deepStrictEqual(yield* endpoints, ["token 401"])
          yield* assertNothingLeaks(result)
        })
    )

    example(
      "ends with exit code 1 where the API answers 404, and prints no body as data",
      ({ mock, variables }) =>
        Effect.gen(function*() {
          yield* mock.inject("api", Fault.status(404))
          const result = yield* run("first-program.ts", variables)
          assert.include(result.stdout, "404")
          assert.notInclude(result.stdout, "totalNumResults")
          assert.strictEqual(result.exitCode, 1)
        })
    )
  })

  describe("several-tenants.ts", () => {
    example(
      "keeps tenants apart, and releases the client of an idle one",
      ({ assertNothingLeaks, mock, variables }) =>
        Effect.gen(function*() {
          const globex = yield* mock.addClient("globex")
          const result = yield* run("several-tenants.ts", {
            SPOTNANA_BASE_URL: variables.SPOTNANA_BASE_URL,
            ACME_SPOTNANA_CLIENT_ID: variables.SPOTNANA_CLIENT_ID,
            ACME_SPOTNANA_CLIENT_SECRET: variables.SPOTNANA_CLIENT_SECRET,
            GLOBEX_SPOTNANA_CLIENT_ID: globex.clientId,
            GLOBEX_SPOTNANA_CLIENT_SECRET: Redacted.value(globex.clientSecret),
            INITECH_SPOTNANA_CLIENT_ID: "initech",
            INITECH_SPOTNANA_CLIENT_SECRET: "a-secret-that-is-wrong"
          }, ["ACME", "INITECH", "HOOLI", "GLOBEX"])
          const linesOf = (tenant: string) => result.lines.filter((line) => line.startsWith(tenant))
          const once = (tenant: string) => [
            `${tenant}: client made`,
            `${tenant}: 120 companies`,
            `${tenant}: client released`
          ]
          assert.deepStrictEqual(linesOf("ACME"), [...once("ACME"), ...once("ACME")])
          assert.deepStrictEqual(linesOf("GLOBEX"), once("GLOBEX"))
          assert.deepStrictEqual(linesOf("INITECH").map((line) => line.split(":")[1]), [
            " client made",
            " InvalidCredentials",
            " client released"
          ])
          assert.deepStrictEqual(linesOf("HOOLI").map((line) => line.split(":")[1]), [" ConfigError"])
          assert.strictEqual(result.exitCode, 0)

          const ledger = yield* mock.ledger
          const callers = ledger.filter(({ endpoint }) => endpoint === "api").map(({ clientId }) => clientId)
          assert.deepStrictEqual(callers, [variables.SPOTNANA_CLIENT_ID, "globex", variables.SPOTNANA_CLIENT_ID])
          yield* assertNothingLeaks(result)
        })
    )
  })

  describe("rotating-credentials.ts", () => {
    example("loses no request with two users, and says what one user costs", () =>
      Effect.gen(function*() {
        const result = yield* run("rotating-credentials.ts", {})
        assert.deepStrictEqual(result.lines, [
          "Two users: 200",
          // The old user's, the new one's own, and the application's after the switch.
          "Token requests: 3",
          "One user: 200, InvalidCredentials"
        ])
        assert.strictEqual(result.stderr, "")
        assert.strictEqual(result.exitCode, 0)
      }))
  })

  describe("fleet.ts", () => {
    const expected = [
      "5 processes are at work; token requests: 1",
      "their token is revoked …",
      ...[1, 2, 3, 4, 5].map((worker) => `worker ${worker}: 40 of 40 calls answered 200`),
      "token requests: 2"
    ]
    for (
      const [through, redis] of [
        ["a directory", Effect.succeed("")],
        ...RedisServer.isThere ? [["Redis", RedisServer.url] as const] : []
      ] as const
    ) {
      example(`five processes share a token through ${through}`, () =>
        Effect.gen(function*() {
          const result = yield* run("fleet.ts", { REDIS_URL: yield* redis })
          assert.sameMembers(result.lines, expected)
          assert.strictEqual(result.lines.at(-1), expected.at(-1))
          assert.strictEqual(result.exitCode, 0)
        }))
    }
  })

  describe("own-token-store.ts", () => {
    example("makes one token request for two processes", () =>
      Effect.gen(function*() {
        const result = yield* run("own-token-store.ts", {})
        assert.deepStrictEqual(result.lines, [
          "Both at once: 200, 200",
          "Token requests: 1",
          "The token was revoked: 200, 200",
          "Token requests: 2"
        ])
        assert.strictEqual(result.stderr, "")
        assert.strictEqual(result.exitCode, 0)
      }))
  })

  describe("odd-servers.ts", () => {
    example(
      "calls three servers that differ from the RFCs, and survives a revocation at each",
      () =>
        Effect.gen(function*() {
          const result = yield* run("odd-servers.ts", {})
          assert.deepStrictEqual(result.lines, [
            "JSON and 403: 200, 200; token requests: 2",
            "Basic as it is: 200, 200; token requests: 2",
            "Sidecar and 200: 200, 200; token requests: 2"
          ])
          assert.strictEqual(result.stderr, "")
          assert.strictEqual(result.exitCode, 0)
        })
    )
  })

  describe("typed-errors.ts", () => {
    example("makes each error happen, and needs no variable", () =>
      Effect.gen(function*() {
        const result = yield* run("typed-errors.ts", {})
        const tokenUrl = "https://api.spotnana.com/v2/auth/oauth2-token"
        assert.deepStrictEqual(result.lines, [
          "All is well",
          "  answered 200",
          "InvalidCredentials: the secret was rotated, and we were not told",
          `  wake somebody up: ${tokenUrl} answered 401 to client example (invalid_client: Client authentication ` +
          "failed). Check the client id, the secret, and that both belong to this address.",
          "TokenExpired: a token is revoked while an upload is under way",
          "  NotReplayable: POST /v2/echo answered 401 (A fault with status 401 was injected), and the body can be sent only " +
          "once. Make the request again: the token is replaced, if that is due.",
          "TokenExpired: the API refuses even a token that was just issued",
          "  Rejected: GET /v2/companies answered 401 (A fault with status 401 was injected), and a new token does not help. " +
          "Check that the API user may call this API.",
          "TokenEndpointUnavailable: too many token requests",
          "  RateLimited, come back in 30 s",
          "MalformedTokenResponse: a proxy answers with a page",
          `  look at the address: ${tokenUrl} answered 200, but with a body that is not a JSON object. Check the token URL, and ` +
          "that no proxy answers in its place.",
          "Not an error of ours: the API is down",
          "  not about authentication: StatusCode: non 2xx status code (503 GET https://api.spotnana.com/v2/companies)"
        ])
        assert.strictEqual(result.stderr, "")
        assert.strictEqual(result.exitCode, 0)
      }))
  })

  describe("without-effect.ts", () => {
    example("prints three pages with one token", ({ assertNothingLeaks, variables }) =>
      Effect.gen(function*() {
        const result = yield* run("without-effect.ts", variables)
        assert.strictEqual(result.stderr, "")
        assert.deepStrictEqual(result.lines, [
          "Company 1, Company 2",
          "Company 3, Company 4",
          "Company 5, Company 6"
        ])
        assert.strictEqual(result.exitCode, 0)
        assert.deepStrictEqual(yield* endpoints, ["token 200", "api 200", "api 200", "api 200"])
        yield* assertNothingLeaks(result)
      }))

    example("rejects its promise with the typed error", ({ variables }) =>
      Effect.gen(function*() {
        const result = yield* run("without-effect.ts", { ...variables, SPOTNANA_CLIENT_SECRET: "wrong" })
        assert.match(result.stderr, /^InvalidCredentials: .* answered 401 to client mock-client/)
        assert.strictEqual(result.exitCode, 1)
      }))
  })

  describe("http-server.ts", () => {
    example("hands companies on, and stops on SIGTERM", ({ variables }) =>
      Effect.gen(function*() {
        const server = yield* serve(variables)
        const [health, companies, refused] = yield* Effect.all([
          server.get("/health"),
          server.get("/companies?offset=118&limit=50"),
          server.get("/companies?limit=1000")
        ])
        assert.deepStrictEqual(health.body, { state: "empty" })
        assert.deepStrictEqual(companies.body, {
          length: 2,
          elements: MockSpotnana.companies.slice(118).map((company) => ({ ...company })),
          totalNumResults: 120
        })
        assert.strictEqual(refused.status, 400)
        assert.deepStrictEqual(yield* endpoints, ["token 200", "api 200", "api 400"])
        assert.strictEqual(Number(yield* server.stop), 0)
      }))

    example(
      "answers 503 with Retry-After while there is no token to be had",
      ({ mock, variables }) =>
        Effect.gen(function*() {
          const server = yield* serve(variables)
          yield* mock.inject("token", Fault.rateLimited({ retryAfter: "1800" }))
          const { body, retryAfter, status } = yield* server.get("/companies")
          assert.deepStrictEqual({ body, status }, {
            body: { error: "Spotnana is not available, try again later" },
            status: 503
          })
          assert.strictEqual(retryAfter, "1800")
          assert.deepStrictEqual(yield* server.get("/health"), {
            body: { state: "failed", lastError: "TokenEndpointUnavailable" },
            status: 503,
            retryAfter: undefined
          })
          assert.strictEqual(Number(yield* server.stop), 0)
        })
    )

    example("answers 502 when a person has to mend the credentials", ({ variables }) =>
      Effect.gen(function*() {
        const server = yield* serve({ ...variables, SPOTNANA_CLIENT_SECRET: "wrong" })
        assert.deepStrictEqual(yield* server.get("/companies"), {
          body: { error: "Spotnana cannot be used at present" },
          status: 502,
          retryAfter: undefined
        })
        assert.strictEqual(Number(yield* server.stop), 0)
      }))
  })

  describe("demo.ts", () => {
    example("plays six chapters, and all that they claim holds", () =>
      Effect.gen(function*() {
        const result = yield* run("demo.ts", {})
        assert.deepStrictEqual(result.lines.filter((line) => line.includes("✗")), [])
        assert.deepStrictEqual(result.lines.filter((line) => /^\d/.test(line)), [
          "1  The first call",
          "2  A hundred calls at once",
          "3  Renewal in the background",
          "4  A token is revoked",
          "5  The token endpoint is down",
          "6  Wrong credentials",
          result.lines.find((line) => line.startsWith("10 of 10 claims held")) ?? "10 of 10 claims held"
        ])
        // How many renewals and calls there were in a given time depends on the machine; N is the same number twice.
        const claims = result.lines.filter((line) => /[✓✗]/.test(line)).map((line) =>
          line.trim()
            .replace(/(\d+) calls meanwhile, \1/, "N calls meanwhile, N")
            .replace(/\d+ (renewals|of them)/, "some $1")
        )
        assert.deepStrictEqual(claims, [
          "✓ 1 call by the program, 1 token request by the library",
          "✓ 100 calls answered 200, 1 token request",
          "✓ 60 calls answered 200, some renewals beside them",
          "✓ 60 of 60 calls left with the token in hand, some of them during a renewal",
          "✓ 1 call: 1 × 401, 1 token request, and the program got 200",
          "✓ 10 calls at once: 10 × 401, 1 token request, and the program got 10 × 200",
          "✓ 3 token requests failed, the next one succeeded",
          "✓ N calls meanwhile, N answered 200: nobody noticed",
          "✓ InvalidCredentials: a typed error, and 0 requests without a token",
          "✓ 100 further calls got the same answer at once: 1 token request in all"
        ])
        assert.deepStrictEqual(result.lines.filter((line) => line.length > 80), [])
        assert.notInclude(result.stdout, "\u001b", "colours are for terminals")
        assert.notMatch(result.stdout, /mock-(secret|token)-|not-the-secret/, "invariant 9")
        assert.strictEqual(result.stderr, "")
        assert.strictEqual(result.exitCode, 0)
      }))

    example(
      "calls the real environment where there are credentials",
      ({ assertNothingLeaks, variables }) =>
        Effect.gen(function*() {
          const result = yield* run("demo.ts", variables)
          assert.deepStrictEqual(
            result.lines.map((line) => line.replace(/in \d+ ms$/, "in … ms").replace(/until \S+Z/, "until …")),
            [
              "effect-spotnana: a token, and a call with it",
              `Spotnana at ${variables.SPOTNANA_BASE_URL}`,
              "",
              "   ✓ A token, acquired in … ms",
              "   It lives for 1h, until ….",
              "   ✓ 120 companies",
              "   00000000-0000-4000-8000-000000000001  Company 1",
              "   00000000-0000-4000-8000-000000000002  Company 2",
              "   00000000-0000-4000-8000-000000000003  Company 3"
            ]
          )
          assert.strictEqual(result.stderr, "")
          assert.strictEqual(result.exitCode, 0)
          yield* assertNothingLeaks(result)
        })
    )

    const failures = [
      {
        name: "a wrong secret",
        variables: { SPOTNANA_CLIENT_SECRET: "a-secret-that-is-wrong" },
        says: /✗ InvalidCredentials: .* answered 401 to client mock-client .* Check the client id, the secret/
      },
      {
        name: "a missing secret",
        variables: { SPOTNANA_CLIENT_SECRET: undefined },
        says: /✗ SPOTNANA_CLIENT_SECRET is not set; expected the client secret of a Spotnana API user\./
      },
      {
        name: "an address without HTTPS",
        variables: { SPOTNANA_BASE_URL: "http://spotnana.example" },
        says: /✗ SPOTNANA_BASE_URL cannot be used: http:\/\/spotnana\.example is not HTTPS/
      },
      {
        name: "a connection that is lost",
        endpoint: "token",
        fault: Fault.drop,
        says: /✗ TokenEndpointUnavailable: No answer from .* Check the network/
      },
      {
        name: "an API user without the right to list companies",
        endpoint: "api",
        fault: Fault.status(403),
        says: /✗ .*403 GET.*this API user may not list companies\. Spotnana's debugIdentifier: mock-debug-\d+\./
      }
    ] as const
    for (const failure of failures) {
      example(
        `explains ${failure.name}, without a stack`,
        ({ assertNothingLeaks, mock, variables }) =>
          Effect.gen(function*() {
            if ("fault" in failure) yield* mock.inject(failure.endpoint, failure.fault, { times: Infinity })
            const result = yield* run("demo.ts", { ...variables, ...("variables" in failure ? failure.variables : {}) })
            assert.match(result.stdout.replace(/\s+/g, " "), failure.says)
            assert.notMatch(result.stdout, /^\s+at /m)
            assert.notInclude(result.stdout, "a-secret-that-is-wrong")
            assert.strictEqual(result.stderr, "")
            assert.strictEqual(result.exitCode, 1)
            yield* assertNothingLeaks(result)
          })
      )
    }
  })
})

describe.concurrent("own-token-store/sqlite.ts: a store", () => {
  for (const { name, run } of TokenStoreConformance.cases) {
    it.live(name, () =>
      Effect.gen(function*() {
        const file = `${yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())}/tokens.db`
        yield* run(yield* makeSqlite(file), "test:client", yield* makeSqlite(file))
      }).pipe(Effect.provide(NodeServices.layer)))
  }
})

describe("README.md", () => {
  it("has the first program", () => {
    const [, program = ""] = /^```ts\n(.*?)^```$/ms.exec(readFileSync("README.md", "utf8")) ?? []
    assert.include(program, "NodeRuntime.runMain")
    assert.isTrue(readFileSync("examples/first-program.ts", "utf8").endsWith(`\n${program}`))
  })
})
