import { AuthError } from "@effect-spotnana/core"
import * as Cause from "effect/Cause"
import { CliError } from "effect/cli"
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import { Output } from "./output.ts"

/** What a script can tell from the exit code; the README has the same table. */
export const exitCode = {
  /** Anything that has no number of its own; for `doctor`, a fault that it found. */
  fault: 1,
  /** A mistake in the command line or in the configuration. */
  usage: 2,
  /** The API answered 3xx. */
  redirection: 3,
  /** The API answered 4xx. */
  clientError: 4,
  /** The API answered 5xx. */
  serverError: 5,
  /** The token endpoint refused the credentials, or the API refused the token. */
  refused: 6,
  /** No usable answer: no connection, a time-out, or a token endpoint that is out of order. */
  unavailable: 7
} as const

/** An end that is not success. With an empty message everything has been said. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly message: string
  readonly exitCode: number
}> {}

/** A mistake in the command line or in the configuration. */
export const usageFailure = (message: string): Failure => new Failure({ message, exitCode: exitCode.usage })

const authExitCode = (error: AuthError.AuthError): number => {
  switch (error._tag) {
    case "InvalidCredentials":
    case "TokenExpired":
      return exitCode.refused
    case "TokenEndpointUnavailable":
    case "MalformedTokenResponse":
      return exitCode.unavailable
  }
}

const authMessage = (error: AuthError.AuthError): string => {
  const wait = Option.map(AuthError.retryAfter(error), (duration) => `Try again in ${Duration.format(duration)}.`)
  const identifier = error.debugIdentifier === undefined ? [] : [`debugIdentifier: ${error.debugIdentifier}`]
  return [error.message, ...Option.toArray(wait), ...identifier].join("\n")
}

const describe = (error: unknown): { readonly message: string; readonly exitCode: number } => {
  if (error instanceof Failure) return error
  if (AuthError.isAuthError(error)) return { message: authMessage(error), exitCode: authExitCode(error) }
  // Help and what is wrong with the arguments are on the screen already.
  if (CliError.isCliError(error) && error._tag === "ShowHelp") {
    return { message: "", exitCode: error.errors.length === 0 ? 0 : exitCode.usage }
  }
  if (CliError.isCliError(error) || error instanceof Config.ConfigError) {
    return { message: error.message, exitCode: exitCode.usage }
  }
  return {
    message: Predicate.isError(error) && error.message !== "" ? error.message : "Something unexpected went wrong.",
    exitCode: exitCode.fault
  }
}

/** The end of the process: what `Runtime.defaultTeardown` takes the exit code from. */
class Ended extends Data.TaggedError("Ended")<{ readonly code: number }> {
  override readonly [Runtime.errorExitCode] = this.code
}

/** Says what went wrong on stderr, without a stack, and ends with the exit code that fits. */
export const report = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Ended, R | Output> =>
  Effect.catchCause(effect, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    const { exitCode, message } = describe(Cause.squash(cause))
    const said = message === "" ? Effect.void : Effect.flatMap(Output, ({ fault }) => fault(message))
    return Effect.andThen(said, Effect.fail(new Ended({ code: exitCode })))
  })
