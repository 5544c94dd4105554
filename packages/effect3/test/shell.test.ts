import { Credentials, Environment, TokenEndpoint, TokenProvider, TokenStore } from "@effect-spotnana/effect3"
import { assert, it } from "@effect/vitest"
import type { Clock } from "effect"
import { DateTime, Duration, Effect, Either, Fiber, Queue, Redacted, Stream, TestClock } from "effect"
import { TokenEndpointUnavailable } from "../src/AuthError.ts"
import { instantOf } from "../src/internal/instant.ts"
import type { Change } from "../src/internal/tokenStore/watch.ts"
import { clientId, clientSecret } from "./support/harness.ts"

const credentials = { clientId, clientSecret }
const unavailable = new TokenEndpointUnavailable({ message: "no answer", reason: "Transport" })

const grantOf = (clock: Clock.Clock) => ({
  token: {
    value: Redacted.make("token"),
    issuedAt: DateTime.unsafeMake(clock.unsafeCurrentTimeMillis()),
    expiresAt: DateTime.unsafeMake(clock.unsafeCurrentTimeMillis() + 3_600_000),
    scope: undefined
  },
  startedAt: instantOf(clock),
  lifetime: 3_600_000,
  version: 1,
  isShared: true
})

it.scoped("callers of one millisecond get the same answer, but not after the state has changed in it", () =>
  Effect.gen(function*() {
    const changes = yield* Queue.unbounded<Change>()
    let outcome: Effect.Effect<Either.Either<never, typeof unavailable>> = Effect.succeed(Either.left(unavailable))
    const provider = yield* TokenProvider.make({ refresh: { attempts: 1, maximumWait: 0 } }).pipe(
      Effect.provideService(Credentials.Credentials, { current: Effect.succeed(credentials) }),
      Effect.provideService(
        TokenEndpoint.TokenEndpoint,
        {
          environment: Environment.production,
          timeout: Duration.seconds(10),
          acquire: () => Effect.die("The store requests the tokens")
        } as unknown as TokenEndpoint.TokenEndpoint["Type"]
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
    yield* Queue.offer(changes, { credentials, grant: grantOf(yield* Effect.clock) })
    yield* TestClock.adjust(0)
    const token = yield* provider.get
    outcome = Effect.never
    yield* provider.reject(token)
    const waiting = yield* Effect.fork(provider.get)
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* Fiber.join(waiting), token)
  }))
