/**
 * What the mock received, for a test to assert on.
 *
 * @since 0.1.0
 */
import type * as Headers from "@effect/platform/Headers"
import type * as Redacted from "effect/Redacted"

/**
 * The part of Spotnana that a request was for.
 *
 * **Details**
 *
 * `token` is `/v2/auth/oauth2-token`, `other` the deprecated `/get-auth-token` and the page `/embed`, and `api` every
 * other path, all of which want a bearer.
 *
 * @category models
 * @since 0.1.0
 */
export type Endpoint = "token" | "api" | "other"

/**
 * One request as it was received, and what was decided about it.
 *
 * **Details**
 *
 * Printing an entry (`console.log`, `JSON.stringify`, a failed assertion) shows neither secret nor token: those are
 * `Redacted`, and the header `authorization` is not enumerable. `Redacted.value` gets at them.
 *
 * **Gotchas**
 *
 * `headers.authorization` read by name is the bearer itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface LedgerEntry {
  readonly endpoint: Endpoint
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** The text after `?`, or an empty string. Values of parameters that name a secret or a token are replaced. */
  readonly query: string
  /** In-process the `host` is the one of the URL that was asked for, as it is on the wire. */
  readonly headers: Headers.Headers
  /** The body as text. Redacted, since a token request carries the client secret, and may carry a token of a user. */
  readonly body: Redacted.Redacted
  /** The client that presented itself, or whose token was presented; absent when it is nobody known. */
  readonly clientId: string | undefined
  /** The email of the user that the request was made for: whose token was exchanged or presented. */
  readonly user: string | undefined
  /** At the token endpoint the token that was issued, elsewhere the bearer that was presented. */
  readonly token: Redacted.Redacted | undefined
  /** When the request arrived, in milliseconds by `Clock`. */
  readonly at: number
  /** What was decided. Latency comes after, so the client may not have seen it. */
  readonly status: number | "hang" | "drop"
  /** What an error body of this exchange has for `debugIdentifier`. Unique in a ledger. */
  readonly debugIdentifier: string
}
