import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { TokenEndpointError } from "../../AuthError.ts"
import { TokenEndpointUnavailable } from "../../AuthError.ts"
import * as Credentials from "../../Credentials.ts"
import { describe, isCredentials, noCredentials } from "../credentialsSource.ts"
import type { Grant } from "../tokenEndpoint/requestToken.ts"
import type { Request, Sharing } from "../tokenStore/sharing.ts"

/** Credentials, with a number for the engine. Different credentials have different numbers. */
export interface NumberedCredentials extends Credentials.ClientCredentials {
  readonly number: number
}

/** The result of one acquisition. */
export interface Outcome {
  /** `Unchanged`: no request was made, because the credentials are still the refused ones. */
  readonly result: Result.Result<Grant, TokenEndpointError> | "Unchanged"
  /** The credentials that were used; undefined if their source did not answer. */
  readonly credentials: NumberedCredentials | undefined
}

/** An acquisition, as the engine requests it. */
export interface AcquisitionRequest extends Request {
  /** The credentials that the token endpoint refused. */
  readonly refused: number | undefined
}

/** Makes acquisitions: reads the credentials, then requests the token, within `timeout` milliseconds in all. */
export class Acquisition {
  readonly #source: Credentials.Credentials["Service"]
  readonly #requestToken: Sharing["acquire"]
  readonly #timeout: number
  #last: NumberedCredentials | undefined

  constructor(source: Credentials.Credentials["Service"], requestToken: Sharing["acquire"], timeout: number) {
    this.#source = source
    this.#requestToken = requestToken
    this.#timeout = timeout
  }

  /** One acquisition from credentials to token. It never fails and never hangs. */
  run(request: AcquisitionRequest): Effect.Effect<Outcome> {
    let used: NumberedCredentials | undefined
    const unavailable = (reason: TokenEndpointUnavailable["reason"], message: string): Outcome => ({
      result: Result.fail(new TokenEndpointUnavailable({ reason, message })),
      credentials: used
    })
    const acquire = Effect.flatMap(this.#source.current, (current): Effect.Effect<Outcome> => {
      if (!isCredentials(current)) return Effect.succeed(unavailable("CredentialsSource", noCredentials))
      const credentials = used = this.#numbered(current)
      return credentials.number === request.refused
        ? Effect.succeed({ result: "Unchanged", credentials })
        : Effect.map(this.#requestToken(credentials, request), (result) => ({ result, credentials }))
    })
    const time = () => Duration.format(Duration.millis(this.#timeout))
    return acquire.pipe(
      // Failures of the source, and defects of the source or of the HTTP client.
      Effect.catchCause((cause) =>
        Effect.succeed(
          used === undefined
            ? unavailable("CredentialsSource", `The credentials source failed: ${describe(cause, [])}.`)
            : unavailable(
              "Transport",
              `The token request ended unexpectedly: ${describe(cause, [Redacted.value(used.clientSecret)])}.`
            )
        )
      ),
      Effect.timeoutOrElse({
        duration: this.#timeout,
        orElse: () =>
          Effect.succeed(
            used === undefined
              ? unavailable("CredentialsSource", `The credentials source gave no answer within ${time()}.`)
              : unavailable(
                "Timeout",
                `No token within ${time()}. Raise the \`acquisitionTimeout\`, or find out what takes so long.`
              )
          )
      })
    )
  }

  #numbered(current: Credentials.ClientCredentials): NumberedCredentials {
    if (this.#last !== undefined && Credentials.equals(this.#last, current)) return this.#last
    return this.#last = { ...current, number: (this.#last?.number ?? 0) + 1 }
  }
}
