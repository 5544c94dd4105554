import { Environment } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"

const { tokenPath } = Environment

const make = (given: Environment.Given): Environment.Addresses => {
  const found = Environment.addresses(given)
  return "problem" in found ? assert.fail(found.problem) : found
}

const refusal = (given: Environment.Given): Environment.Problem => {
  const found = Environment.addresses(given)
  return "problem" in found ? found : assert.fail("it was taken")
}

describe("Environment.addresses", () => {
  it.each<[string, Environment.Given, Partial<Environment.Addresses>]>([
    [
      "a regional host",
      { baseUrl: "https://api.eu.spotnana.example" },
      {
        host: "api.eu.spotnana.example",
        baseUrl: "https://api.eu.spotnana.example",
        origin: "https://api.eu.spotnana.example",
        tokenUrl: `https://api.eu.spotnana.example${tokenPath}`
      }
    ],
    [
      "a port",
      { baseUrl: "https://gateway.example:8443" },
      { host: "gateway.example:8443", origin: "https://gateway.example:8443" }
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
      assert.strictEqual(error.option, option)
      assert.match(
        error.problem,
        address.startsWith("http:")
          ? /is not HTTPS; expected https:\/\/ \(http only on localhost, 127\.0\.0\.1 and \[::1\]\)$/
          : /^(number 2: )?it is not an absolute URL; expected one such as https:/
      )
    }
  })

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
    const found = Environment.addresses({ baseUrl })
    if ("problem" in found) assert.strictEqual(found.option, "baseUrl")
    else assert.match(new URL(found.tokenUrl).pathname, /^(\/v1)?\/v2\/auth\/oauth2-token$/)
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
  })

  it("a token URL with a fragment is refused", () => {
    const error = refusal({ baseUrl: "https://api.spotnana.com", tokenUrl: "/token#top" })
    assert.strictEqual(error.option, "tokenUrl")
    assert.include(error.problem, "fragment")
  })

  it.each(["", " ", "api.spotnana.com", "/v2", "https://", "https://[", "http//x", "\0"])(
    "invariant 12: garbage is refused: %j",
    (baseUrl) => {
      const error = refusal({ baseUrl })
      assert.strictEqual(error.option, "baseUrl")
      assert.include(error.problem, "not an absolute URL; expected one such as https://api.spotnana.com")
    }
  )

  it.each(["token", "?x", "", "https://"])("invariant 12: a token URL that is garbage is refused: %j", (tokenUrl) => {
    assert.strictEqual(refusal({ baseUrl: "https://api.spotnana.com", tokenUrl }).option, "tokenUrl")
  })

  it.each<[string, Environment.Given]>([
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
    const { problem } = refusal(options)
    assert.include(problem, "/get-auth-token is deprecated")
    assert.include(problem, "ask Spotnana for new ones")
    assert.include(problem, `its credentials do not work with ${tokenPath}`)
  })

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
})
