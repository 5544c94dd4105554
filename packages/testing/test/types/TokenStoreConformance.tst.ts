import type { TokenStore } from "@effect-spotnana/core"
import { TokenStoreConformance } from "@effect-spotnana/testing"
import type { Effect } from "effect"
import { describe, expect, test } from "tstyche"

declare const failure: TokenStoreConformance.Nonconformance

describe("TokenStoreConformance", () => {
  test("a case needs a backend alone, and says what the store does instead", () => {
    expect(TokenStoreConformance.cases).type.toBe<ReadonlyArray<TokenStoreConformance.Case>>()
    expect<TokenStoreConformance.Case>().type.toBe<{
      readonly name: string
      readonly run: (
        backend: TokenStore.Backend,
        key: string,
        other?: TokenStore.Backend
      ) => Effect.Effect<void, TokenStoreConformance.Nonconformance | TokenStore.TokenStoreError>
    }>()
    expect(failure._tag).type.toBe<"Nonconformance">()
    expect(failure.message).type.toBe<string>()
  })
})
