// What lacks a service is run here to see that it does not compile.
// @effect-diagnostics missingEffectContext:off
import { ScimHttpClient } from "@effect-spotnana/core"
import type { Environment } from "@effect-spotnana/core"
import { Effect, Redacted } from "effect"
import type { Config, Layer } from "effect"
import type { HttpClient, HttpClientError } from "effect/http"
import { describe, expect, pick, test } from "tstyche"

declare const plain: HttpClient.HttpClient
declare const rejected: ScimHttpClient.ScimTokenRejected

const token = Redacted.make("token")

describe("ScimHttpClient", () => {
  test("is an HttpClient whose calls may fail with a rejected token, and with no other error of ours", () => {
    expect<ScimHttpClient.ScimHttpClient["Service"]>().type.toBe<
      HttpClient.HttpClient.With<HttpClientError.HttpClientError | ScimHttpClient.ScimTokenRejected>
    >()
    expect(pick(rejected, "_tag", "reason", "debugIdentifier")).type.toBe<{
      readonly _tag: "ScimTokenRejected"
      readonly reason: "Revoked" | "Redirected"
      readonly debugIdentifier?: string | undefined
    }>()
  })

  test("authenticating adds that error to those of a client", () => {
    expect(ScimHttpClient.authenticate({ token })(plain)).type.toBe<
      HttpClient.HttpClient.With<HttpClientError.HttpClientError | ScimHttpClient.ScimTokenRejected>
    >()
  })

  test("its layers need an HttpClient, and no credentials", () => {
    type Needs = HttpClient.HttpClient
    expect(ScimHttpClient.layer({ token })).type.toBe<Layer.Layer<ScimHttpClient.ScimHttpClient, never, Needs>>()
    expect(ScimHttpClient.layerConfig()).type.toBe<
      Layer.Layer<ScimHttpClient.ScimHttpClient, Config.ConfigError, Needs>
    >()
    expect(ScimHttpClient.token).type.toBe<Config.Config<Redacted.Redacted>>()
    expect<ScimHttpClient.Options>().type.toBe<{
      readonly token: Redacted.Redacted
      readonly environment?: Environment.Environment | undefined
    }>()
  })

  test("a token in the clear does not compile", () => {
    expect(ScimHttpClient.layer).type.not.toBeCallableWith({ token: "token" })
    expect(ScimHttpClient.authenticate).type.not.toBeCallableWith({ token: "token" })
  })

  test("nothing runs without an HttpClient", () => {
    const call = ScimHttpClient.ScimHttpClient.use((client) => client.get("/v2/scim/Users"))
    // @ts-expect-error Type 'HttpClient' is not assignable to type 'never'.
    void Effect.runPromise(Effect.provide(call, ScimHttpClient.layer({ token })))
  })
})
