import type { Instant } from "@effect-spotnana/engine"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Now, on both clocks. */
export const instantOf = (clock: Clock.Clock, wall = clock.currentTimeMillisUnsafe()): Instant.Instant => ({
  wall,
  mono: Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
})

/** Now, on both clocks of the environment. */
export const currentInstant: Effect.Effect<Instant.Instant> = /* #__PURE__ */ Effect.map(Clock.Clock, instantOf)
