import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { TokenEndpointError } from "../../AuthError.ts"
import { TokenEndpointUnavailable } from "../../AuthError.ts"
import type { ClientCredentials, Credentials } from "../../Credentials.ts"
import { describe, isCredentials, noCredentials } from "../credentialsSource.ts"
import { requestToken } from "../tokenEndpoint/requestToken.ts"
import type { Endpoint, Grant } from "../tokenEndpoint/requestToken.ts"
import type { Request, Sharing } from "../tokenStore/sharing.ts"

/** The result of one acquisition. */
export interface Outcome {
  /** `Unchanged`: no request was made, because the credentials are still the refused ones. */
  readonly result: Result.Result<Grant, TokenEndpointError> | "Unchanged"
  /** The credentials that were used; undefined if their source did not answer. */
  readonly credentials: ClientCredentials | undefined
  /** Their number, for the engine. Different credentials have different numbers. */
  readonly number?: number
}

/** An acquisition, as the engine requests it. */
export interface AcquisitionRequest extends Request {
  /** The credentials that the token endpoint refused. */
  readonly refused: number | undefined
}

/** Makes acquisitions: reads the credentials, then requests the token, within `timeout` milliseconds in all. */
export class Acquisition {
  readonly #source: Credentials["Service"]
  readonly #endpoint: Endpoint
  readonly #sharing: Sharing | undefined
  readonly #timeout: number
  #clientId: string | undefined
  #clientSecret: Redacted.Redacted | undefined
  #number = 0

  constructor(
    source: Credentials["Service"],
    endpoint: Endpoint,
    sharing: Sharing | undefined,
    timeout: number
  ) {
    this.#source = source
    this.#endpoint = endpoint
    this.#sharing = sharing
    this.#timeout = timeout
  }

  /** One acquisition from credentials to token. It never fails and never hangs. */
  run(request: AcquisitionRequest): Effect.Effect<Outcome> {
    let used: ClientCredentials | undefined
    const unavailable = (reason: TokenEndpointUnavailable["reason"], message: string): Outcome => ({
      result: Result.fail(new TokenEndpointUnavailable({ reason, message })),
      credentials: used
    })
    const acquire = Effect.flatMap(this.#source.current, (credentials): Effect.Effect<Outcome> => {
      if (!isCredentials(credentials)) return Effect.succeed(unavailable("CredentialsSource", noCredentials))
      used = credentials
      const number = this.#numberOf(credentials)
      if (number === request.refused) return Effect.succeed({ result: "Unchanged", credentials })
      const requested = this.#sharing?.acquire(credentials, request) ?? requestToken(this.#endpoint, credentials)
      return Effect.map(requested, (result) => ({ result, credentials, number }))
    })
    const time = () => Duration.format(Duration.millis(this.#timeout))
    const acquired = acquire.pipe(
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
      )
    )
    // In a fiber of its own: what does not end when it is interrupted, such as a source that connects, does not delay
    // the outcome.
    return Effect.flatMap(Effect.forkDetach(acquired, { startImmediately: true }), (fiber) =>
      Fiber.join(fiber).pipe(
        Effect.timeoutOrElse({
          duration: this.#timeout,
          orElse: () => {
            fiber.interruptUnsafe()
            return Effect.succeed(
              used === undefined
                ? unavailable("CredentialsSource", `The credentials source gave no answer within ${time()}.`)
                : unavailable(
                  "Timeout",
                  `No token within ${time()}. Raise the \`acquisitionTimeout\`, or find out what takes so long.`
                )
            )
          }
        }),
        Effect.onInterrupt(() => Fiber.interrupt(fiber))
      ))
  }

  #numberOf({ clientId, clientSecret }: ClientCredentials): number {
    if (clientId !== this.#clientId || !Equal.equals(clientSecret, this.#clientSecret)) this.#number++
    this.#clientId = clientId
    this.#clientSecret = clientSecret
    return this.#number
  }
}
