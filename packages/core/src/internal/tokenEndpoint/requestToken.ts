import type { Instant } from "@effect-spotnana/engine"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as AccessToken from "../../AccessToken.ts"
import type { TokenEndpointError } from "../../AuthError.ts"
import type { ClientCredentials } from "../../Credentials.ts"
import { currentInstant } from "../instant.ts"

/** A token, and what is known about its time. */
export interface Grant {
  readonly token: AccessToken.AccessToken
  /** The time right before it was requested. For a token from a store: now minus its age. */
  readonly startedAt: Instant.Instant
  /** Milliseconds, from `startedAt` on. */
  readonly lifetime: number
  /** Its fencing token in the store; 0 if it is in no store. */
  readonly version: number
  /** Whether another process requested it. */
  readonly isShared: boolean
}

/** Makes one request for one token. */
export interface Endpoint {
  readonly acquire: (credentials: ClientCredentials) => Effect.Effect<AccessToken.AccessToken, TokenEndpointError>
}

/** One request for one token. Both clocks are read right before it: a token is not older, however long the answer takes. */
export const requestToken = (
  endpoint: Endpoint,
  credentials: ClientCredentials
): Effect.Effect<Result.Result<Grant, TokenEndpointError>> =>
  Effect.flatMap(currentInstant, (startedAt) =>
    Effect.map(
      Effect.result(endpoint.acquire(credentials)),
      Result.map((token) => ({
        token,
        startedAt,
        lifetime: Duration.toMillis(AccessToken.lifetime(token)),
        version: 0,
        isShared: false
      }))
    ))
