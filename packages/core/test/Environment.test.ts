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
  it.each<[string, Environment.Options, Partial<Environment.Environment>]>([
    [
      "a regional host",
      { baseUrl: "https://api.eu.spotnana.example" },
      {
        name: "api.eu.spotnana.example",
        baseUrl: "https://api.eu.spotnana.example",
        origin: "https://api.eu.spotnana.example",
        tokenUrl: `https://api.eu.spotnana.example${tokenPath}`
      }
    ],
    ["a name", { baseUrl: "https://api.spotnana.com", name: "live" }, { name: "live" }],
    [
      "a port",
      { baseUrl: "https://gateway.example:8443" },
      { name: "gateway.example:8443", origin: "https://gateway.example:8443" }
    ],
    [
      "the port that goes without saying",
      { baseUrl: "https://gateway.example:443" },
      { origin: "https://gateway.example", baseUrl: "https://gateway.example" }
    ],
    [
      "a trailing slash",
      { baseUrl: "https://api.spotnana.com/" },
      { baseUrl: "https://api.spotnana.com", tokenUrl: `https://api.spotnana.com${tokenPath}` }
    ],
    [
      "many trailing slashes",
      { baseUrl: "https://api.spotnana.com/v1///" },
      { baseUrl: "https://api.spotnana.com/v1", tokenUrl: `https://api.spotnana.com/v1${tokenPath}` }
    ],
    [
      "a path prefix",
      { baseUrl: "https://gateway.example/spotnana" },
      {
        baseUrl: "https://gateway.example/spotnana",
        origin: "https://gateway.example",
        tokenUrl: `https://gateway.example/spotnana${tokenPath}`
      }
    ],
    [
      "a token path",
      { baseUrl: "https://gateway.example/spotnana/", tokenUrl: "/oauth/token" },
      { tokenUrl: "https://gateway.example/spotnana/oauth/token" }
    ],
    [
      "a token path that looks like another host",
      { baseUrl: "https://gateway.example", tokenUrl: "//evil.example/token" },
      { tokenUrl: "https://gateway.example//evil.example/token" }
    ],
    [
      "a token endpoint on another host",
      { baseUrl: "https://api.acme.example/v1", tokenUrl: "https://login.acme.example/oauth/token" },
      { origin: "https://api.acme.example", tokenUrl: "https://login.acme.example/oauth/token" }
    ],
    [
      "a token endpoint with a query",
      { baseUrl: "https://api.acme.example", tokenUrl: "https://login.acme.example/token?tenant=1" },
      { tokenUrl: "https://login.acme.example/token?tenant=1" }
    ],
    [
      "URL objects",
      { baseUrl: new URL("https://api.acme.example/"), tokenUrl: new URL("https://login.acme.example/token") },
      { baseUrl: "https://api.acme.example", tokenUrl: "https://login.acme.example/token" }
    ],
    [
      "no further origin",
      { baseUrl: "https://api.acme.example/v1" },
      { origins: ["https://api.acme.example"] }
    ],
    [
      "further origins, in any spelling",
      {
        baseUrl: "https://api.acme.example/v1",
        origins: [
          "https://reports.acme.example",
          new URL("https://uploads.acme.example:8443/"),
          "HTTPS://Reports.acme.example:443/",
          "https://api.acme.example",
          "http://127.0.0.1:3000"
        ]
      },
      {
        origin: "https://api.acme.example",
        origins: [
          "https://api.acme.example",
          "https://reports.acme.example",
          "https://uploads.acme.example:8443",
          "http://127.0.0.1:3000"
        ]
      }
    ],
    [
      "a path that only resembles the deprecated one",
      { baseUrl: "https://api.acme.example", tokenUrl: "/get-auth-token-v2" },
      { tokenUrl: "https://api.acme.example/get-auth-token-v2" }
    ]
  ])("takes %s", (_, options, expected) => {
    assert.containsSubset(make(options), expected)
  })

  it.each([
    "http://localhost",
    "http://localhost:3000",
    "http://127.0.0.1:3000",
    "http://[::1]:3000"
  ])("invariant 8: HTTP is allowed on loopback: %s", (address) => {
    const environment = make({ baseUrl: address, tokenUrl: `${address}/token` })
    assert.strictEqual(environment.origin, address)
    assert.strictEqual(environment.tokenUrl, `${address}/token`)
  })

  it.each([
    "http://api.spotnana.com",
    "http://127.0.0.1.evil.com",
    // What leads to this machine by its name only, a name server may say; what does by its number, another machine may.
    "http://x.localhost:3000",
    "http://api.spotnana.localhost",
    "http://localhost.",
    "http://127.8.8.8",
    "http://0.0.0.0",
    "http://[::]",
    "http://[::ffff:127.0.0.1]",
    "http://localhost.evil.com",
    "http://evillocalhost",
    "http://128.0.0.1",
    "http://10.0.0.1",
    "http://0.0.0.0",
    "http://[::2]",
    "http://[::ffff:127.0.0.1]",
    "ftp://api.spotnana.com",
    "ftp://localhost",
    "ws://localhost",
    "file:///etc/passwd",
    "data:text/plain,x"
  ])("invariant 8: what is not HTTPS is refused: %s", (address) => {
    for (
      const [option, options] of [
        ["baseUrl", { baseUrl: address }],
        ["tokenUrl", { baseUrl: "https://api.spotnana.com", tokenUrl: address }],
        ["origins", { baseUrl: "https://api.spotnana.com", origins: ["https://reports.spotnana.com", address] }]
      ] as const
    ) {
      const error = refusal(options)
      assert.strictEqual(error._tag, "InvalidEnvironment")
      assert.strictEqual(error.option, option)
      assert.match(
        error.problem,
        address.startsWith("http:")
          ? /is not HTTPS, which only localhost, 127\.0\.0\.1 and \[::1\] may do without$/
          : /^(number 2: )?it is not an absolute URL; expected one such as https:/
      )
    }
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

  it.each([
    "https://api.spotnana.com?tenant=1",
    "https://api.spotnana.com/#top",
    "https://api.spotnana.com/v1?#top"
  ])("a base URL with a query or a fragment is refused: %s", (baseUrl) => {
    const error = refusal({ baseUrl })
    assert.strictEqual(error.option, "baseUrl")
    assert.match(error.problem, /^it has a (query, which a base URL cannot have|fragment, which is never sent)$/)
  })

  it.each([
    "https://api.spotnana.com?",
    "https://api.spotnana.com/v1?",
    "https://api.spotnana.com#",
    "https://api.spotnana.com/v1/?#"
  ])("an empty query or fragment does not swallow the token path: %s", (baseUrl) => {
    // Refused or dropped: either will do, but not `https://api.spotnana.com/?/v2/auth/oauth2-token`.
    Result.match(Environment.make({ baseUrl }), {
      onFailure: ({ option }) => assert.strictEqual(option, "baseUrl"),
      onSuccess: ({ tokenUrl }) => assert.match(new URL(tokenUrl).pathname, /^(\/v1)?\/v2\/auth\/oauth2-token$/)
    })
  })

  it.each([
    [
      "https://reports.acme.example/v2",
      "it has a path or a query; expected an origin alone, such as https://reports.acme.example"
    ],
    ["https://reports.acme.example/?tenant=1", "it has a path or a query"],
    ["https://reports.acme.example/#top", "it has a fragment, which is never sent"],
    ["https://reports.acme.example/get-auth-token", "/get-auth-token is deprecated"],
    ["reports.acme.example", "it is not an absolute URL; expected one such as https://api.spotnana.com"],
    ["/reports", "it is not an absolute URL"],
    ["*", "it is not an absolute URL"],
    ["", "it is not an absolute URL"]
  ])("an origin that is more or less than that is refused, and which one it is said: %s", (origin, problem) => {
    const error = refusal({ baseUrl: "https://api.acme.example", origins: ["https://a.acme.example", origin] })
    assert.strictEqual(error.option, "origins")
    assert.isTrue(error.problem.startsWith(`number 2: ${problem}`), error.problem)
    assert.isTrue(error.message.startsWith("origins cannot be used: number 2: "))
  })

  it("a token URL with a fragment is refused", () => {
    const error = refusal({ baseUrl: "https://api.spotnana.com", tokenUrl: "/token#top" })
    assert.strictEqual(error.option, "tokenUrl")
    assert.include(error.message, "fragment")
  })

  it.each(["", " ", "api.spotnana.com", "/v2", "https://", "https://[", "http//x", "\0"])(
    "invariant 12: garbage is refused: %j",
    (baseUrl) => {
      const error = refusal({ baseUrl })
      assert.strictEqual(error.option, "baseUrl")
      assert.include(error.message, "not an absolute URL; expected one such as https://api.spotnana.com")
    }
  )

  it.each(["token", "?x", "", "https://"])("invariant 12: a token URL that is garbage is refused: %j", (tokenUrl) => {
    assert.strictEqual(refusal({ baseUrl: "https://api.spotnana.com", tokenUrl }).option, "tokenUrl")
  })

  it.each<[string, Environment.Options]>([
    ["the base URL", { baseUrl: "https://api.spotnana.com/get-auth-token" }],
    ["the base URL, slash at the end", { baseUrl: "https://api.spotnana.com/get-auth-token/" }],
    ["the token path", { baseUrl: "https://api.spotnana.com", tokenUrl: "/get-auth-token" }],
    ["the token path, slash at the end", { baseUrl: "https://api.spotnana.com", tokenUrl: "/get-auth-token/" }],
    ["the token path, with a query", { baseUrl: "https://api.spotnana.com", tokenUrl: "/get-auth-token?x=1" }],
    [
      "the token URL",
      { baseUrl: "https://api.spotnana.com", tokenUrl: "https://api.spotnana.com/get-auth-token" }
    ]
  ])("the deprecated /get-auth-token in %s is refused with the way out", (_, options) => {
    const { message } = refusal(options)
    assert.include(message, "/get-auth-token is deprecated")
    assert.include(message, "new client id and client secret")
    assert.include(message, `with ${tokenPath}, which took its place`)
  })

  it.each<Duration.Input>([0, "0 seconds", -1, 999, "25 hours", Infinity, -Infinity, Duration.infinity])(
    "invariant 12: a defaultLifetime of %s is refused",
    (defaultLifetime) => {
      const error = refusal({ baseUrl: "https://api.spotnana.com", defaultLifetime })
      assert.strictEqual(error.option, "defaultLifetime")
      assert.strictEqual(error.message, "defaultLifetime cannot be used: expected a duration from 1 second to 24 hours")
    }
  )

  it.each([
    ["the token endpoint", "https://api.spotnana.com/v2/auth/oauth2-token", "it is the token endpoint"],
    ["an address that ends in /v2", "https://api.spotnana.com/v2/", "it ends in /v2"],
    ["the deprecated endpoint with a query", "https://api.spotnana.com/get-auth-token?x=1", "is deprecated"],
    ["an address without a scheme", "localhost:4010", "it is not an absolute URL"]
  ])("a base URL that is %s is refused for what it is", (_, baseUrl, problem) => {
    assert.include(refusal({ baseUrl }).problem, problem)
  })

  it("another server's base URL may end in /v2", () => {
    const tokenUrl = "https://login.acme.example/token"
    assert.strictEqual(make({ baseUrl: "https://api.acme.example/v2", tokenUrl }).tokenUrl, tokenUrl)
  })

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
    ["staging", undefined, "SPOTNANA_ENVIRONMENT is \"staging\"", "expected \"production\" or \"sandbox\""],
    ["stag\u2028\u001b[2Jing", undefined, "SPOTNANA_ENVIRONMENT is \"stag \\u001b[2Jing\"", "expected \"production\""],
    ["PRODUCTION", undefined, "SPOTNANA_ENVIRONMENT is \"PRODUCTION\"", "expected \"production\" or \"sandbox\""],
    ["sandbox ", undefined, "SPOTNANA_ENVIRONMENT is \"sandbox \"", "expected \"production\" or \"sandbox\""],
    ["staging", gateway, "SPOTNANA_ENVIRONMENT is \"staging\"", "expected \"production\" or \"sandbox\""],
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
      "new client id and client secret"
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
