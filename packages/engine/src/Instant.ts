/**
 * Time on two clocks.
 *
 * The wall clock continues while the machine sleeps. The monotonic clock stays
 * right when somebody sets the wall clock. A moment has passed as soon as it has
 * passed on one of the two clocks.
 *
 * @since 0.1.0
 */

/**
 * A moment on both clocks, in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Instant {
  /** Milliseconds since the Unix epoch. */
  readonly wall: number
  /** Milliseconds since any fixed moment, on a clock that nobody sets. */
  readonly mono: number
}

/**
 * The moment `millis` milliseconds after `from`, or before it if the number is
 * negative.
 *
 * @category combinators
 * @since 0.1.0
 */
export const after = (from: Instant, millis: number): Instant => ({
  wall: from.wall + millis,
  mono: from.mono + millis
})

/**
 * Whether a moment has passed, on either clock.
 *
 * @category predicates
 * @since 0.1.0
 */
export const hasPassed = (at: Instant, now: Instant): boolean => now.wall >= at.wall || now.mono >= at.mono

/**
 * Milliseconds until a moment, by the clock that reaches it first; zero once it has passed.
 *
 * **Details**
 *
 * Rounded up: a timer for a fraction of a millisecond may end before it began.
 *
 * @category getters
 * @since 0.1.0
 */
export const millisUntil = (at: Instant, now: Instant): number =>
  Math.max(0, Math.ceil(Math.min(at.wall - now.wall, at.mono - now.mono)))

/**
 * The later one of two moments.
 *
 * @category combinators
 * @since 0.1.0
 */
export const later = (one: Instant, other: Instant, now: Instant): Instant =>
  millisUntil(one, now) >= millisUntil(other, now) ? one : other
