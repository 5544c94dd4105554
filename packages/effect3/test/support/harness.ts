import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { MockSpotnana } from "@effect-spotnana/effect3/testing"
import { Effect, Layer, Redacted, TestClock } from "effect"

export const clientId = "client"
export const clientSecret = Redacted.make("c4n4ry-s3cr3t/+=")

/** The library on a mock without sockets, both within reach of the test. */
export const onMock = <const Eager extends boolean | "background" = false>(
  options?: SpotnanaHttpClient.Options<Eager>,
  mock?: MockSpotnana.Options
) =>
  SpotnanaHttpClient.layer<Eager>(
    { clientId, clientSecret, ...options } as Parameters<typeof SpotnanaHttpClient.layer<Eager>>[0]
  ).pipe(
    Layer.provideMerge(MockSpotnana.layerHttpClient),
    Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, ...mock }))
  )

/** Everything that a test of the lifecycle looks at. */
export const subjects = Effect.all({
  provider: TokenProvider.TokenProvider,
  client: SpotnanaHttpClient.SpotnanaHttpClient,
  mock: MockSpotnana.MockSpotnana
})

/**
 * A clock whose wall time can be set apart from its monotonic time, as when the machine sleeps (the wall clock goes
 * on, nothing else does) or somebody sets the clock.
 */
export const skewable = Effect.map(TestClock.testClock(), (inner) => {
  let skew = 0
  const wall = () => inner.unsafeCurrentTimeMillis() + skew
  const monotonic = () => BigInt(Math.floor(inner.unsafeCurrentTimeMillis() * 1_000_000))
  const clock: TestClock.TestClock = Object.assign(Object.create(inner), {
    unsafeCurrentTimeMillis: wall,
    currentTimeMillis: Effect.sync(wall),
    unsafeCurrentTimeNanos: monotonic,
    currentTimeNanos: Effect.sync(monotonic)
  })
  return {
    withClock: Effect.withClock(clock),
    /** Sets the wall clock forward or, with a negative number, back. */
    jump: (millis: number) => Effect.sync(() => void (skew += millis))
  }
})
