import { AuthError } from "@effect-spotnana/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Observed } from "./observe.ts"

/** The fields of a change. Unknown fields are left out. */
const fields = ({ at, failures, renewals, status }: Observed) => {
  const { expiresAt, issuedAt, lastError, nextRenewalAt, state } = status
  const wait = lastError === undefined ? undefined : Option.getOrUndefined(AuthError.retryAfter(lastError))
  return {
    at: DateTime.formatIso(at),
    state,
    ...(issuedAt && { issued_at: DateTime.formatIso(issuedAt) }),
    ...(expiresAt && { expires_at: DateTime.formatIso(expiresAt) }),
    ...(nextRenewalAt && { next_renewal_at: DateTime.formatIso(nextRenewalAt) }),
    renewals,
    failures,
    ...(lastError && {
      error: lastError._tag,
      message: lastError.message,
      ...(lastError.debugIdentifier !== undefined && { debug_identifier: lastError.debugIdentifier }),
      ...(wait && { retry_after: Math.ceil(Duration.toSeconds(wait)) })
    })
  }
}

/** A change as JSON. */
export const toJson = (observed: Observed): string => JSON.stringify(fields(observed))

/** A change as a line for people and for `grep`. */
export const toLine = (observed: Observed): string =>
  Object.entries(fields(observed))
    .map(([name, value]) => `${name}=${/^[\w:.+-]+$/.test(String(value)) ? value : JSON.stringify(value)}`)
    .join(" ")
