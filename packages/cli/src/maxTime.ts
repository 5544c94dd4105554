import { Flag } from "effect/cli"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { exitCode, Failure } from "./exitCode.ts"

/** How long a command may take. */
export const maxTime = Flag.Finite("max-time").pipe(
  Flag.withMetavar("seconds"),
  Flag.filter((seconds) => seconds > 0, () => "Expected more than 0 seconds"),
  Flag.withDescription("Fail after this number of seconds, including the token request"),
  Flag.optional
)

/** Fails after that time. */
export const within = (maxTime: Option.Option<number>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Option.isNone(maxTime) ? effect : Effect.timeoutOrElse(effect, {
    duration: Duration.seconds(maxTime.value),
    orElse: () =>
      Effect.fail(
        new Failure({ message: `No complete answer within ${maxTime.value} seconds.`, exitCode: exitCode.unavailable })
      )
  })
