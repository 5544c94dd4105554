import type { Token } from "@effect-spotnana/engine/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Redacted from "effect/Redacted"

/** Makes an access token from a token of the engine. Its lifetime begins at `issuedAt`. */
export const fromToken = (token: Pick<Token, "value" | "lifetime" | "scope">, issuedAt: DateTime.Utc): {
  readonly value: Redacted.Redacted
  readonly issuedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  readonly scope: string | undefined
} => ({
  value: Redacted.make(token.value),
  issuedAt,
  expiresAt: DateTime.addDuration(issuedAt, token.lifetime),
  scope: token.scope
})
