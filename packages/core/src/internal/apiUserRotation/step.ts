import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

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

/** Turns every failure and defect of a step into the failure of that step. An interruption stays an interruption. */
export const failedWith = (
  step: Name,
  users: Partial<Users>,
  message: string,
  cause: Cause.Cause<unknown>
): Effect.Effect<never, Failure> =>
  Cause.hasInterruptsOnly(cause)
    ? Effect.failCause(cause as Cause.Cause<never>)
    : Effect.fail({ step, ...users, message, cause: Cause.squash(cause) })

/** Marks an effect as part of a step. The message says what the state is if it fails. */
export const step =
  (name: Name, users: Partial<Users>, message: string) =>
  <A, R>(effect: Effect.Effect<A, unknown, R>): Effect.Effect<A, Failure, R> =>
    Effect.catchCause(effect, (cause) => failedWith(name, users, message, cause))
