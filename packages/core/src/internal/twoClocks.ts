import type * as Clock from "effect/Clock"

/** Milliseconds on the wall clock and on the monotonic one. */
export interface Instant {
  readonly wall: number
  readonly mono: number
}

/**
 * Time kept on two clocks, of which the one that is further on counts: the wall clock goes on while the machine sleeps,
 * the monotonic one is right when the wall clock is set back.
 */
export interface TwoClocks {
  readonly now: () => Instant
  readonly isBefore: (limit: Instant) => boolean
  /** Milliseconds until then, whole ones: a sleep for less may end before it began, again and again. */
  readonly left: (until: Instant) => number
}

export const after = ({ mono, wall }: Instant, millis: number): Instant => ({
  wall: wall + millis,
  mono: mono + millis
})

export const makeTwoClocks = (clock: Clock.Clock): TwoClocks => {
  const wall = () => clock.currentTimeMillisUnsafe()
  const mono = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  return {
    now: () => ({ wall: wall(), mono: mono() }),
    isBefore: (limit) => wall() < limit.wall && mono() < limit.mono,
    left: (until) => Math.max(0, Math.ceil(Math.min(until.wall - wall(), until.mono - mono())))
  }
}
