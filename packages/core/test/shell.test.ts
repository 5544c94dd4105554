import { Credentials, Environment, TokenEndpoint, TokenProvider, TokenStore } from "@effect-spotnana/core"
import { assert, it } from "@effect/vitest"
import {
  Clock,
  Context,
  DateTime,
  Duration,
  Effect,
  Fiber,
  Layer,
  Queue,
  Redacted,
  References,
  Result,
  Scope,
  Stream,
  Tracer
} from "effect"
import { TestClock } from "effect/testing"
import { TokenEndpointUnavailable } from "../src/AuthError.ts"
import { instantOf } from "../src/internal/instant.ts"
import { acquisitionServices } from "../src/internal/tokenProvider/services.ts"
import type { Change } from "../src/internal/tokenStore/watch.ts"
import { clientId, clientSecret, onMock, subjects } from "./support/harness.ts"

const credentials = { clientId, clientSecret }
const unavailable = new TokenEndpointUnavailable({ message: "no answer", reason: "Transport" })

const grantOf = (clock: Clock.Clock) => ({
  token: {
    value: Redacted.make("token"),
    issuedAt: DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()),
    expiresAt: DateTime.makeUnsafe(clock.currentTimeMillisUnsafe() + 3_600_000),
    scope: undefined
  },
  startedAt: instantOf(clock),
  lifetime: 3_600_000,
  version: 1,
  isShared: true
})

it.effect("callers of one millisecond get the same answer, but not after the state has changed in it", () =>
  Effect.gen(function*() {
    const changes = yield* Queue.unbounded<Change>()
    let outcome: Effect.Effect<Result.Result<never, typeof unavailable>> = Effect.succeed(Result.fail(unavailable))
    const provider = yield* TokenProvider.make({ refresh: { attempts: 1, maximumWait: 0 } }).pipe(
      Effect.provideService(Credentials.Credentials, { current: Effect.succeed(credentials) }),
      Effect.provideService(
        TokenEndpoint.TokenEndpoint,
        {
          environment: Environment.production,
          timeout: Duration.seconds(10),
          acquire: () => Effect.die("The store requests the tokens")
        } as unknown as TokenEndpoint.TokenEndpoint["Service"]
      ),
      Effect.provideService(TokenStore.TokenStore, {
        backend: undefined as never,
        share: () =>
          Effect.succeed({
            acquire: () => Effect.suspend(() => outcome),
            changes: Stream.fromQueue(changes)
          })
      })
    )
    // Nobody sets the clock forward between these calls.
    const failures = [
      yield* Effect.flip(provider.get),
      yield* Effect.flip(provider.get),
      yield* Effect.flip(provider.get)
    ]
    assert.deepStrictEqual(failures.map(({ _tag }) => _tag), failures.map(() => "TokenEndpointUnavailable"))
    yield* Queue.offer(changes, { credentials, grant: grantOf(yield* Clock.Clock) })
    yield* Effect.yieldNow
    const token = yield* provider.get
    outcome = Effect.never
    yield* provider.reject(token)
    const waiting = yield* Effect.forkChild(provider.get)
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* Fiber.join(waiting), token)
  }))

it.effect("a copy of the service is whole, and one of its functions can be replaced", () =>
  Effect.gen(function*() {
    const { provider } = yield* subjects
    const copy: TokenProvider.TokenProvider["Service"] = {
      ...provider,
      reject: () => Effect.succeed(false)
    }
    assert.deepStrictEqual(Object.keys(copy).toSorted(), [
      "changes",
      "environment",
      "get",
      "reject",
      "replacement",
      "replayAccepted",
      "status"
    ])
    const token = yield* copy.get
    assert.strictEqual((yield* copy.status).state, "valid")
    assert.strictEqual(yield* copy.reject(token), false)
    assert.strictEqual(yield* copy.replacement(token), token)
    yield* copy.replayAccepted
    assert.strictEqual((yield* Stream.runCollect(Stream.take(copy.changes, 1)))[0]?.state, "valid")
    const { reject } = provider
    assert.strictEqual(yield* reject(token), true)
  }).pipe(Effect.provide(onMock())))

class Vault extends Context.Service<Vault, { readonly url: string }>()("test/Vault") {}

it.effect("providers with the same services share one context, without scope and spans; others do not", () =>
  Effect.gen(function*() {
    const surroundings = yield* Effect.context()
    const memoMap = yield* Layer.makeMemoMap
    const servicesOf = (vault: Vault["Service"]) =>
      Effect.gen(function*() {
        const ofLayer = (yield* Effect.context<Scope.Scope>()).pipe(
          Context.add(Layer.CurrentMemoMap, memoMap),
          Context.add(Vault, vault)
        )
        return acquisitionServices(ofLayer as Context.Context<never>)
      }).pipe(Effect.scoped, Effect.withSpan("boot"), Effect.withLogSpan("boot"))
    const vault = { url: "https://vault.example" }
    const services = yield* servicesOf(vault)
    assert.strictEqual(yield* servicesOf(vault), services)
    // Equal to the other one, and yet another service: each may have a state of its own.
    const other = yield* servicesOf({ ...vault })
    assert.notStrictEqual(other, services)
    assert.strictEqual(Context.getUnsafe(services, Vault), vault)
    assert.isTrue(Context.getOption(services, Scope.Scope)._tag === "None")
    assert.isTrue(Context.getOption(services, Tracer.ParentSpan)._tag === "None")
    assert.deepStrictEqual(Context.get(services, References.CurrentLogSpans), [])
    assert.strictEqual(Context.get(services, Clock.Clock), Context.get(surroundings, Clock.Clock))
  }))

it.effect("each provider acquires with its own services", () =>
  Effect.gen(function*() {
    const asked: Array<string> = []
    const credentials = Layer.effect(
      Credentials.Credentials,
      Effect.succeed({
        current: Effect.map(Effect.serviceOption(Vault), (vault) => {
          asked.push(vault._tag === "Some" ? vault.value.url : "none")
          return { clientId, clientSecret }
        })
      })
    )
    const endpoint = Layer.succeed(TokenEndpoint.TokenEndpoint, {
      environment: Environment.production,
      acquire: () => Effect.succeed(grantOf(Context.get(Context.empty(), Clock.Clock)).token)
    })
    for (const url of ["one", "two", "one"]) {
      yield* Effect.flatMap(TokenProvider.TokenProvider, ({ get }) => get).pipe(
        Effect.provide(Layer.fresh(TokenProvider.layer())),
        Effect.provide([credentials, endpoint]),
        Effect.provideService(Vault, { url })
      )
    }
    assert.deepStrictEqual(asked, ["one", "two", "one"])
  }))

it.effect("the issue date is the same object as long as it is the same token", () =>
  Effect.gen(function*() {
    const { provider } = yield* subjects
    yield* provider.get
    const { issuedAt } = yield* provider.status
    assert.strictEqual((yield* provider.status).issuedAt, issuedAt)
    yield* TestClock.adjust("1 hour")
    assert.notStrictEqual((yield* provider.status).issuedAt, issuedAt)
  }).pipe(Effect.provide(onMock())))
