// Examples of clients that are made on the authenticated one.
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { endpoints, example, run } from "./support/run.ts"

const queries = Effect.gen(function*() {
  const { ledger } = yield* MockSpotnana.MockSpotnana
  return (yield* ledger).filter(({ endpoint }) => endpoint === "api").map(({ path, query }) => `${path}?${query}`)
})

describe.concurrent("paging.ts", () => {
  const names = MockSpotnana.companies.map(({ name }) => name)

  example(
    "asks for one page where ten companies are wanted",
    ({ assertNothingLeaks, variables }) =>
      Effect.gen(function*() {
        const result = yield* run("paging.ts", variables, ["10"])
        assert.deepStrictEqual(result.lines, names.slice(0, 10))
        assert.strictEqual(result.stderr, "")
        assert.strictEqual(result.exitCode, 0)
        assert.deepStrictEqual(yield* queries, ["/v2/companies?offset=0&limit=100"])
        yield* assertNothingLeaks(result)
      })
  )

  example(
    "asks for the next page where more are wanted, and stops where the total is reached",
    ({ variables }) =>
      Effect.gen(function*() {
        const result = yield* run("paging.ts", variables)
        assert.deepStrictEqual(result.lines, names)
        assert.deepStrictEqual(yield* queries, [
          "/v2/companies?offset=0&limit=100",
          "/v2/companies?offset=100&limit=100"
        ])
      })
  )

  example("goes on until a page is empty where no total is named", ({ mock, variables }) =>
    Effect.gen(function*() {
      for (const body of [{ elements: [{ id: "a" }, { id: "b" }] }, { elements: [{ id: "c" }] }, {}]) {
        yield* mock.inject("api", Fault.status(200, { body }))
      }
      const result = yield* run("paging.ts", variables)
      assert.deepStrictEqual(result.lines, ["a", "b", "c"])
      assert.deepStrictEqual(yield* queries, [0, 2, 3].map((offset) => `/v2/companies?offset=${offset}&limit=100`))
    }))

  example("stops at an empty page, whatever total is named", ({ mock, variables }) =>
    Effect.gen(function*() {
      yield* mock.inject("api", Fault.status(200, { body: { elements: [], totalNumResults: 5 } }), { times: 3 })
      const result = yield* run("paging.ts", variables)
      assert.strictEqual(result.stdout, "")
      assert.strictEqual(result.exitCode, 0)
      assert.strictEqual((yield* queries).length, 1)
    }))
})

describe.concurrent("http-api-client.ts", () => {
  example("has types for answers and errors", ({ assertNothingLeaks, mock, variables }) =>
    Effect.gen(function*() {
      const result = yield* run("http-api-client.ts", variables)
      const [, notFound, invalid] = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api")
      assert.deepStrictEqual(result.lines, [
        "Company 1, Company 2 of 120",
        "GET /v2/users/00000000-0000-4000-9000-00000000dead answered 404 (USER_NOT_FOUND: No such user). " +
        `Spotnana's support will ask for ${notFound?.debugIdentifier}.`,
        "GET /v2/companies answered 400 (INVALID_ARGUMENT: offset is a whole number from 0, limit one from 0 to 100). " +
        `Spotnana's support will ask for ${invalid?.debugIdentifier}.`
      ])
      assert.strictEqual(result.stderr, "")
      assert.strictEqual(result.exitCode, 0)
      assert.deepStrictEqual(yield* endpoints, ["token 200", "api 200", "api 404", "api 400"])
      yield* assertNothingLeaks(result)
    }))

  example(
    "explains a refusal, from either client, with one token request",
    ({ assertNothingLeaks, variables }) =>
      Effect.gen(function*() {
        const result = yield* run("http-api-client.ts", { ...variables, SPOTNANA_CLIENT_SECRET: "a-wrong-secret" })
        const explained = result.lines.filter((line) => line.startsWith("Wake somebody up. "))
        assert.strictEqual(explained.length, 2)
        assert.match(explained[0]!, /answered 401 to client mock-client .* Check the client id, the secret/)
        assert.strictEqual(explained[1], explained[0])
        assert.strictEqual(result.exitCode, 0)
        assert.deepStrictEqual(yield* endpoints, ["token 401"])
        assert.notInclude(result.stdout + result.stderr, "a-wrong-secret")
        yield* assertNothingLeaks(result)
      })
  )
})

describe.concurrent("generated-client.ts", () => {
  example("has types for answers and errors", ({ assertNothingLeaks, mock, variables }) =>
    Effect.gen(function*() {
      const result = yield* run("generated-client.ts", variables)
      const debugIdentifier = (yield* mock.ledger).at(-1)?.debugIdentifier
      assert.deepStrictEqual(result.lines, [
        "Company 118, Company 119, Company 120",
        `USER_NOT_FOUND, for support: ${debugIdentifier}`
      ])
      assert.strictEqual(result.stderr, "")
      assert.strictEqual(result.exitCode, 0)
      assert.deepStrictEqual(yield* endpoints, ["token 200", "api 200", "api 404"])
      yield* assertNothingLeaks(result)
    }))

  example("is rejected with the typed error", ({ variables }) =>
    Effect.gen(function*() {
      const result = yield* run("generated-client.ts", { ...variables, SPOTNANA_CLIENT_SECRET: "a-wrong-secret" })
      assert.match(result.stderr, /^Wake somebody up\. .* answered 401 to client mock-client/)
      assert.notInclude(result.stdout + result.stderr, "a-wrong-secret")
      assert.strictEqual(result.exitCode, 1)
    }))
})
