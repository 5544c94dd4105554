import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

export const names = ["Check", "Create", "Verify", "Switch", "Revoke"] as const
export type Name = typeof names[number]

/** The API user to be replaced, and the one that takes over. */
export interface Users {
  readonly clientId: string
  readonly newClientId: string
}

/** Why a rotation did not complete. */
export interface Failure extends Partial<Users> {
  readonly step: Name
  readonly message: string
  readonly cause?: unknown
}

/** The failure of a step, made of whatever it failed or died with; an interruption stays one. */
export const failedWith = (
  step: Name,
  users: Partial<Users>,
  message: string,
  cause: Cause.Cause<unknown>
): Effect.Effect<never, Failure> =>
  Cause.hasInterruptsOnly(cause)
    ? Effect.failCause(cause as Cause.Cause<never>)
    : Effect.fail({ step, ...users, message, cause: Cause.squash(cause) })

/** Says of an effect which step it is of, and how things stand if it fails. */
export const step =
  (name: Name, users: Partial<Users>, message: string) =>
  <A, R>(effect: Effect.Effect<A, unknown, R>): Effect.Effect<A, Failure, R> =>
    Effect.catchCause(effect, (cause) => failedWith(name, users, message, cause))

/** How long one request or one reading of the credentials may take. */
export const requestTimeout = Duration.seconds(30)

/** A request that must not be interrupted in the middle, and does not take for ever either. */
export const toItsEnd = <A, E, R>(request: Effect.Effect<A, E, R>) =>
  Effect.uninterruptible(Effect.timeout(request, requestTimeout))

/** Tries again for the time of a step. */
export const retrying = <A, E, R>(effect: Effect.Effect<A, E, R>, stepTimeout: Duration.Duration) =>
  Effect.retry(
    Effect.timeout(effect, requestTimeout),
    Schedule.upTo(Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("10 seconds")]), {
      duration: stepTimeout
    })
  )
