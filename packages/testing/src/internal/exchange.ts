import * as Context from "effect/Context"
import type * as Redacted from "effect/Redacted"

/** What is known of the request being answered; the handlers note who it was from. */
export class Exchange extends Context.Service<Exchange, {
  readonly debugIdentifier: string
  readonly at: number
  readonly body: Uint8Array
  clientId: string | undefined
  token: Redacted.Redacted | undefined
}>()("@effect-spotnana/testing/Exchange") {}
