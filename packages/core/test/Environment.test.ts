import { Environment } from "@effect-spotnana/core"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Result } from "effect"
import { inspect } from "node:util"

const tokenPath = "/v2/auth/oauth2-token"

const make = (options: Environment.Options): Environment.Environment => Result.getOrThrow(Environment.make(options))

const refusal = (options: Environment.Options): Environment.InvalidEnvironment => {
  const result = Environment.make(options)
  assert.isTrue(Result.isFailure(result), "it was taken")
  return Result.getOrThrow(Result.flip(result))
}

describe("Spotnana's own", () => {
  it.each([
    ["production", Environment.production, "https://api.spotnana.com"],
    ["sandbox", Environment.sandbox, "https://api-ext-sboxmeta.partners.spotnana.com"]
  ])("%s is where Spotnana documents it", (name, environment, baseUrl) => {
    assert.strictEqual(environment.name, name)
    assert.strictEqual(environment.baseUrl, baseUrl)
    assert.strictEqual(environment.origin, baseUrl)
    assert.strictEqual(environment.tokenUrl, `${baseUrl}/v2/auth/oauth2-token`)
    assert.strictEqual(Duration.toHours(environment.defaultLifetime), 1)
    // They are written out, so that a program that has no other bundles none of the checks.
    assert.deepStrictEqual(environment, Environment.makeUnsafe({ name, baseUrl }))
  })
})

describe("Environment.make", () => {
  it("takes the addresses that the engine takes, and is named by the host", () => {
    assert.containsSubset(
      make({ baseUrl: "https://gateway.example:8443/v1/", tokenUrl: "/token", origins: [new URL("http://localhost")] }),
      {
        name: "gateway.example:8443",
        baseUrl: "https://gateway.example:8443/v1",
        origin: "https://gateway.example:8443",
        origins: ["https://gateway.example:8443", "http://localhost"],
        tokenUrl: "https://gateway.example:8443/v1/token"
      }
    )
    assert.strictEqual(make({ baseUrl: "https://api.spotnana.com", name: "live" }).name, "live")
  })

  it("fails with the option and the problem that the engine finds", () => {
    const error = refusal({
      baseUrl: "https://api.acme.example",
      origins: ["https://a.acme.example", "http://b.acme.example"]
    })
    assert.strictEqual(error._tag, "InvalidEnvironment")
    assert.strictEqual(error.option, "origins")
    assert.isTrue(error.message.startsWith("origins cannot be used: number 2: http://b.acme.example is not HTTPS"))
  })

  it.each(["https://user:c4nary@api.spotnana.com", "https://c4nary@api.spotnana.com", "http://:c4nary@localhost"])(
    "invariant 9: %s is refused without repeating what is in it",
    (address) => {
      const baseUrl = "https://api.spotnana.com"
      for (const options of [{ baseUrl: address }, { baseUrl, tokenUrl: address }, { baseUrl, origins: [address] }]) {
        const error = refusal(options)
        assert.include(error.message, "credentials belong in clientId and clientSecret")
        for (const shown of [String(error), JSON.stringify(error), inspect(error, { depth: Infinity }), error.stack]) {
          assert.notInclude(shown, "c4nary")
        }
      }
    }
  )

  it.each<Duration.Input>([0, "0 seconds", -1, 999, "25 hours", Infinity, -Infinity, Duration.infinity])(
    "invariant 12: a defaultLifetime of %s is refused",
    (defaultLifetime) => {
      const error = refusal({ baseUrl: "https://api.spotnana.com", defaultLifetime })
      assert.strictEqual(error.option, "defaultLifetime")
      assert.strictEqual(error.message, "defaultLifetime cannot be used: expected a duration from 1 second to 24 hours")
    }
  )

  it("takes a defaultLifetime in any form", () => {
    for (const defaultLifetime of ["10 minutes", 600_000, Duration.minutes(10)] as const) {
      const environment = make({ baseUrl: "https://api.spotnana.com", defaultLifetime })
      assert.strictEqual(Duration.toMinutes(environment.defaultLifetime), 10)
    }
  })

  it("makeUnsafe throws what make fails with", () => {
    assert.throws(() => Environment.makeUnsafe({ baseUrl: "http://api.spotnana.com" }), Environment.InvalidEnvironment)
    assert.strictEqual(Environment.makeUnsafe({ baseUrl: "https://api.spotnana.com" }).name, "api.spotnana.com")
  })
})

