import { ApiUserRotation, Credentials, SpotnanaHttpClient, TokenEndpoint } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Redacted, Ref, Schedule, Stream } from "effect"
import { HttpBody } from "effect/http"
import { TestClock } from "effect/testing"
import { makeAudit } from "./support/audit.ts"
import { clientId, clientSecret } from "./support/harness.ts"
import { onSocket, platformClients, socketEnvironment } from "./support/sockets.ts"

/** What the application's credentials are read from, and the rotation writes to. */
class Vault extends Context.Service<Vault, Ref.Ref<Credentials.ClientCredentials>>()("Vault") {}

const vault = Layer.effect(Vault, Ref.make<Credentials.ClientCredentials>({ clientId, clientSecret }))
const fromVault = Layer.effect(Credentials.Credentials, Effect.map(Vault, (ref) => ({ current: Ref.get(ref) })))

const application = SpotnanaHttpClient.layerCredentials().pipe(
  Layer.provideMerge(TokenEndpoint.layer()),
  Layer.provideMerge(fromVault),
  Layer.provideMerge(vault)
)

const onMock = application.pipe(
  Layer.provideMerge(MockSpotnana.layerHttpClient),
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret }))
)

const switchTo = (credentials: Credentials.ClientCredentials) =>
  Effect.flatMap(Vault, (ref) => Ref.set(ref, credentials))

const subjects = Effect.all({
  mock: MockSpotnana.MockSpotnana,
  client: SpotnanaHttpClient.SpotnanaHttpClient,
  ref: Vault
})

/** Runs what waits, and sets the clock forward under it until it has ended. */
const underTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(fiber)
  })

/** The API users that there are, by what the mock knows. */
const clientIds = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const admin = yield* mock.addClient("the-test-itself")
  const response = yield* SpotnanaHttpClient.SpotnanaHttpClient.use((client) => client.get("/v2/api-users")).pipe(
    Effect.provide(SpotnanaHttpClient.layer(admin).pipe(Layer.provide(MockSpotnana.layerHttpClient)))
  )
  const { apiUsers } = (yield* response.json) as { readonly apiUsers: ReadonlyArray<{ readonly clientId: string }> }
  return apiUsers.map((user) => user.clientId).filter((id) => id !== admin.clientId)
})

/** What was asked of the API users, and how it was answered. */
const calls = Effect.map(
  MockSpotnana.MockSpotnana.use((mock) => mock.ledger),
  (ledger) =>
    ledger.filter(({ path }) => path.startsWith("/v2/api-users")).map((entry) =>
      `${entry.method} ${entry.path.slice("/v2/api-users".length)} ${entry.status}`
    )
)

/** The rotation as it fails, what is left, and what the vault has. */
const failing = (options: Partial<ApiUserRotation.Options<Vault>>) =>
  Effect.gen(function*() {
    const { mock, ref } = yield* subjects
    const error = yield* Effect.flip(underTime(ApiUserRotation.rotate({ switchTo, ...options })))
    yield* mock.clearFaults
    const current = yield* Ref.get(ref)
    return { error, left: yield* clientIds, isSwitched: current.clientId !== clientId }
  })

const isOld = (entry: { readonly clientId: string | undefined }) => entry.clientId === clientId

describe("the options of a rotation", () => {
  it.effect.each([["stepTimeout", -1], ["stepTimeout", NaN], ["drain", -1], ["drain", "soon"]] as const)(
    "are refused before anything is done: %s %s",
    ([name, value]) =>
      Effect.gen(function*() {
        const options = { switchTo, [name]: value } as unknown as ApiUserRotation.Options<Vault>
        const exit = yield* Effect.exit(ApiUserRotation.rotate(options))
        assert.include(
          Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "",
          `RangeError: ApiUserRotation.${name} is `
        )
        assert.deepStrictEqual(yield* calls, [])
      }).pipe(Effect.provide(onMock))
  )
})

