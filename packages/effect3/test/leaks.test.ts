import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { MockSpotnana } from "@effect-spotnana/effect3/testing"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Exit, Layer, Redacted, Scope } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { makeAudit, print } from "./support/audit.ts"
import { clientId, clientSecret } from "./support/harness.ts"
import { troubledLife } from "./support/troubles.ts"

const onMock = SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(Layer.provide(MockSpotnana.layerHttpClient))

/** The garbage collector of a process that was started without `--expose-gc`. */
const collect = () => {
  setFlagsFromString("--expose-gc")
  const gc = runInNewContext("gc") as () => void
  gc()
}

describe("after a provider was closed", () => {
  /** What a provider has, while it is open or after it was closed. */
  const life = async (scope: Scope.CloseableScope) => {
    const clientSecret = Redacted.make("secret of a tenant that goes")
    const layer = SpotnanaHttpClient.layer({ clientId: "goes", clientSecret }).pipe(
      Layer.provide(MockSpotnana.layerHttpClient),
      Layer.provide(MockSpotnana.layer({ clientId: "goes", clientSecret: "secret of a tenant that goes" }))
    )
    const provider = await Effect.runPromise(
      Effect.map(Layer.buildWithScope(layer, scope), (context) => Context.get(context, TokenProvider.TokenProvider))
    )
    const token = await Effect.runPromise(provider.get)
    return [clientSecret, token, provider].map((part) => new WeakRef<object>(part))
  }
  const isGone = (parts: ReadonlyArray<WeakRef<object>>) => parts.every((part) => part.deref() === undefined)
  // What is still on a stack is gone at one of the next attempts.
  const afterCollections = async (parts: ReadonlyArray<WeakRef<object>>) => {
    for (let attempt = 0; attempt < 50 && !isGone(parts); attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      collect()
    }
    return isGone(parts)
  }

  it("nothing keeps it, its token or its secret in memory", async () => {
    const scope = Effect.runSync(Scope.make())
    const parts = await life(scope)
    expect(await afterCollections(parts)).toBe(false)
    await Effect.runPromise(Scope.close(scope, Exit.void))
    expect(await afterCollections(parts)).toBe(true)
  })
})

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
