import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { Clock, Context, Effect, Layer, Redacted, Tracer } from "effect"
import { TestClock } from "effect/testing"

export const clientId = "client"
export const clientSecret = Redacted.make("c4n4ry-s3cr3t/+=")

/** The library on a mock without sockets, both within reach of the test. */
export const onMock = <const Eager extends boolean | "background" = false>(
  options?: SpotnanaHttpClient.Options<Eager>,
  mock?: MockSpotnana.Options
) =>
  SpotnanaHttpClient.layer<Eager>(
    { clientId, clientSecret, ...options } as Parameters<
      typeof SpotnanaHttpClient.layer<Eager>
    >[0]
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

/** A tracer that keeps its spans for the test to look at. */
export const recordingTracer = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

/**
 * A clock whose wall time can be set apart from its monotonic time, as when the machine sleeps (the wall clock goes
 * on, nothing else does) or somebody sets the clock.
 */
export const skewable = Effect.gen(function*() {
  const inner = yield* TestClock.testClockWith(Effect.succeed)
  let skew = 0
  const clock: TestClock.TestClock = {
    adjust: (duration) => inner.adjust(duration),
    setTime: (timestamp) => inner.setTime(timestamp),
    withLive: (effect) => inner.withLive(effect),
    currentTimeMillisUnsafe: () => inner.currentTimeMillisUnsafe() + skew,
    currentTimeMillis: Effect.sync(() => inner.currentTimeMillisUnsafe() + skew),
    currentTimeNanosUnsafe: () => inner.currentTimeNanosUnsafe() + BigInt(skew) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => inner.currentTimeNanosUnsafe() + BigInt(skew) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => inner.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: inner.monotonicTimeNanos,
    sleep: (duration) => inner.sleep(duration)
  }
  return {
    context: Context.make(Clock.Clock, clock),
    /** Sets the wall clock forward or, with a negative number, back. */
    jump: (millis: number) => Effect.sync(() => void (skew += millis))
  }
})
