import { PartnerKeyRotation, PartnerKeys, SigningKey, SpotnanaHttpClient, SubjectToken } from "@effect-spotnana/core"
import { Fault, MockSpotnana, SubjectTokenVerifier } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import type { HttpClientRequest } from "effect/http"
import { TestClock } from "effect/testing"
import { makeAudit } from "./support/audit.ts"
import { clientId, clientSecret, onMock } from "./support/harness.ts"
import { keyPair, pemOf } from "./support/rsaKeys.ts"
import { trackedCrypto } from "./support/trackedCrypto.ts"

const companyId = "4974a66b-7493-4f41-908c-58ba81093947"
const oldKey: SigningKey.SigningKey = { privateKey: Redacted.make(pemOf(keyPair("first").privateKey)), kid: "old" }
const newKey: SigningKey.SigningKey = { privateKey: Redacted.make(pemOf(keyPair("second").privateKey)), kid: "new" }

/** An application that signs with `current`, and its old key, which is registered. */
const application = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const partnerKeys = yield* PartnerKeys.PartnerKeys
  yield* partnerKeys.add(companyId, yield* SigningKey.publicJwk(oldKey))
  yield* mock.clearLedger
  let current = oldKey
  const token = SubjectToken.signer({ key: Effect.sync(() => current), issuer: "i" })({ email: "a@b.example" })
  const verify = Effect.flatMap(
    Effect.all([token, mock.partnerKeys]),
    ([token, keys]) => SubjectTokenVerifier.verify(token, { keys })
  )
  return {
    mock,
    verify,
    current: () => current,
    switchTo: (key: SigningKey.SigningKey) => Effect.sync(() => void (current = key))
  }
})

const { layer: crypto, settle, underTime } = trackedCrypto()

const administration = PartnerKeys.layer.pipe(Layer.provideMerge(onMock()), Layer.provideMerge(crypto))

const rotate = (options: Partial<PartnerKeyRotation.Options>) =>
  PartnerKeyRotation.rotate({ companyId, kid: "old", key: newKey, switchTo: () => Effect.void, ...options })

const calls = Effect.map(
  MockSpotnana.MockSpotnana.use((mock) => mock.ledger),
  (ledger) =>
    ledger.flatMap(({ endpoint, method, path, status }) =>
      endpoint === "api" ? [`${method} ${path.split("/partner-public-keys")[1]} ${status}`] : []
    )
)

const activeKids = Effect.map(
  MockSpotnana.MockSpotnana.use((mock) => mock.partnerKeys),
  (keys) => keys.map(({ kid }) => kid)
)

/** How a rotation fails, and which keys are active then. */
const failing = (options: Partial<PartnerKeyRotation.Options>) =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(underTime(rotate(options)))
    return { error, active: yield* activeKids, calls: yield* calls }
  })