describe("Environment.config", () => {
  const providers = (env: Record<string, string>) => [
    ConfigProvider.fromEnv({ env }),
    ConfigProvider.fromEnv({ env, preserveEmptyStrings: true }),
    ConfigProvider.fromUnknown(env)
  ]
  const variables = (name: string | undefined, baseUrl: string | undefined): Record<string, string> => ({
    ...(name === undefined ? undefined : { SPOTNANA_ENVIRONMENT: name }),
    ...(baseUrl === undefined ? undefined : { SPOTNANA_BASE_URL: baseUrl })
  })

  const gateway = "https://gateway.example/spotnana"
  it.effect.each<[string | undefined, string | undefined, string, string]>([
    [undefined, undefined, "production", "https://api.spotnana.com"],
    [undefined, "", "production", "https://api.spotnana.com"],
    [undefined, gateway, "gateway.example", gateway],
    ["", undefined, "production", "https://api.spotnana.com"],
    ["", "", "production", "https://api.spotnana.com"],
    ["", gateway, "gateway.example", gateway],
    ["production", undefined, "production", "https://api.spotnana.com"],
    ["production", "", "production", "https://api.spotnana.com"],
    ["production", gateway, "production", gateway],
    ["sandbox", undefined, "sandbox", "https://api-ext-sboxmeta.partners.spotnana.com"],
    ["sandbox", "", "sandbox", "https://api-ext-sboxmeta.partners.spotnana.com"],
    ["sandbox", gateway, "sandbox", gateway]
  ])(
    "SPOTNANA_ENVIRONMENT=%s SPOTNANA_BASE_URL=%s is %s at %s",
    ([name, baseUrl, expectedName, expectedUrl]) =>
      Effect.gen(function*() {
        for (const provider of providers(variables(name, baseUrl))) {
          const environment = yield* Environment.config.parse(provider)
          assert.strictEqual(environment.name, expectedName)
          assert.strictEqual(environment.baseUrl, expectedUrl)
          assert.strictEqual(environment.tokenUrl, expectedUrl + tokenPath)
        }
      })
  )

  it.effect.each<[string | undefined, string | undefined, string, string]>([
    ["staging", undefined, "SPOTNANA_ENVIRONMENT must be exactly", "production or sandbox"],
    ["kJ8sHx2mQ9vLw4Zt7", undefined, "SPOTNANA_ENVIRONMENT must be exactly", "production or sandbox"],
    ["PRODUCTION", undefined, "SPOTNANA_ENVIRONMENT must be exactly", "production or sandbox"],
    ["sandbox ", undefined, "SPOTNANA_ENVIRONMENT must be exactly", "production or sandbox"],
    ["staging", gateway, "SPOTNANA_ENVIRONMENT must be exactly", "production or sandbox"],
    [undefined, "gateway.example", "SPOTNANA_BASE_URL cannot be used", "expected one such as https://api.spotnana.com"],
    ["production", "http://gateway.example", "SPOTNANA_BASE_URL cannot be used", "is not HTTPS"],
    ["sandbox", "https://gateway.example?x=1", "SPOTNANA_BASE_URL cannot be used", "which a base URL cannot have"],
    [
      "sandbox",
      "https://u:p@gateway.example",
      "SPOTNANA_BASE_URL cannot be used",
      "belong in clientId and clientSecret"
    ],
    [
      undefined,
      "https://api.spotnana.com/get-auth-token",
      "SPOTNANA_BASE_URL cannot be used",
      "ask Spotnana for new ones"
    ]
  ])(
    "SPOTNANA_ENVIRONMENT=%s SPOTNANA_BASE_URL=%s is refused: %s … %s",
    ([name, baseUrl, variable, expectation]) =>
      Effect.gen(function*() {
        for (const provider of providers(variables(name, baseUrl))) {
          const error = yield* Effect.flip(Environment.config.parse(provider))
          assert.strictEqual(error._tag, "ConfigError")
          assert.include(error.message, variable)
          assert.include(error.message, expectation)
          if (name !== undefined && name.length > 10) assert.notInclude(error.message, name)
        }
      })
  )

  it.effect("is read from the ConfigProvider of the program", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Environment.config).name, "sandbox")
    }).pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env: { SPOTNANA_ENVIRONMENT: "sandbox" } })
      )
    ))
})
