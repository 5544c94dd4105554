import { RequestIsolation, SpotnanaHttpClient } from "@effect-spotnana/core"
import type { TokenProvider } from "@effect-spotnana/core"
import { Layer } from "effect"
import type { Config } from "effect"
import type { HttpClient } from "effect/http"
import { describe, expect, test } from "tstyche"

describe("RequestIsolation", () => {
  test("the layer needs nothing, cannot fail, and changes nothing in the type of the client's layer", () => {
    expect(RequestIsolation.layer).type.toBe<Layer.Layer<never>>()
    expect(SpotnanaHttpClient.layerConfig().pipe(Layer.provide(RequestIsolation.layer))).type.toBe<
      Layer.Layer<
        SpotnanaHttpClient.SpotnanaHttpClient | TokenProvider.TokenProvider,
        Config.ConfigError,
        HttpClient.HttpClient
      >
    >()
  })
})
