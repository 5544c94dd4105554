import { Instant, StoredFailure, StoredToken } from "@effect-spotnana/engine"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import type { TokenEndpointError } from "../../AuthError.ts"
import { fromToken } from "../fromToken.ts"
import type { Grant } from "../tokenEndpoint/requestToken.ts"
import { fromError, toError } from "../tokenEndpoint/tokenFailure.ts"
import type { Stored } from "./contract.ts"

// What processes tell each other through a store. The engine defines the text, so that clients for every version of
// Effect can read it.

/** How much longer a token lives, in milliseconds. Of its ages on the two clocks, the larger one counts. */
const timeLeft = ({ lifetime, startedAt }: Grant, now: Instant.Instant): number =>
  lifetime - Math.max(0, now.wall - startedAt.wall, now.mono - startedAt.mono)

/** What to store for a token, and for how long; nothing if it has expired. */
export const encodeToken = (
  grant: Grant,
  now: Instant.Instant
): { readonly payload: Redacted.Redacted; readonly time: Duration.Duration } | undefined => {
  const left = timeLeft(grant, now)
  if (left <= 0) return undefined
  const { lifetime, token, version } = grant
  const payload = StoredToken.encode({
    value: Redacted.value(token.value),
    lifetime,
    scope: token.scope,
    expiresAt: now.wall + left,
    fence: version
  })
  return { payload: Redacted.make(payload), time: Duration.millis(left) }
}

/** The stored token, if it can be read and has not expired. `now` is from before it was read. */
export const decodeToken = ({ payload, timeLeft, version }: Stored, now: Instant.Instant): Grant | undefined => {
  const stored = StoredToken.decode(Redacted.value(payload))
  if (stored === undefined || stored.fence !== version) return undefined
  const { lifetime, scope, value } = stored
  const left = StoredToken.timeLeft(stored, { storeTimeLeft: Duration.toMillis(timeLeft), now: now.wall })
  if (left <= 0) return undefined
  const startedAt = Instant.after(now, left - lifetime)
  const token = fromToken({ value, lifetime, scope }, DateTime.unsafeMake(startedAt.wall))
  return { token, startedAt, lifetime, version, isShared: true }
}

/** `refused` is the name of the credentials, if the token endpoint refused them. */
export const encodeFailure = (
  error: TokenEndpointError,
  refused: string | undefined,
  until: number
): Redacted.Redacted => Redacted.make(StoredFailure.encode({ failure: fromError(error), refused, until }))

/** The failure of another process, unless it is over. The next attempt is due when the backoff is over. */
export const decodeFailure = (
  payload: Redacted.Redacted,
  storeTimeLeft: Duration.Duration,
  now: Instant.Instant
): { readonly error: TokenEndpointError; readonly refused: string | undefined } | undefined => {
  const stored = StoredFailure.decode(Redacted.value(payload))
  if (stored === undefined) return undefined
  const { failure, refused } = stored
  const left = StoredFailure.timeLeft(stored, { storeTimeLeft: Duration.toMillis(storeTimeLeft), now: now.wall })
  if (left <= 0) return undefined
  const retryAfter = Math.ceil(left)
  return { error: toError(failure._tag === "InvalidCredentials" ? failure : { ...failure, retryAfter }), refused }
}
