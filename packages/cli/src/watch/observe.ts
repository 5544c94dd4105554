import type { AuthError, TokenProvider } from "@effect-spotnana/core"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** A token's life so far, as far as it was seen. */
export interface Observed {
  readonly at: DateTime.Utc
  readonly status: TokenProvider.Status
  /** Tokens that took the place of another one, whichever process asked for them. */
  readonly renewals: number
  readonly failures: number
  /** The last failure, and when it was seen; it stays when the next token is there. */
  readonly failure: { readonly at: DateTime.Utc; readonly error: AuthError.AuthError } | undefined
  /** The latest token, which a rejection takes out of the status. */
  readonly token: { readonly issuedAt: number; readonly expiresAt: number } | undefined
}

type Seen = Pick<Observed, "at" | "status">

const tokenOf = ({ expiresAt, issuedAt }: TokenProvider.Status): Observed["token"] =>
  issuedAt === undefined || expiresAt === undefined
    ? undefined
    : { issuedAt: DateTime.toEpochMillis(issuedAt), expiresAt: DateTime.toEpochMillis(expiresAt) }

const isSame = (one: Observed["token"], other: Observed["token"]): boolean =>
  one?.issuedAt === other?.issuedAt && one?.expiresAt === other?.expiresAt

/** What is known after one more look. */
export const observe = (before: Observed | undefined, { at, status }: Seen): Observed => {
  const token = tokenOf(status) ?? before?.token
  const hasFailed = status.lastError !== undefined && status.lastError !== before?.failure?.error
  const isRenewed = before?.token !== undefined && !isSame(token, before.token)
  return {
    at,
    status,
    renewals: (before?.renewals ?? 0) + (isRenewed ? 1 : 0),
    failures: (before?.failures ?? 0) + (hasFailed ? 1 : 0),
    failure: hasFailed ? { at, error: status.lastError } : before?.failure,
    token
  }
}

/** Whether something has happened between two looks. What only counts down has not. */
export const isUnchanged = (one: Observed, other: Observed): boolean =>
  one.status.state === other.status.state && one.failures === other.failures && isSame(one.token, other.token)

/** What a provider does: at every change, and every second, since the end of a token is no change. */
export const observations = (provider: TokenProvider.TokenProvider["Service"]): Stream.Stream<Observed> =>
  Stream.merge(
    provider.changes,
    Stream.mapEffect(Stream.tick("1 second"), () => provider.status)
  ).pipe(
    Stream.mapEffect((status) => Effect.map(DateTime.now, (at): Seen => ({ at, status }))),
    Stream.scan((): Observed | undefined => undefined, observe),
    Stream.filter((observed) => observed !== undefined)
  )
