import { AuthError, SpotnanaApiError, TokenExchange } from "@effect-spotnana/core"
import * as Cause from "effect/Cause"
import { CliError } from "effect/cli"
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpClientError } from "effect/http"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import { Output } from "./output.ts"

/** The exit codes. The README has the same table. */
export const exitCode = {
  /** Everything without its own code. For `doctor`: it found a fault. */
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
  /** No usable answer: no connection, a time-out, or a token endpoint that does not work. */
  unavailable: 7,
  /** The token endpoint refused the token of the user. */
  subjectRefused: 8,
  /** Interrupted, by Ctrl-C or SIGTERM. */
  interrupted: 130,
  /** Nobody reads the output any more. */
  brokenPipe: 141
} as const

/** The end of a command without success. With an empty message, everything has been printed already. */
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

/** The exit code for an answer that counts as an error, by its status. */
export const statusExitCode = (status: number): number =>
  status < 300
    ? exitCode.unavailable
    : status < 400
    ? exitCode.redirection
    : status < 500
    ? exitCode.clientError
    : exitCode.serverError

/** Rounded up: a time to wait. */
const inSeconds = (duration: Duration.Duration): string =>
  Duration.format(Duration.seconds(Math.ceil(Duration.toSeconds(duration))))

/** Adds the id that Spotnana's support can use. */
export const identified = (message: string, debugIdentifier: string | undefined): string =>
  debugIdentifier === undefined ? message : `${message}\ndebugIdentifier: ${debugIdentifier}`

/** The root cause of an error of the platform: `fetch failed` says nothing, but `ECONNREFUSED` does. */
export const rootOf = (error: unknown): string => {
  const own = Predicate.hasProperty(error, "message") && Predicate.isString(error.message) ? error.message : ""
  // The rest of this message is about OpenSSL.
  if (own.includes("wrong version number")) return "it does not speak TLS"
  const deeper = Predicate.hasProperty(error, "cause") ? rootOf(error.cause) : ""
  if (deeper !== "") return deeper
  // An error that contains several, one for each address, has no message of its own.
  const first = Predicate.hasProperty(error, "errors") && Array.isArray(error.errors) ? rootOf(error.errors[0]) : ""
  return own || first || (Predicate.isString(error) ? error : "")
}

interface Explanation {
  readonly message: string
  readonly advice?: string | undefined
  readonly exitCode: number
}

/** What an error means to the user at the terminal. */
export const explain = (error: unknown): Explanation => {
  if (error instanceof Failure) return error
  if (AuthError.isAuthError(error)) {
    const message = identified(error.message, error.debugIdentifier)
    const wait = Option.getOrUndefined(AuthError.retryAfter(error))
    return {
      message: wait === undefined ? message : `${message}\nTry again in ${inSeconds(wait)}.`,
      exitCode: authExitCode(error)
    }
  }
  if (error instanceof TokenExchange.SubjectTokenRejected) {
    // The file with the token identifies the user.
    const message = error.message.replace("of user ", "in ").replace("subjectTokenType", "--subject-token-type")
    return { message: identified(message, error.debugIdentifier), exitCode: exitCode.subjectRefused }
  }
  if (error instanceof SpotnanaApiError.SpotnanaApiError) {
    return { message: identified(error.message, error.debugIdentifier), exitCode: statusExitCode(error.status) }
  }
  if (error instanceof Config.ConfigError) {
    const { message } = error.cause
    return {
      message,
      advice: /SPOTNANA_CLIENT_(ID|SECRET) is not set/.test(message)
        ? howToSet
        : message.includes("or quote")
        ? "docker run --env-file keeps quotes: write the value without quotes."
        : message.includes("cannot be read (")
        ? "Check the path in that variable, and that this user may read the file."
        : undefined,
      exitCode: exitCode.usage
    }
  }
  if (HttpClientError.isHttpClientError(error)) {
    const what = `${error.request.method} ${error.request.url}`
    return {
      message: error.response === undefined
        ? `${what} got no answer: ${rootOf(error)}`
        : `The answer to ${what} was cut off: ${rootOf(error)}`,
      exitCode: exitCode.unavailable
    }
  }
  // Help, and the error in the arguments, are printed already.
  if (CliError.isCliError(error) && error._tag === "ShowHelp") {
    return { message: "", exitCode: error.errors.length === 0 ? 0 : exitCode.usage }
  }
  return {
    message: `This should not have happened: ${rootOf(error) || "an error without a message"}`,
    exitCode: exitCode.fault
  }
}

const howToSet =
  "Set the missing variables in the environment, in a file .env in this directory, or in a file that --credentials-file names, one NAME=value per line."

/** The end of the process, from which `Runtime.defaultTeardown` takes the exit code. */
class Ended extends Data.TaggedError("Ended")<{ readonly code: number }> {
  override readonly [Runtime.errorExitCode] = this.code
}

/** Prints what went wrong to stderr, without a stack, and ends with the matching exit code. */
export const report = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Ended, R | Output> =>
  Effect.catchCause(effect, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    const { advice, exitCode, message } = explain(Cause.squash(cause))
    const text = advice === undefined ? message : `${message}\n${advice}`
    const said = message === "" ? Effect.void : Effect.flatMap(Output, ({ fault }) => fault(text))
    return Effect.andThen(said, Effect.fail(new Ended({ code: exitCode })))
  })