describe("PartnerKeyRotation", () => {
  it.effect("adds, waits, switches, drains and revokes; every token is accepted meanwhile", () =>
    Effect.gen(function*() {
      const { current, switchTo, verify } = yield* application
      const verified: Array<string> = []
      const loading = yield* verify.pipe(
        Effect.match({ onFailure: ({ _tag }) => _tag, onSuccess: () => "accepted" }),
        Effect.tap((result) => Effect.sync(() => verified.push(result))),
        Effect.repeat(Schedule.spaced("5 seconds")),
        Effect.forkChild
      )
      let switchedAt = 0
      let now = 0
      const ticking = yield* Effect.forkChild(
        Effect.repeat(Effect.sync(() => void now++), Schedule.spaced("1 minute"))
      )
      const jwk = yield* underTime(
        rotate({ switchTo: (key) => Effect.andThen(Effect.sync(() => void (switchedAt = now)), switchTo(key)) })
      )
      assert.isAtLeast(switchedAt, 5)
      assert.isAtLeast(now - switchedAt, 6)
      yield* underTime(Effect.sleep("10 minutes"))
      yield* Fiber.interrupt(loading)
      yield* Fiber.interrupt(ticking)
      assert.isAbove(verified.length, 100)
      assert.deepStrictEqual([...new Set(verified)], ["accepted"])
      assert.strictEqual(jwk.kid, "new")
      assert.strictEqual(current(), newKey)
      assert.deepStrictEqual(yield* calls, ["GET  200", "POST  201", "DELETE /old 204"])
      assert.deepStrictEqual(yield* activeKids, ["new"])
    }).pipe(Effect.provide(administration)))

  it.effect("waits for as long as it is told", () =>
    Effect.gen(function*() {
      yield* application
      const fiber = yield* Effect.forkChild(rotate({ propagation: "1 hour", drain: "2 hours" }))
      yield* settle
      yield* TestClock.adjust("1 hour")
      yield* settle
      yield* TestClock.adjust(7_200_000 - 1)
      yield* settle
      assert.deepStrictEqual(yield* activeKids, ["old", "new"])
      yield* TestClock.adjust(1)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* activeKids, ["new"])
    }).pipe(Effect.provide(administration)))

  it.effect("Check: changes nothing where the old key is not active, the new one is, or cannot be used", () =>
    Effect.gen(function*() {
      yield* application
      const unknown = yield* failing({ kid: "nobody" })
      assert.deepInclude(unknown.error, { step: "Check", kid: "nobody" })
      assert.include((yield* failing({ key: oldKey })).error.message, "old is registered already")
      const unusable = yield* failing({ key: { privateKey: Redacted.make("key") } })
      assert.deepStrictEqual([unusable.error.step, unusable.error.newKid], ["Check", undefined])
      assert.instanceOf(unusable.error.cause, SigningKey.InvalidSigningKey)
      assert.deepStrictEqual(unusable.active, ["old"])
      assert.deepStrictEqual([...new Set(unusable.calls)], ["GET  200"])
    }).pipe(Effect.provide(administration)))

  it.effect("Add: a key that Spotnana got wrong is revoked again", () =>
    Effect.gen(function*() {
      const { mock } = yield* application
      yield* mock.inject("api", Fault.status(200, { body: { keys: [{ kid: "old" }] } }))
      yield* mock.inject("api", Fault.status(201, { body: { keys: [{ kid: "new", thumbprint: "other" }] } }))
      const { active, calls, error } = yield* failing({})
      assert.deepStrictEqual([error.step, error.kid, error.newKid], ["Add", "old", undefined])
      assert.instanceOf(error.cause, PartnerKeys.PartnerKeyMismatch)
      assert.deepStrictEqual(calls, ["GET  200", "POST  201", "DELETE /new 404"])
      assert.deepStrictEqual(active, ["old"])
    }).pipe(Effect.provide(administration)))

  it.effect("Add: a request without an answer is given up after 30 seconds, and the new key is revoked", () =>
    Effect.gen(function*() {
      const { mock } = yield* application
      yield* mock.inject("api", Fault.status(200, { body: { keys: [{ kid: "old" }] } }))
      yield* mock.inject("api", Fault.hang)
      const { calls, error } = yield* failing({})
      assert.deepStrictEqual([error.step, error.newKid], ["Add", undefined])
      assert.deepStrictEqual(calls, ["GET  200", "POST  hang", "DELETE /new 404"])
    }).pipe(Effect.provide(administration)))

  it.effect.each([400, 403, 409])(
    "Add: after a refusal with %s nothing is revoked; a key of that name is another rotation's, which may have switched",
    (status) =>
      Effect.gen(function*() {
        const { mock } = yield* application
        yield* mock.inject("api", Fault.status(200, { body: { keys: [{ kid: "old" }] } }))
        yield* mock.inject("api", Fault.status(status))
        const { calls, error } = yield* failing({})
        assert.deepStrictEqual([error.step, error.newKid], ["Add", undefined])
        assert.include(error.message, "Nothing was changed; old works as before")
        assert.deepStrictEqual(calls, ["GET  200", `POST  ${status}`, "GET  200"])
      }).pipe(Effect.provide(administration))
  )

  it.effect("Add: nothing is revoked after a refusal below a client that filters statuses", () => {
    const filtered = Layer.effect(
      HttpClient.HttpClient,
      Effect.map(HttpClient.HttpClient, (client) => HttpClient.filterStatusOk(client))
    )
    const administration = PartnerKeys.layer.pipe(
      Layer.provide(SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(Layer.provide(filtered))),
      Layer.provideMerge(Layer.merge(onMock(), crypto))
    )
    return Effect.gen(function*() {
      const { mock } = yield* application
      yield* mock.inject("api", Fault.status(200, { body: { keys: [{ kid: "old" }] } }))
      yield* mock.inject("api", Fault.status(409))
      const { calls } = yield* failing({})
      assert.deepStrictEqual(calls, ["GET  200", "POST  409", "GET  200"])
    }).pipe(Effect.provide(administration))
  })

  it.effect.each([401, 404])(
    "Add: a key that was registered before a redirect to an answer of %s is revoked",
    (status) => {
      const answer = (request: HttpClientRequest.HttpClientRequest, status: number) =>
        HttpClientResponse.fromWeb(request, new Response("{}", { status, headers: { location: "/v2/elsewhere" } }))
      const redirected = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(
          HttpClient.HttpClient,
          (client) =>
            HttpClient.transform(client, (response, request) =>
              request.url.includes("/v2/elsewhere")
                ? Effect.succeed(answer(request, status))
                : request.url.endsWith("/partner-public-keys") && request.method === "POST"
                ? Effect.as(response, answer(request, 303))
                : response).pipe(HttpClient.followRedirects())
        )
      )
      const redirecting = PartnerKeys.layer.pipe(
        Layer.provide(SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(Layer.provide(redirected)))
      )
      return Effect.gen(function*() {
        yield* application
        const { active, error } = yield* failing({}).pipe(Effect.provide(redirecting))
        assert.deepStrictEqual([error.step, error.newKid], ["Add", undefined])
        assert.include(error.message, "is not active. old works as before")
        assert.deepStrictEqual(active, ["old"])
      }).pipe(Effect.provide(administration))
    }
  )

  it.effect("a function that throws is a step that failed", () =>
    Effect.gen(function*() {
      yield* application
      const throws = () => {
        throw new TypeError("thrown")
      }
      const verify = yield* failing({ verify: throws, stepTimeout: 0 })
      assert.deepStrictEqual([verify.error.step, String(verify.error.cause)], ["Verify", "TypeError: thrown"])
      assert.deepStrictEqual(verify.active, ["old"])
      const switching = yield* failing({ key: { ...newKey, kid: "next" }, switchTo: throws })
      assert.deepStrictEqual([switching.error.step, switching.error.newKid], ["Switch", "next"])
      assert.deepStrictEqual(switching.active, ["old", "next"])
    }).pipe(Effect.provide(administration)))

  it.effect("Verify: a new key that is not accepted is revoked again, after it was tried for five minutes", () =>
    Effect.gen(function*() {
      yield* application
      let tries = 0
      const { active, error } = yield* failing({
        verify: () => Effect.andThen(Effect.sync(() => void tries++), Effect.fail("refused"))
      })
      assert.isAbove(tries, 25)
      assert.deepStrictEqual([error.step, error.newKid, error.cause], ["Verify", undefined, "refused"])
      assert.deepStrictEqual(active, ["old"])
    }).pipe(Effect.provide(administration)))

  it.effect("Verify: names the new key where it cannot be revoked again", () =>
    Effect.gen(function*() {
      const { mock } = yield* application
      const { active, error } = yield* failing({
        stepTimeout: 0,
        verify: () => Effect.andThen(mock.inject("api", Fault.status(500), { times: Infinity }), Effect.fail("refused"))
      })
      assert.deepInclude(error, { step: "Verify", newKid: "new" })
      assert.include(error.message, "new could not be revoked: revoke it")
      assert.deepStrictEqual(active, ["old", "new"])
    }).pipe(Effect.provide(administration)))

  it.effect("Switch: leaves both keys active, and names them", () =>
    Effect.gen(function*() {
      yield* application
      const { active, error } = yield* failing({ switchTo: () => Effect.die("sealed") })
      assert.deepStrictEqual([error.step, error.kid, error.newKid, error.cause], ["Switch", "old", "new", "sealed"])
      assert.deepStrictEqual(active, ["old", "new"])
    }).pipe(Effect.provide(administration)))

  it.effect("Revoke: is tried again; without success both keys are active", () =>
    Effect.gen(function*() {
      const { mock } = yield* application
      const { active, error } = yield* failing({
        switchTo: () => mock.inject("api", Fault.status(500), { times: Infinity })
      })
      assert.deepInclude(error, { step: "Revoke", kid: "old", newKid: "new" })
      assert.deepStrictEqual(active, ["old", "new"])
      yield* mock.clearFaults
      yield* mock.inject("api", Fault.status(200, { body: { keys: [{ kid: "old" }] } }))
      yield* mock.inject("api", Fault.status(201, { body: { keys: [{ kid: "new" }] } }))
      const partnerKeys = yield* PartnerKeys.PartnerKeys
      // Somebody else revoked it meanwhile: that is no failure.
      yield* underTime(rotate({ switchTo: () => partnerKeys.revoke(companyId, "old") }))
      assert.deepStrictEqual(yield* activeKids, ["new"])
    }).pipe(Effect.provide(administration)))

  it.effect("interrupted before the switch it revokes the new key, interrupted later it leaves both", () =>
    Effect.gen(function*() {
      yield* application
      const waiting = yield* Effect.forkChild(rotate({ key: { ...newKey, kid: "gone" } }))
      yield* settle
      assert.deepStrictEqual(yield* activeKids, ["old", "gone"])
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(yield* activeKids, ["old"])
      const draining = yield* Effect.forkChild(rotate({ propagation: 0 }))
      yield* settle
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.interrupt(draining)
      assert.deepStrictEqual(yield* activeKids, ["old", "new"])
    }).pipe(Effect.provide(administration)))

  it.effect("interrupted while it revokes the old key it does not say that both work", () =>
    Effect.gen(function*() {
      const { mock } = yield* application
      const audit = makeAudit()
      yield* audit.run(Effect.gen(function*() {
        const slow = Effect.asVoid(mock.configure({ apiLatency: "1 second" }))
        const rotating = yield* Effect.forkChild(rotate({ propagation: 0, drain: 0, switchTo: () => slow }))
        yield* settle
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(rotating))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(interrupting)
      }))
      assert.deepStrictEqual(yield* activeKids, ["new"])
      assert.include(audit.text(), "Rotation interrupted: the old key may have been revoked already")
    }).pipe(Effect.provide(administration)))

  it.effect.each(["propagation", "drain", "stepTimeout"])(
    "refuses a %s that is no duration before anything is done",
    (name) =>
      Effect.gen(function*() {
        assert.include(
          String(yield* Effect.exit(rotate({ [name]: -1 }))),
          `RangeError: PartnerKeyRotation.${name} is `
        )
        assert.deepStrictEqual(yield* calls, [])
      }).pipe(Effect.provide(administration))
  )

  it.effect("invariant 9: the private keys are in no log, span or error, at whatever step it ends", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      yield* audit.run(
        Effect.gen(function*() {
          yield* application
          const kid = (kid: string) => ({ key: { ...newKey, kid } })
          audit.add(
            (yield* failing({ ...kid("a"), verify: () => Effect.fail("refused"), stepTimeout: 0 })).error,
            (yield* failing({ ...kid("b"), switchTo: () => Effect.fail("sealed") })).error,
            yield* underTime(rotate(kid("c")))
          )
        }).pipe(Effect.provide(administration))
      )
      const lines = [oldKey, newKey].flatMap(({ privateKey }) => (Redacted.value(privateKey) as string).split("\n"))
      assert.deepStrictEqual(audit.search(lines.filter((line) => line.length > 20 && !line.includes("-----"))), [])
    }))
})
