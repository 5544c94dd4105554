import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** How long one request or one reading of the credentials may take. */
export const requestTimeout = Duration.seconds(30)

/** Runs a request to its end, without interruption but with a time limit. */
export const toItsEnd = <A, E, R>(request: Effect.Effect<A, E, R>) =>
  Effect.uninterruptible(Effect.timeout(request, requestTimeout))

/** Retries for the time of a step. */
export const retrying = <A, E, R>(effect: Effect.Effect<A, E, R>, stepTimeout: Duration.Duration) =>
  Effect.retry(
    Effect.timeout(effect, requestTimeout),
    Schedule.upTo(Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("10 seconds")]), {
      duration: stepTimeout
    })
  )
