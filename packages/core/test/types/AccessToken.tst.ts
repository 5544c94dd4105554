import { AccessToken } from "@effect-spotnana/core"
import type { DateTime, Duration, Redacted, Result } from "effect"
import { describe, expect, test } from "tstyche"

declare const token: AccessToken.AccessToken
declare const clear: string

describe("AccessToken", () => {
  test("a token keeps its value redacted", () => {
    expect<AccessToken.AccessToken>().type.toBe<{
      readonly value: Redacted.Redacted
      readonly issuedAt: DateTime.Utc
      readonly expiresAt: DateTime.Utc
      readonly scope: string | undefined
    }>()
    expect<AccessToken.AccessToken["value"]>().type.not.toBeAssignableTo<string>()
  })

  test("decoding tells what is wrong with an answer", () => {
    expect(AccessToken.decode).type.toBe<
      (
        response: Readonly<Record<string, unknown>>,
        options: { readonly issuedAt: DateTime.Utc; readonly defaultLifetime: Duration.Duration }
      ) => Result.Result<AccessToken.AccessToken, string>
    >()
  })

  test("its questions are pure", () => {
    expect(AccessToken.lifetime).type.toBe<(self: AccessToken.AccessToken) => Duration.Duration>()
    expect(AccessToken.equals).type.toBe<
      (self: AccessToken.AccessToken, that: AccessToken.AccessToken) => boolean
    >()
    expect(AccessToken.maximumLifetime).type.toBe<Duration.Duration>()
  })

  test("a token cannot be changed", () => {
    // @ts-expect-error Cannot assign to 'expiresAt' because it is a read-only property.
    token.expiresAt = token.issuedAt
  })

  test("a value in the clear is no token's", () => {
    // @ts-expect-error Type 'string' is not assignable to type 'Redacted<string>'.
    const forged: AccessToken.AccessToken = { ...token, value: clear }
    void forged
  })
})
