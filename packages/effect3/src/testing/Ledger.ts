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
 * `token` is `/v2/auth/oauth2-token`, `other` the deprecated `/get-auth-token`
 * and the page `/embed`, and `api` every other path, all of which need a token.
 *
 * @category models
 * @since 0.1.0
 */
export type Endpoint = "token" | "api" | "other"

/**
 * One request as it was received, and how it was answered.
 *
 * **Details**
 *
 * Printing an entry (`console.log`, `JSON.stringify`, a failed assertion) shows
 * neither secret nor token: those are `Redacted`, and the header `authorization`
 * is not enumerable. Use `Redacted.value` to read them.
 *
 * **Gotchas**
 *
 * If you read `headers.authorization` by name, you get the token itself.
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
  /** In-process, `host` is the host of the requested URL, as it is on the wire. */
  readonly headers: Headers.Headers
  /**
   * The body as text. Redacted, because a token request contains the client secret, and may contain a token of a user.
   */
  readonly body: Redacted.Redacted
  /** The client that sent its credentials, or whose token was sent; absent if it is not known. */
  readonly clientId: string | undefined
  /** The email of the user for whom the request was made: the user whose token was exchanged or sent. */
  readonly user: string | undefined
  /** At the token endpoint the token that was issued, elsewhere the token that was sent. */
  readonly token: Redacted.Redacted | undefined
  /** When the request arrived, in milliseconds by `Clock`. */
  readonly at: number
  /** The answer that was decided. Latency comes after that, so the client may not have received it. */
  readonly status: number | "hang" | "drop"
  /** The `debugIdentifier` in an error body of this exchange. Unique in a ledger. */
  readonly debugIdentifier: string
}
