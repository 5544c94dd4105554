import * as Context from "effect/Context"
import type * as Redacted from "effect/Redacted"

/**
 * What is known about the request that is being answered. The routes fill in which client sent it, for which user and with which
 * token.
 */
export class Exchange extends Context.Service<Exchange, {
  readonly debugIdentifier: string
  readonly at: number
  readonly body: Uint8Array
  clientId: string | undefined
  user: string | undefined
  token: Redacted.Redacted | undefined
}>()("@effect-spotnana/testing/Exchange") {}
