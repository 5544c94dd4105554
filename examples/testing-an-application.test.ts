// How to test an application that calls Spotnana: the whole of it runs, the library included, and only Spotnana is
// another. No socket, no waiting; `TestClock` says what time it is.
//
//   npx vitest run --config vitest.workspace.ts examples/testing-an-application.test.ts
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import type { AuthError } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Fiber, Layer, Redacted, Schedule, Schema } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import type { HttpClientError } from "effect/http"
import { TestClock } from "effect/testing"

// The application. It would be in a file of its own, and knows nothing of tests.

const Page = Schema.Struct({
  elements: Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.optional(Schema.String) })),
  totalNumResults: Schema.Int
})

class CompanyDirectory extends Context.Service<CompanyDirectory, {
  /** The names of all companies, page after page. */
  readonly names: Effect.Effect<
    ReadonlyArray<string>,
    AuthError.AuthError | HttpClientError.HttpClientError | Schema.SchemaError
  >
}>()("app/CompanyDirectory") {
  static readonly layer = Layer.effect(
    CompanyDirectory,
    Effect.gen(function*() {
      const spotnana = (yield* SpotnanaHttpClient.SpotnanaHttpClient).pipe(
        HttpClient.filterStatusOk,
        HttpClient.retryTransient({ times: 3, schedule: Schedule.spaced("1 second") })
      )
      const page = (offset: number) =>
        spotnana.get("/v2/companies", { urlParams: { offset, limit: 100 } }).pipe(
          Effect.flatMap(HttpClientResponse.schemaBodyJson(Page))
        )
      return CompanyDirectory.of({
        names: Effect.gen(function*() {
          const names: Array<string> = []
          for (let total = 1; names.length < total;) {
            const { elements, totalNumResults } = yield* page(names.length)
            names.push(...elements.map(({ id, name }) => name ?? id))
            total = elements.length === 0 ? names.length : totalNumResults
          }
          return names
        })
      })
    })
  )
}

// The tests.

const clientId = "directory"
const clientSecret = Redacted.make("directory-secret")

/** The application as it is deployed, but for the bottom layer. */
const Application = CompanyDirectory.layer.pipe(
  Layer.provide(SpotnanaHttpClient.layer({ clientId, clientSecret })),
  Layer.provide(MockSpotnana.layerHttpClient),
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret }))
)

/** What Spotnana saw: each request and how it was answered. */
const seen = Effect.gen(function*() {
  const { ledger } = yield* MockSpotnana.MockSpotnana
  return (yield* ledger).map(({ endpoint, status }) => `${endpoint} ${status}`)
})

describe("CompanyDirectory", () => {
  it.effect("reads all pages, and asks for one token", () =>
    Effect.gen(function*() {
      const { names } = yield* CompanyDirectory
      assert.deepStrictEqual(yield* names, MockSpotnana.companies.map(({ name }) => name))
      assert.deepStrictEqual(yield* seen, ["token 200", "api 200", "api 200"])
    }).pipe(Effect.provide(Application)))

  it.effect("is still served after a day, in which many tokens have expired", () =>
    Effect.gen(function*() {
      const { names } = yield* CompanyDirectory
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure({ tokenLifetime: "30 minutes" })
      yield* names
      yield* TestClock.adjust("24 hours")
      yield* mock.clearLedger
      yield* names
      // The token was renewed ahead of expiry: this call asked for none.
      assert.deepStrictEqual(yield* seen, ["api 200", "api 200"])
    }).pipe(Effect.provide(Application)))

  it.effect("does not notice that the tokens were revoked", () =>
    Effect.gen(function*() {
      const { names } = yield* CompanyDirectory
      const mock = yield* MockSpotnana.MockSpotnana
      const before = yield* names
      yield* mock.revokeTokens
      yield* mock.clearLedger
      assert.deepStrictEqual(yield* names, before)
      assert.deepStrictEqual(yield* seen, ["api 401", "token 200", "api 200", "api 200"])
    }).pipe(Effect.provide(Application)))

  it.effect("tries again when the API has a bad moment", () =>
    Effect.gen(function*() {
      const { names } = yield* CompanyDirectory
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("api", Fault.status(503), { times: 2 })
      // What waits is forked, and the clock is set forward under it.
      const fiber = yield* Effect.forkChild(names)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).length, 120)
      assert.deepStrictEqual(yield* seen, ["token 200", "api 503", "api 503", "api 200", "api 200"])
    }).pipe(Effect.provide(Application)))

  it.effect("says for how long there is no token, and leaves the API alone", () =>
    Effect.gen(function*() {
      const { names } = yield* CompanyDirectory
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: Duration.minutes(2) }))
      const error = yield* Effect.flip(names)
      if (error._tag !== "TokenEndpointUnavailable") return assert.fail(error._tag)
      assert.deepStrictEqual(error.retryAfter, Duration.minutes(2))
      assert.deepStrictEqual(yield* seen, ["token 429"])
    }).pipe(Effect.provide(Application)))

  it.effect("reports wrong credentials, and does not insist", () =>
    Effect.gen(function*() {
      const { names } = yield* CompanyDirectory
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.rotateSecret()
      const errors = yield* Effect.all([Effect.flip(names), Effect.flip(names), Effect.flip(names)])
      assert.deepStrictEqual(
        errors.map((error) => error._tag),
        ["InvalidCredentials", "InvalidCredentials", "InvalidCredentials"]
      )
      assert.deepStrictEqual(yield* seen, ["token 401"])
    }).pipe(Effect.provide(Application)))
})
