import { SecretFiles } from "@effect-spotnana/core"
import type { ConfigProvider, Effect, FileSystem, Layer } from "effect"
import { describe, expect, test } from "tstyche"

describe("SecretFiles", () => {
  test("needs a FileSystem, and nothing else", () => {
    expect(SecretFiles.layer).type.toBe<Layer.Layer<never, never, FileSystem.FileSystem>>()
    expect(SecretFiles.withFiles).type.toBe<
      (
        provider: ConfigProvider.ConfigProvider
      ) => Effect.Effect<ConfigProvider.ConfigProvider, never, FileSystem.FileSystem>
    >()
  })
})
