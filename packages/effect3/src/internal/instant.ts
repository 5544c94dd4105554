import type { Instant } from "@effect-spotnana/engine"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Now, on both clocks. Effect 3 counts nanoseconds on the monotonic clock. */
export const instantOf = (clock: Clock.Clock, wall = clock.unsafeCurrentTimeMillis()): Instant.Instant => ({
  wall,
  mono: Number(clock.unsafeCurrentTimeNanos()) / 1_000_000
})

/** Now, on both clocks of the environment. */
export const currentInstant: Effect.Effect<Instant.Instant> = /* #__PURE__ */ Effect.map(
  Effect.clock,
  (clock) => instantOf(clock)
)
