import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, LayerMap, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { inProcess, issueToken, requestToken, statusOf } from "./support/requests.ts"

describe("clients and their tokens", () => {
  it.effect("revoked, every token dies and the credentials live on", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const second = yield* mock.addClient("second")
      const tokens = yield* Effect.all([issueToken(), issueToken(), issueToken(second)])
      yield* mock.revokeTokens
      for (const token of tokens) assert.strictEqual(yield* statusOf("/v2/companies", token), 401)
      assert.strictEqual(yield* statusOf("/v2/companies", yield* issueToken()), 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("revoked of one client, only its tokens die", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const first = yield* issueToken()
      const second = yield* issueToken(yield* mock.addClient("second"))
      yield* mock.revokeTokensOf("second")
      assert.strictEqual(yield* statusOf("/v2/companies", first), 200)
      assert.strictEqual(yield* statusOf("/v2/companies", second), 401)
    }).pipe(Effect.provide(inProcess())))

  it.effect("rotated, old secret and tokens die at once and nobody else's do", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const old = yield* mock.credentials
      const second = yield* mock.addClient("second")
      const [mine, theirs] = yield* Effect.all([issueToken(), issueToken(second)])
      const rotated = yield* mock.rotateSecret()
      assert.strictEqual(rotated.clientId, old.clientId)
      assert.notStrictEqual(Redacted.value(rotated.clientSecret), Redacted.value(old.clientSecret))
      assert.deepStrictEqual(yield* mock.credentials, rotated)
      assert.strictEqual((yield* requestToken(old)).status, 401)
      assert.strictEqual(yield* statusOf("/v2/companies", mine), 401)
      assert.strictEqual(yield* statusOf("/v2/companies", theirs), 200)
      assert.strictEqual((yield* requestToken(rotated)).status, 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("rotated by its id, a further client has a new secret and the first has not", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const second = yield* mock.addClient("second")
      const rotated = yield* mock.rotateSecret("second")
      assert.strictEqual((yield* requestToken(second)).status, 401)
      assert.strictEqual((yield* requestToken(rotated)).status, 200)
      assert.strictEqual((yield* requestToken()).status, 200)
    }).pipe(Effect.provide(inProcess())))

  it.effect("of two mocks in one program, each answers its own client", () =>
    Effect.gen(function*() {
      const mocks = yield* LayerMap.make((clientId: string) => inProcess({ clientId }))
      for (const clientId of ["first", "second"]) {
        const context = yield* Layer.build(mocks.get(clientId))
        assert.strictEqual((yield* Effect.provide(requestToken(), context)).status, 200)
      }
    }))

  it.effect("an id that is unknown, or taken, is a defect", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      assert.isTrue(Exit.hasDies(yield* Effect.exit(mock.rotateSecret("nobody"))))
      assert.isTrue(Exit.hasDies(yield* Effect.exit(mock.addClient("mock-client"))))
    }).pipe(Effect.provide(inProcess())))

  it.effect("a token is issued on arrival: it can be dead by the time a slow answer is there", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure({ tokenLifetime: "10 seconds", tokenLatency: "4 seconds" })
      const fiber = yield* Effect.forkChild(issueToken())
      yield* TestClock.adjust("4 seconds")
      const token = yield* Fiber.join(fiber)
      yield* TestClock.adjust("5999 millis")
      assert.strictEqual(yield* statusOf("/v2/companies", token), 200)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* statusOf("/v2/companies", token), 401)
    }).pipe(Effect.provide(inProcess())))

  it.effect("settings that are not named stay as they are", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure({ refusal: { body: "spotnana" } })
      yield* mock.configure({ tokenLifetime: undefined })
      const old = yield* mock.credentials
      yield* mock.rotateSecret()
      const response = yield* requestToken(old)
      assert.strictEqual(response.status, 403)
      assert.property(yield* response.json, "errorMessages")
    }).pipe(Effect.provide(inProcess({ refusal: { status: 403 } }))))
})
