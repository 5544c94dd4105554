import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { AccessToken } from "../AccessToken.ts"
import type { TokenEndpointError } from "../AuthError.ts"
import { TokenEndpointUnavailable } from "../AuthError.ts"
import * as Credentials from "../Credentials.ts"
import type { TokenEndpoint } from "../TokenEndpoint.ts"
import { printable } from "./printable.ts"
import type { Judgement, Sharing } from "./sharing.ts"

/** What came of one acquisition. */
export interface Outcome {
  readonly result: Result.Result<AccessToken, TokenEndpointError>
  /** The credentials that were used; none where their source did not answer. */
  readonly credentials: Credentials.ClientCredentials | undefined
  /** Whether another process asked, and not this one. */
  readonly isFromStore: boolean
}

/**
 * One acquisition from credentials to token. It never fails and never hangs; `StillRefused` is the answer without a
 * request where the credentials are the refused ones.
 */
export type Acquisition = (
  refused: Credentials.ClientCredentials | undefined,
  judgement: Judgement
) => Effect.Effect<Outcome | "StillRefused">

/** Makes acquisitions: asks for the credentials, then for the token, within `timeout` in all. */
export const makeAcquisition = (
  source: Credentials.Credentials["Service"],
  endpoint: TokenEndpoint["Service"],
  timeout: Duration.Duration,
  sharing: Sharing | undefined
): Acquisition =>
(refused, judgement) => {
  let credentials: Credentials.ClientCredentials | undefined
  const unavailable = (reason: TokenEndpointUnavailable["reason"], message: string): Outcome => ({
    result: Result.fail(new TokenEndpointUnavailable({ reason, message })),
    credentials,
    isFromStore: false
  })
  const acquire = Effect.flatMap(source.current, (current): Effect.Effect<Outcome | "StillRefused"> => {
    if (!isCredentials(current)) {
      const expected = "a client id and a Redacted client secret are expected"
      return Effect.succeed(
        unavailable("CredentialsSource", `The credentials source gave no credentials: ${expected}.`)
      )
    }
    credentials = current
    if (refused !== undefined && Credentials.equals(refused, current)) return Effect.succeed("StillRefused")
    return sharing === undefined
      ? Effect.map(Effect.result(endpoint.acquire(current)), (result) => ({ result, credentials, isFromStore: false }))
      : Effect.map(sharing.acquire(current, judgement), (shared) => ({ ...shared, credentials }))
  })
  return acquire.pipe(
    // The source's own failures, and what nobody expected: defects of the source or of the HTTP client.
    Effect.catchCause((cause) =>
      Effect.succeed(
        credentials === undefined
          ? unavailable("CredentialsSource", `The credentials source failed: ${describe(cause, [])}.`)
          : unavailable(
            "Transport",
            `The token request ended unexpectedly: ${describe(cause, [Redacted.value(credentials.clientSecret)])}.`
          )
      )
    ),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Effect.succeed(
          credentials === undefined
            ? unavailable(
              "CredentialsSource",
              `The credentials source gave no answer within ${Duration.format(timeout)}.`
            )
            : unavailable("Timeout", `No token within ${Duration.format(timeout)}.`)
        )
    })
  )
}

// The type says so already; a source in JavaScript, or one that casts, may not.
const isCredentials = (current: unknown): boolean =>
  Predicate.isObject(current) &&
  "clientId" in current && Predicate.isString(current.clientId) &&
  "clientSecret" in current && Redacted.isRedacted(current.clientSecret) &&
  Predicate.isString(Redacted.value(current.clientSecret))

const describe = (cause: Cause.Cause<unknown>, secrets: ReadonlyArray<string>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error
    ? printable(`${error.name}: ${error.message}`, secrets)
    : "an error that is not an Error"
}
