import { Credentials } from "@effect-spotnana/core"
import { Effect, Layer, Redacted } from "effect"
import type { Config } from "effect"
import { describe, expect, test } from "tstyche"

declare const fromVault: Effect.Effect<Credentials.ClientCredentials, "sealed">

describe("Credentials", () => {
  test("are an id in the clear and a redacted secret", () => {
    expect<Credentials.ClientCredentials>().type.toBe<{
      readonly clientId: string
      readonly clientSecret: Redacted.Redacted
    }>()
  })

  test("are asked for by one effect, which may fail with anything", () => {
    expect<Credentials.Credentials["Service"]>().type.toBe<{
      readonly current: Effect.Effect<Credentials.ClientCredentials, unknown>
    }>()
  })

  test("their layers need nothing", () => {
    expect(Credentials.layer).type.toBe<
      (credentials: Credentials.ClientCredentials) => Layer.Layer<Credentials.Credentials>
    >()
    expect(Credentials.layerConfig).type.toBe<
      (
        credentials?: Config.Config<Credentials.ClientCredentials>
      ) => Layer.Layer<Credentials.Credentials, Config.ConfigError>
    >()
    expect(Credentials.config).type.toBe<Config.Config<Credentials.ClientCredentials>>()
  })

  test("their questions are pure", () => {
    expect(Credentials.equals).type.toBe<
      (self: Credentials.ClientCredentials, that: Credentials.ClientCredentials) => boolean
    >()
    expect(Credentials.problem).type.toBe<(credentials: Credentials.ClientCredentials) => string | undefined>()
  })

  test("a source of one's own is a layer", () => {
    expect(Layer.succeed(Credentials.Credentials, { current: fromVault })).type.toBe<
      Layer.Layer<Credentials.Credentials>
    >()
  })

  test("a secret in the clear does not compile, wherever it is given", () => {
    // @ts-expect-error Type 'string' is not assignable to type 'Redacted<string>'.
    void Credentials.layer({ clientId: "id", clientSecret: "secret" })
    // @ts-expect-error Property 'clientSecret' is missing
    void Credentials.layer({ clientId: "id" })
    // @ts-expect-error Type 'number' is not assignable to type 'string'.
    void Credentials.layer({ clientId: "id", clientSecret: Redacted.make(42) })
    const inTheClear = Effect.succeed({ clientId: "id", clientSecret: "secret" })
    // @ts-expect-error Type 'string' is not assignable to type 'Redacted<string>'.
    void Layer.succeed(Credentials.Credentials, { current: inTheClear })
  })

  test("a thunk is no source", () => {
    // @ts-expect-error is not assignable to type 'Effect<ClientCredentials, unknown, never>'
    void Layer.succeed(Credentials.Credentials, { current: () => fromVault })
  })

  test("a secret cannot be replaced in place", () => {
    const credentials: Credentials.ClientCredentials = { clientId: "id", clientSecret: Redacted.make("secret") }
    // @ts-expect-error Cannot assign to 'clientSecret' because it is a read-only property.
    credentials.clientSecret = Redacted.make("other")
  })
})