describe("ApiUserRotation", () => {
  it.effect("creates, verifies, switches, drains for a token's life and 5 minutes, and revokes", () =>
    Effect.gen(function*() {
      const { mock, ref } = yield* subjects
      const fiber = yield* Effect.forkChild(ApiUserRotation.rotate({ switchTo }))
      yield* TestClock.adjust(65 * 60_000 - 1)
      assert.deepStrictEqual(yield* calls, ["GET  200", "POST  200", "GET  200"])
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const created = yield* Fiber.join(fiber)
      assert.deepStrictEqual((yield* calls).slice(3), ["POST /revoke 204"])
      assert.isTrue(Credentials.equals(yield* Ref.get(ref), created))
      assert.notStrictEqual(created.clientId, clientId)
      // Who did what: the old user looked and created, the new one proved itself and revoked.
      assert.deepStrictEqual(
        (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api").map(isOld),
        [true, true, false, false]
      )
      assert.deepStrictEqual(yield* clientIds, [created.clientId])
    }).pipe(Effect.provide(onMock)))

  it.effect("invariant 13: under load no request is lost, and none is even answered 401", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      const answers: Array<unknown> = []
      const body = () => HttpBody.stream(Stream.make(new TextEncoder().encode("once")))
      const load = Effect.forEach(
        [
          Effect.suspend(() => client.get("/v2/companies")),
          // Nothing can be sent again here.
          Effect.suspend(() => client.post("/v2/echo", { body: body() }))
        ],
        (call) =>
          Effect.match(call, { onFailure: (error) => error._tag, onSuccess: (response) => response.status }).pipe(
            Effect.tap((answer) => Effect.sync(() => answers.push(answer))),
            Effect.repeat(Schedule.spaced("500 millis"))
          ),
        { concurrency: "unbounded" }
      )
      yield* mock.configure({ apiLatency: "2 seconds", tokenLatency: "5 seconds" })
      const loading = yield* Effect.forkChild(load)
      yield* TestClock.adjust("10 minutes")
      yield* underTime(ApiUserRotation.rotate({ switchTo }))
      yield* TestClock.adjust("2 hours")
      yield* Fiber.interrupt(loading)
      assert.isAbove(answers.length, 5000)
      assert.deepStrictEqual([...new Set(answers)], [200])
      const api = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api")
      assert.deepStrictEqual([...new Set(api.map(({ status }) => status))], [200, 204])
      assert.isFalse(isOld(api.at(-1)!))
    }).pipe(Effect.provide(onMock)))

  it.effect("without a drain the requests in flight are sent again, and none is lost either", () =>
    Effect.gen(function*() {
      const { client, mock } = yield* subjects
      yield* client.get("/v2/companies")
      yield* underTime(ApiUserRotation.rotate({ switchTo, drain: 0 }))
      const answers = yield* Effect.all(Array.from({ length: 100 }, () => client.get("/v2/companies")), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual([...new Set(answers.map(({ status }) => status))], [200])
      const unauthorized = (yield* mock.ledger).filter(({ status }) => status === 401)
      const [first] = yield* mock.ledger
      assert.isTrue(isOld(first!))
      assert.isNotEmpty(unauthorized)
      assert.isTrue(unauthorized.every(({ token }) => Redacted.value(token!) === Redacted.value(first!.token!)))
    }).pipe(Effect.provide(onMock)))

  it.effect("spends the time of a step on a user that is not known yet, and on a source that is slow to yield", () =>
    Effect.gen(function*() {
      const { mock } = yield* subjects
      const slowly = (credentials: Credentials.ClientCredentials) =>
        Effect.flatMap(Effect.context<Vault>(), (context) =>
          switchTo(credentials).pipe(
            Effect.delay("4 minutes"),
            Effect.provideContext(context),
            Effect.forkDetach
          ))
      // The first token request of the rotation is the old user's; then the new one is refused for a while.
      const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
      yield* client.get("/v2/companies")
      yield* mock.inject("token", Fault.status(401), { times: 10 })
      const created = yield* underTime(ApiUserRotation.rotate({ switchTo: slowly }))
      assert.deepStrictEqual(yield* clientIds, [created.clientId])
    }).pipe(Effect.provide(onMock)))

  it.effect("a company administrator is verified with a company, and revoked for by the administrator", () =>
    Effect.gen(function*() {
      const { mock } = yield* subjects
      const admin = yield* mock.addClient("admin")
      const created = yield* underTime(ApiUserRotation.rotate({ switchTo, user: { role: "COMPANY_ADMIN" } })).pipe(
        Effect.provide(
          SpotnanaHttpClient.layer(admin).pipe(Layer.provide(MockSpotnana.layerHttpClient))
        )
      )
      const api = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "api")
      assert.deepStrictEqual(api.map(({ clientId, path, status }) => [clientId, path, status]), [
        ["admin", "/v2/api-users", 200],
        ["admin", "/v2/api-users", 200],
        [created.clientId, "/v2/companies", 200],
        ["admin", "/v2/api-users/revoke", 204]
      ])
    }).pipe(Effect.provide(onMock)))

  it.effect("verifies with what the application needs", () =>
    Effect.gen(function*() {
      const { mock } = yield* subjects
      const path = `/v2/users/${MockSpotnana.users[0]}`
      const created = yield* underTime(
        ApiUserRotation.rotate({ switchTo, verify: (client) => client.get(path) })
      )
      const entry = (yield* mock.ledger).find((entry) => entry.path === path)
      assert.strictEqual(entry?.clientId, created.clientId)
    }).pipe(Effect.provide(onMock)))

  it.effect("names both users before anything else happens to the new one", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const onCreated = (users: unknown) => Effect.map(calls, (calls) => void seen.push(users, calls.at(-1)))
      const created = yield* underTime(
        ApiUserRotation.rotate<Vault | MockSpotnana.MockSpotnana>({ switchTo, onCreated })
      )
      assert.deepStrictEqual(seen, [{ clientId, newClientId: created.clientId }, "POST  200"])
    }).pipe(Effect.provide(onMock)))

  it.effect("counts a user that somebody else has revoked meanwhile as revoked", () =>
    Effect.gen(function*() {
      const { mock } = yield* subjects
      const admin = yield* mock.addClient("somebody-else")
      const fiber = yield* Effect.forkChild(ApiUserRotation.rotate({ switchTo }))
      yield* TestClock.adjust("30 minutes")
      yield* SpotnanaHttpClient.SpotnanaHttpClient.use((client) =>
        client.post("/v2/api-users/revoke", { body: HttpBody.jsonUnsafe({ clientId }) })
      ).pipe(Effect.provide(SpotnanaHttpClient.layer(admin).pipe(Layer.provide(MockSpotnana.layerHttpClient))))
      yield* TestClock.adjust("1 hour")
      assert.isDefined((yield* Fiber.join(fiber)).clientId)
      assert.include(yield* calls, "POST /revoke 404")
    }).pipe(Effect.provide(onMock)))

  describe("of two that overlap", () => {
    /** Two rotations that begin together: what became of each, and what there is in the end. */
    const overlapping = (
      first: Partial<ApiUserRotation.Options<Vault>>,
      second: Partial<ApiUserRotation.Options<Vault>>
    ) =>
      Effect.gen(function*() {
        const { mock, ref } = yield* subjects
        // Both look before either creates.
        yield* mock.configure({ apiLatency: "1 second" })
        const rotating = Effect.forEach([first, second], (options) =>
          Effect.result(ApiUserRotation.rotate({ switchTo, stepTimeout: "3 hours", ...options })), { concurrency: 2 })
        const [one, two] = yield* underTime(rotating)
        yield* mock.configure({ apiLatency: 0 })
        const { clientId: inUse } = yield* Ref.get(ref)
        return { one: one!, two: two!, inUse, left: yield* clientIds }
      })

    /** Fails until so many minutes have passed. */
    const after = (minutes: number) => {
      const time = Effect.clockWith((clock) => clock.currentTimeMillis)
      return Effect.map(
        time,
        (start) => () =>
          Effect.flatMap(time, (now) => now - start < minutes * 60_000 ? Effect.fail("too early") : Effect.void)
      )
    }

    it.effect.each([1, 30, 61, 120])(
      "the one that switches %s minutes later fails, revokes its own user, and leaves the one in use",
      (minutes) =>
        Effect.gen(function*() {
          const { inUse, left, one, two } = yield* overlapping({}, { verify: yield* after(minutes) })
          assert.strictEqual(one._tag, "Success")
          assert.strictEqual(two._tag, "Failure")
          if (one._tag === "Failure" || two._tag === "Success") return
          assert.strictEqual(one.success.clientId, inUse)
          assert.deepStrictEqual(left, [inUse])
          const { failure } = two
          assert.deepStrictEqual([failure.step, failure.clientId, failure.newClientId], ["Switch", clientId, undefined])
          assert.include(failure.message, `does not yield ${clientId} any more`)
          assert.include(failure.message, `was revoked. The source yields ${inUse}.`)
        }).pipe(Effect.provide(onMock))
    )

    it.effect("that switch at the same moment one fails, and names the user that is left over", () =>
      Effect.gen(function*() {
        const slowly = (credentials: Credentials.ClientCredentials) =>
          Effect.andThen(Effect.sleep("1 minute"), switchTo(credentials))
        const { inUse, left, one, two } = yield* overlapping({ switchTo: slowly }, { switchTo: slowly })
        const failures = [one, two].flatMap((result) => result._tag === "Failure" ? [result.failure] : [])
        const made = [one, two].flatMap((result) => result._tag === "Success" ? [result.success.clientId] : [])
        assert.deepStrictEqual(made, [inUse])
        assert.strictEqual(failures.length, 1)
        assert.sameMembers([...left], [inUse, failures[0]!.newClientId!])
        assert.include(failures[0]!.message, "The source does not yield the new credentials")
      }).pipe(Effect.provide(onMock)))

    it.effect("the source fails right before the switch: the new user is revoked, and the old one stays in use", () =>
      Effect.gen(function*() {
        const { mock } = yield* subjects
        let reads = 0
        const source = Credentials.Credentials.of({
          current: Effect.suspend(() =>
            reads++ === 0 ? Effect.succeed({ clientId, clientSecret }) : Effect.fail("sealed")
          )
        })
        const error = yield* Effect.flip(underTime(ApiUserRotation.rotate({ switchTo }))).pipe(
          Effect.provideService(Credentials.Credentials, source)
        )
        assert.deepStrictEqual([error.step, error.newClientId, error.cause], ["Switch", undefined, "sealed"])
        assert.include(error.message, `was revoked. ${clientId} works as before`)
        assert.deepStrictEqual(yield* clientIds, [clientId])
        assert.strictEqual((yield* mock.ledger).filter(({ path }) => path.endsWith("/revoke")).length, 1)
      }).pipe(Effect.provide(onMock)))
  })

  describe("a step that fails", () => {
    it.effect("Check: the source fails", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(ApiUserRotation.rotate({ switchTo })).pipe(
          Effect.provideService(Credentials.Credentials, { current: Effect.fail("sealed") })
        )
        assert.deepStrictEqual([error.step, error.clientId, error.newClientId], ["Check", undefined, undefined])
        assert.strictEqual(error.cause, "sealed")
        assert.deepStrictEqual(yield* calls, [])
      }).pipe(Effect.provide(onMock)))

    it.effect.each([["Check", 0], ["Switch", 1]] as const)(
      "%s: the source yields no credentials, and nothing is changed",
      ([step, good]) =>
        Effect.gen(function*() {
          let reads = 0
          const current = Effect.sync(() =>
            (reads++ < good ? { clientId, clientSecret } : undefined) as Credentials.ClientCredentials
          )
          const error = yield* Effect.flip(underTime(ApiUserRotation.rotate({ switchTo }))).pipe(
            Effect.provideService(Credentials.Credentials, { current })
          )
          assert.deepStrictEqual([error.step, error.newClientId], [step, undefined])
          assert.include(String(error.cause), "a client id and a Redacted client secret are expected")
          assert.deepStrictEqual(yield* clientIds, [clientId])
        }).pipe(Effect.provide(onMock))
    )

    it.effect("Check: the source hangs", () =>
      Effect.gen(function*() {
        const rotation = ApiUserRotation.rotate({ switchTo }).pipe(
          Effect.provideService(Credentials.Credentials, { current: Effect.never })
        )
        assert.strictEqual((yield* Effect.flip(underTime(rotation))).step, "Check")
      }).pipe(Effect.provide(onMock)))

    it.effect("Check: the credentials are of nobody here", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(ApiUserRotation.rotate({ switchTo })).pipe(
          Effect.provideService(Credentials.Credentials, {
            current: Effect.succeed({ clientId: "elsewhere", clientSecret })
          })
        )
        assert.deepStrictEqual([error.step, error.clientId, error.cause], ["Check", "elsewhere", undefined])
        assert.include(error.message, "elsewhere is not an API user")
        assert.deepStrictEqual(yield* calls, ["GET  200"])
      }).pipe(Effect.provide(onMock)))

    it.effect("Check: the administrator is none", () =>
      Effect.gen(function*() {
        const { mock } = yield* subjects
        yield* mock.inject("api", Fault.status(403))
        const { error, isSwitched, left } = yield* failing({})
        assert.deepStrictEqual([error.step, left, isSwitched], ["Check", [clientId], false])
      }).pipe(Effect.provide(onMock)))

    it.effect("Create: there are five", () =>
      Effect.gen(function*() {
        const { mock } = yield* subjects
        yield* mock.configure({ apiUserQuota: 1 })
        const { error, isSwitched, left } = yield* failing({})
        assert.deepStrictEqual([error.step, error.newClientId, left, isSwitched], [
          "Create",
          undefined,
          [clientId],
          false
        ])
        assert.strictEqual((error.cause as { readonly status: number }).status, 409)
      }).pipe(Effect.provide(onMock)))

    it.effect("Create: no answer, within half a minute", () =>
      Effect.gen(function*() {
        const { mock } = yield* subjects
        const fiber = yield* Effect.forkChild(Effect.flip(ApiUserRotation.rotate({ switchTo })))
        yield* mock.configure({ apiLatency: "1 second" })
        yield* TestClock.adjust("900 millis")
        yield* mock.inject("api", Fault.hang)
        yield* TestClock.adjust("31 seconds")
        const error = yield* Fiber.join(fiber)
        assert.deepStrictEqual([error.step, error.newClientId], ["Create", undefined])
        assert.include(error.message, "check ApiUsers.list")
      }).pipe(Effect.provide(onMock)))

    it.effect("Create: the answer names a user that is there; nobody revokes it", () =>
      Effect.gen(function*() {
        const { mock } = yield* subjects
        yield* mock.addClient("other")
        const fiber = yield* Effect.forkChild(Effect.flip(ApiUserRotation.rotate({ switchTo })))
        yield* mock.configure({ apiLatency: "1 second" })
        yield* TestClock.adjust("900 millis")
        yield* mock.inject("api", Fault.status(200, { body: { clientId: "other", clientSecret: "s" } }))
        yield* TestClock.adjust("31 seconds")
        assert.strictEqual((yield* Fiber.join(fiber)).step, "Create")
        yield* mock.configure({ apiLatency: 0 })
        assert.deepStrictEqual(yield* clientIds, [clientId, "other"])
      }).pipe(Effect.provide(onMock)))

    const failures = (cause: string): ReadonlyArray<readonly [string, () => Effect.Effect<never, string>]> => [
      ["fails", () => Effect.fail(cause)],
      ["dies", () => Effect.die(cause)],
      ["throws", () => {
        throw cause
      }]
    ]
    for (const [title, onCreated] of failures("the disk is full")) {
      it.effect(`Create: what records the new user ${title}, and the user is revoked again`, () =>
        Effect.gen(function*() {
          const { error, isSwitched, left } = yield* failing({ onCreated })
          assert.deepStrictEqual([error.step, error.newClientId, error.cause], [
            "Create",
            undefined,
            "the disk is full"
          ])
          assert.deepStrictEqual([left, isSwitched], [[clientId], false])
        }).pipe(Effect.provide(onMock)))
    }

    it.effect("Verify: an answer that is not 2xx is a failure", () =>
      Effect.gen(function*() {
        const { error, left } = yield* failing({ verify: (client) => client.get("/v2/users/nobody") })
        assert.deepStrictEqual([error.step, left], ["Verify", [clientId]])
        assert.strictEqual((error.cause as { readonly status: number }).status, 404)
      }).pipe(Effect.provide(onMock)))

    for (const [title, verify] of failures("unfit")) {
      it.effect(`Verify ${title}: the new user is revoked again`, () =>
        Effect.gen(function*() {
          const { error, isSwitched, left } = yield* failing({ verify })
          assert.deepStrictEqual([error.step, error.newClientId, error.cause], ["Verify", undefined, "unfit"])
          assert.deepStrictEqual([left, isSwitched], [[clientId], false])
          assert.include(error.message, `was revoked. ${clientId} works as before`)
        }).pipe(Effect.provide(onMock)))
    }

    it.effect("Verify hangs: the time of a step ends it", () =>
      Effect.gen(function*() {
        const { error, isSwitched, left } = yield* failing({ verify: () => Effect.never, stepTimeout: "2 minutes" })
        assert.deepStrictEqual([error.step, left, isSwitched], ["Verify", [clientId], false])
      }).pipe(Effect.provide(onMock)))

    it.effect("Verify, and the new user cannot be revoked: the error names it", () =>
      Effect.gen(function*() {
        const { mock } = yield* subjects
        const { error, left } = yield* failing({
          stepTimeout: 0,
          verify: () => Effect.andThen(mock.inject("api", Fault.status(500), { times: 1 }), Effect.fail("unfit"))
        })
        assert.strictEqual(error.step, "Verify")
        assert.deepStrictEqual(left, [clientId, error.newClientId])
        assert.include(error.message, `${error.newClientId} could not be revoked: revoke it`)
      }).pipe(Effect.provide(onMock)))

    for (const [title, switchTo] of failures("full")) {
      it.effect(`Switch ${title}: both users stay`, () =>
        Effect.gen(function*() {
          const { error, left } = yield* failing({ switchTo })
          assert.deepStrictEqual([error.step, error.cause], ["Switch", "full"])
          assert.deepStrictEqual(left, [clientId, error.newClientId])
          assert.include(error.message, `${clientId} and the new ${error.newClientId}`)
        }).pipe(Effect.provide(onMock)))
    }

    it.effect("Switch: the source goes on yielding the old credentials, and the user in use is not revoked", () =>
      Effect.gen(function*() {
        const { error, left } = yield* failing({ switchTo: () => Effect.void })
        assert.deepStrictEqual([error.step, error.cause], ["Switch", undefined])
        assert.deepStrictEqual(left, [clientId, error.newClientId])
      }).pipe(Effect.provide(onMock)))

    it.effect("Revoke: somebody switched back meanwhile, and the user in use is not revoked", () =>
      Effect.gen(function*() {
        const { ref } = yield* subjects
        const fiber = yield* Effect.forkChild(Effect.flip(ApiUserRotation.rotate({ switchTo })))
        yield* TestClock.adjust("30 minutes")
        yield* Ref.set(ref, { clientId, clientSecret })
        yield* TestClock.adjust("1 hour")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error.step, "Revoke")
        assert.deepStrictEqual(yield* clientIds, [clientId, error.newClientId])
      }).pipe(Effect.provide(onMock)))

    it.effect("Revoke is tried again, and says what is left when it does not succeed", () =>
      Effect.gen(function*() {
        const { mock } = yield* subjects
        const atTheEnd = (times: number) =>
          Effect.gen(function*() {
            const fiber = yield* Effect.forkChild(Effect.result(ApiUserRotation.rotate({ switchTo })))
            yield* TestClock.adjust("30 minutes")
            yield* mock.inject("api", Fault.status(503), { times })
            yield* TestClock.adjust("2 hours")
            yield* mock.clearFaults
            return yield* Fiber.join(fiber)
          })
        assert.strictEqual((yield* atTheEnd(3))._tag, "Success")
        const result = yield* atTheEnd(Infinity)
        assert.strictEqual(result._tag, "Failure")
        if (result._tag === "Success") return
        assert.strictEqual(result.failure.step, "Revoke")
        assert.deepStrictEqual(yield* clientIds, [result.failure.clientId, result.failure.newClientId])
        assert.include(result.failure.message, "The new credentials are in use")
      }).pipe(Effect.provide(onMock)))
  })

  describe("interrupted", () => {
    // One second each: token, list, creation, token and list of the new user, switch; then an hour of drain.
    const moments: ReadonlyArray<
      readonly [string, number, "all is as it was" | "both API users work" | "may have been revoked", string]
    > = [
      ["while it looks", 1500, "all is as it was", "GET"],
      ["while the user is created", 2500, "all is as it was", "POST /revoke"],
      ["while the user is verified", 4500, "all is as it was", "POST /revoke"],
      ["while it switches", 5500, "both API users work", "GET"],
      ["while it drains", 60_000, "both API users work", "GET"],
      ["while the old user is revoked", 6500 + 3_900_000, "may have been revoked", "POST /revoke"]
    ]
    for (const [title, millis, left, last] of moments) {
      it.effect(`${title}: ${left}`, () =>
        Effect.gen(function*() {
          const { mock } = yield* subjects
          const audit = makeAudit()
          yield* mock.configure({ apiLatency: "1 second", tokenLatency: "1 second" })
          const exit = yield* audit.run(
            Effect.gen(function*() {
              const rotating = yield* Effect.forkChild(
                ApiUserRotation.rotate({
                  switchTo: (credentials) => Effect.andThen(Effect.sleep("1 second"), switchTo(credentials))
                })
              )
              yield* TestClock.adjust(millis)
              const interrupting = yield* Effect.forkChild(Fiber.interrupt(rotating))
              yield* TestClock.adjust("1 minute")
              yield* Fiber.join(interrupting)
              return yield* Fiber.await(rotating)
            })
          )
          assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
          assert.match((yield* calls).at(-1)!, new RegExp(`^${last}`))
          yield* mock.configure({ apiLatency: 0, tokenLatency: 0 })
          const ids = yield* clientIds
          assert.strictEqual(ids.length, left === "both API users work" ? 2 : 1)
          const isWarned = audit.text().includes("Rotation interrupted")
          assert.strictEqual(isWarned, left !== "all is as it was")
          if (isWarned) assert.include(audit.text(), left)
          if (isWarned) { for (const id of ids) assert.include(audit.text(), id) }
        }).pipe(Effect.provide(onMock)))
    }
  })

  it.effect("invariant 9: neither secret is in a log, a span, a metric or an error, at whatever step it ends", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      const secrets = [Redacted.value(clientSecret)]
      const steps: Array<string> = []
      for (const name of ["Verify", "Switch", "Revoke", "none"]) {
        const result = yield* audit.run(
          Effect.gen(function*() {
            const { mock } = yield* subjects
            const refuse = Effect.gen(function*() {
              const requests = (yield* mock.ledger).filter(({ endpoint }) => endpoint === "token")
              const body = new URLSearchParams(Redacted.value(requests.at(-1)!.body))
              secrets.push(body.get("client_secret")!)
              const message = Redacted.value(requests.at(-1)!.token!)
              yield* mock.inject("api", Fault.status(500, { body: { message } }), { times: Infinity })
            })
            return yield* underTime(Effect.result(ApiUserRotation.rotate({
              verify: (client) =>
                Effect.andThen(
                  client.get("/v2/companies"),
                  name === "Verify" ? Effect.andThen(refuse, client.get("/v2/companies")) : Effect.void
                ),
              switchTo: (credentials) =>
                Effect.andThen(
                  switchTo(credentials),
                  name === "Switch" ? Effect.fail({ credentials }) : name === "Revoke" ? refuse : Effect.void
                )
            })))
          }).pipe(Effect.provide(onMock))
        )
        audit.add(result)
        steps.push(result._tag === "Failure" ? result.failure.step : "none")
      }
      assert.deepStrictEqual(steps, ["Verify", "Switch", "Revoke", "none"])
      assert.isAtLeast(secrets.length, 3)
      assert.include(audit.text(), "ApiUserRotationFailed")
      assert.deepStrictEqual(audit.search(secrets), [])
    }))

  for (const [name, platform] of platformClients) {
    it.live(`invariant 13: loses no request over sockets, with ${name}`, () =>
      Effect.gen(function*() {
        const { client, mock } = yield* subjects
        const isOver = yield* Ref.make(false)
        const statuses: Array<unknown> = []
        const caller = Effect.match(client.get("/v2/companies"), {
          onFailure: (error) => error._tag,
          onSuccess: (response) => response.status
        }).pipe(
          Effect.tap((answer) => Effect.sync(() => statuses.push(answer))),
          Effect.repeat({ until: () => Ref.get(isOver) })
        )
        const load = yield* Effect.forkChild(
          Effect.all(Array.from({ length: 16 }, () => caller), { concurrency: "unbounded", discard: true })
        )
        const created = yield* ApiUserRotation.rotate({ switchTo, drain: "100 millis" })
        yield* Effect.sleep("100 millis")
        yield* Ref.set(isOver, true)
        yield* Fiber.join(load)
        assert.isAbove(statuses.length, 16)
        assert.deepStrictEqual([...new Set(statuses)], [200])
        const ledger = yield* mock.ledger
        // The old user's token died in use: what it was sent with was sent again.
        assert.isTrue(ledger.some((entry) => entry.status === 401))
        assert.strictEqual(ledger.at(-1)?.clientId, created.clientId)
        assert.strictEqual(ledger.filter(({ endpoint }) => endpoint === "token").length, 3)
      }).pipe(
        Effect.provide(
          Layer.unwrap(
            Effect.map(socketEnvironment, (environment) =>
              SpotnanaHttpClient.layerCredentials({ environment }).pipe(
                Layer.provideMerge(TokenEndpoint.layer({ environment })),
                Layer.provideMerge(fromVault),
                Layer.provideMerge(vault)
              ))
          ).pipe(Layer.provide(platform), Layer.provideMerge(onSocket()))
        )
      ))
  }
})
