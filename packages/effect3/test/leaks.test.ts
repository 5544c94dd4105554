import { SpotnanaHttpClient } from "@effect-spotnana/effect3"
import { MockSpotnana } from "@effect-spotnana/effect3/testing"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { makeAudit, print } from "./support/audit.ts"
import { clientId, clientSecret } from "./support/harness.ts"
import { troubledLife } from "./support/troubles.ts"

const onMock = SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(Layer.provide(MockSpotnana.layerHttpClient))

describe("invariant 9: nothing leaks", () => {
  const secret = Redacted.value(clientSecret)

  it.effect("neither the secret nor any token is in a log, a span, a metric, an error or an inspection", () =>
    Effect.gen(function*() {
      const audit = makeAudit()
      const { outcomes, tokens } = yield* audit.run(
        Effect.provide(troubledLife, Layer.provideMerge(onMock, MockSpotnana.layer({ clientId, clientSecret })))
      )
      audit.add(...outcomes)
      const text = audit.text()
      // What is searched was really recorded.
      for (const word of ["Spotnana access token acquired", "InvalidCredentials", "MalformedTokenResponse"]) {
        expect([word, text.includes(word)]).toEqual([word, true])
      }
      expect(text).toContain("TokenEndpoint.acquire")
      expect(text).toContain("spotnana_auth_acquisitions_total")
      expect(tokens.length).toBeGreaterThan(5)
      expect(audit.search([secret, ...tokens])).toEqual([])
    }))

  it("the search finds a secret in each of its disguises", () => {
    const planted = [
      secret,
      JSON.stringify({ secret: "a\"b\\c" }),
      `https://example.com/?s=${encodeURIComponent(secret)}`,
      Buffer.from(`id:${secret}`).toString("base64"),
      Buffer.from(`id2:${secret}`).toString("base64"),
      Buffer.from(`i:d:${secret}&`).toString("base64url"),
      Buffer.from(secret).toString("hex").toUpperCase()
    ]
    for (const text of planted) {
      const audit = makeAudit()
      audit.add({ text: [new Error(text)] })
      expect([text, audit.search([secret, "a\"b\\c"]).length > 0]).toEqual([text, true])
    }
  })

  it.effect("a configuration mistake does not print the secret", () =>
    Effect.gen(function*() {
      const layer = SpotnanaHttpClient.layerConfig().pipe(
        Layer.provide(MockSpotnana.layerHttpClient),
        Layer.provide(MockSpotnana.layer()),
        Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(
          new Map([["SPOTNANA_CLIENT_ID", clientId], ["SPOTNANA_CLIENT_SECRET", `${secret}\n`]])
        )))
      )
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(layer)))
      expect(print(exit)).toContain("SPOTNANA_CLIENT_SECRET cannot be used")
      expect(print(exit)).not.toContain(secret)
    }))
})
