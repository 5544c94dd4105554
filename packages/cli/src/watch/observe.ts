import type { AuthError, TokenProvider } from "@effect-spotnana/core"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The history of a token, as far as it was observed. */
export interface Observed {
  readonly at: DateTime.Utc
  readonly status: TokenProvider.Status
  /** The number of tokens that replaced another one, whichever process requested them. */
  readonly renewals: number
  readonly failures: number
  /** The last failure, and when it was observed. It stays after the next token. */
  readonly failure: { readonly at: DateTime.Utc; readonly error: AuthError.AuthError } | undefined
  /** The latest token. After a rejection, the status no longer has it. */
  readonly token: { readonly issuedAt: number; readonly expiresAt: number } | undefined
}

type Seen = Pick<Observed, "at" | "status">

const tokenOf = ({ expiresAt, issuedAt }: TokenProvider.Status): Observed["token"] =>
  issuedAt === undefined || expiresAt === undefined
    ? undefined
    : { issuedAt: DateTime.toEpochMillis(issuedAt), expiresAt: DateTime.toEpochMillis(expiresAt) }

const isSame = (one: Observed["token"], other: Observed["token"]): boolean =>
  one?.issuedAt === other?.issuedAt && one?.expiresAt === other?.expiresAt

/** The state after one more observation. */
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

/** Whether nothing has changed between two observations. Fields that only count down do not count. */
export const isUnchanged = (one: Observed, other: Observed): boolean =>
  one.status.state === other.status.state && one.failures === other.failures && isSame(one.token, other.token)

/** Observations of a provider: at every change, and every second, because the expiry of a token is not a change. */
export const observations = (provider: TokenProvider.TokenProvider["Service"]): Stream.Stream<Observed> =>
  Stream.merge(
    provider.changes,
    Stream.mapEffect(Stream.tick("1 second"), () => provider.status)
  ).pipe(
    Stream.mapEffect((status) => Effect.map(DateTime.now, (at): Seen => ({ at, status }))),
    Stream.scan((): Observed | undefined => undefined, observe),
    Stream.filter((observed) => observed !== undefined)
  )
