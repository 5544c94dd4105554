/**
 * A request to the mock of Spotnana while it is answered.
 *
 * @since 0.1.0
 */
import type { Endpoint } from "./Target.ts"

/**
 * A request, and what is known of its sender. The function that answers it fills
 * in the client, the user and the token.
 *
 * @category models
 * @since 0.1.0
 */
export interface Exchange {
  readonly endpoint: Endpoint
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** The text after `?`, or an empty text. */
  readonly query: string
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
  /** Milliseconds since 1970: when the request arrived. */
  readonly at: number
  /** 128 random bits as hexadecimal digits, for values that are generated in this exchange. */
  readonly random: string
  readonly debugIdentifier: string
  clientId: string | undefined
  user: string | undefined
  /** At the token endpoint the token that was issued, elsewhere the token that was sent. */
  token: string | undefined
}
