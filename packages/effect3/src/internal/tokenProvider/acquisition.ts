import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type { TokenEndpointError } from "../../AuthError.ts"
import { TokenEndpointUnavailable } from "../../AuthError.ts"
import * as Credentials from "../../Credentials.ts"
import { describe, isCredentials } from "../credentialsSource.ts"
import type { Grant } from "../tokenEndpoint/requestToken.ts"
import type { Request, Sharing } from "../tokenStore/sharing.ts"

/** Credentials, with a number for the engine. Different credentials have different numbers. */
export interface NumberedCredentials extends Credentials.ClientCredentials {
  readonly number: number
}

/** The result of one acquisition. */
export interface Outcome {
  /** `Unchanged`: no request was made, because the credentials are still the refused ones. */
  readonly result: Either.Either<Grant, TokenEndpointError> | "Unchanged"
  /** The credentials that were used; undefined if their source did not answer. */
  readonly credentials: NumberedCredentials | undefined
}

/** One acquisition from credentials to token. It never fails and never hangs. */
export type Acquisition = (request: Request & { readonly refused: number | undefined }) => Effect.Effect<Outcome>

/** Makes acquisitions: reads the credentials, then requests the token, within `timeout` milliseconds in all. */
export const makeAcquisition = (
  source: Credentials.Credentials["Type"],
  requestToken: Sharing["acquire"],
  timeout: number
): Acquisition => {
  let last: NumberedCredentials | undefined
  const numbered = (current: Credentials.ClientCredentials): NumberedCredentials => {
    if (last !== undefined && Credentials.equals(last, current)) return last
    return last = { ...current, number: (last?.number ?? 0) + 1 }
  }
  return (request) => {
    let credentials: NumberedCredentials | undefined
    const unavailable = (reason: TokenEndpointUnavailable["reason"], message: string): Outcome => ({
      result: Either.left(new TokenEndpointUnavailable({ reason, message })),
      credentials
    })
    const acquire = Effect.flatMap(source.current, (current): Effect.Effect<Outcome> => {
      if (!isCredentials(current)) {
        const expected = "a client id and a Redacted client secret are expected"
        return Effect.succeed(
          unavailable("CredentialsSource", `The credentials source gave no credentials: ${expected}.`)
        )
      }
      credentials = numbered(current)
      return credentials.number === request.refused
        ? Effect.succeed({ result: "Unchanged", credentials })
        : Effect.map(requestToken(credentials, request), (result) => ({ result, credentials }))
    })
    const acquired = acquire.pipe(
      // Failures of the source, and defects of the source or of the HTTP client.
      Effect.catchAllCause((cause) =>
        Effect.succeed(
          credentials === undefined
            ? unavailable("CredentialsSource", `The credentials source failed: ${describe(cause, [])}.`)
            : unavailable(
              "Transport",
              `The token request ended unexpectedly: ${describe(cause, [Redacted.value(credentials.clientSecret)])}.`
            )
        )
      ),
      Effect.interruptible
    )
    const late = () =>
      credentials === undefined
        ? unavailable(
          "CredentialsSource",
          `The credentials source gave no answer within ${Duration.format(Duration.millis(timeout))}.`
        )
        : unavailable(
          "Timeout",
          `No token within ${Duration.format(Duration.millis(timeout))}. ` +
            "Raise the `acquisitionTimeout`, or find out what takes so long."
        )
    // In a fiber of its own: what cannot be interrupted, such as a source that connects, or what takes long to end,
    // does not delay the answer.
    return Effect.flatMap(Effect.forkDaemon(acquired), (fiber) =>
      Effect.timeoutTo(Fiber.join(fiber), {
        duration: timeout,
        onSuccess: Effect.succeed,
        onTimeout: () => Effect.as(Fiber.interruptFork(fiber), late())
      }).pipe(Effect.flatten, Effect.onInterrupt(() => Fiber.interrupt(fiber))))
  }
}
