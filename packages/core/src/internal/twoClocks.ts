import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

/** Milliseconds on the wall clock and on the monotonic one. */
export interface Instant {
  readonly wall: number
  readonly mono: number
}

export const after = ({ mono, wall }: Instant, millis: number): Instant => ({
  wall: wall + millis,
  mono: mono + millis
})

/**
 * Time kept on two clocks, of which the one that is further on counts: the wall clock goes on while the machine sleeps,
 * the monotonic one is right when the wall clock is set back.
 */
export class TwoClocks {
  readonly #clock: Clock.Clock

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  get #wall(): number {
    return this.#clock.currentTimeMillisUnsafe()
  }
  get #mono(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe()) / 1_000_000
  }

  now(): Instant {
    return { wall: this.#wall, mono: this.#mono }
  }
  isBefore(limit: Instant): boolean {
    return this.#wall < limit.wall && this.#mono < limit.mono
  }
  isBeforeOnWall(limit: Instant): boolean {
    return this.#wall < limit.wall
  }
  sleep(millis: number): Effect.Effect<void> {
    return this.#clock.sleep(Duration.millis(millis))
  }
  /** Milliseconds until then, whole ones: a sleep for less may end before it began, again and again. */
  left(until: Instant): number {
    return Math.max(0, Math.ceil(Math.min(until.wall - this.#wall, until.mono - this.#mono)))
  }
}
