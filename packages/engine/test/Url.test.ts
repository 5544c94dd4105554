import { Url } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const origin = "https://api.spotnana.com"
const reports = "https://reports.spotnana.com:8443"
const environment = { baseUrl: `${origin}/v1`, origins: [origin, reports] }

describe("Url", () => {
  it.each<[string, string | undefined]>([
    ["/v2/users", `${origin}/v1/v2/users`],
    ["v2/users", `${origin}/v1/v2/users`],
    ["", `${origin}/v1/`],
    ["?a=b", `${origin}/v1/?a=b`],
    // What a browser would take for another host.
    ["//evil.example", `${origin}/v1//evil.example`],
    ["\\\\evil.example", `${origin}/v1/\\\\evil.example`],
    ["@evil.example", `${origin}/v1/@evil.example`],
    [`${origin}/v2/users`, `${origin}/v2/users`],
    [`${origin}:443/v2`, `${origin}:443/v2`],
    ["HTTPS://API.Spotnana.com/v2", "HTTPS://API.Spotnana.com/v2"],
    [`${origin}?a=b`, `${origin}?a=b`],
    [origin, origin],
    [`${reports}/x`, `${reports}/x`],
    ["HTTPS://Reports.Spotnana.com:8443?a=b", "HTTPS://Reports.Spotnana.com:8443?a=b"],
    ["https://reports.spotnana.com/x", undefined],
    [`${reports}.evil.example/`, undefined],
    [`${reports}@evil.example/`, undefined],
    [`${origin}.evil.example/`, undefined],
    [`${origin}@evil.example/`, undefined],
    [`${origin}:8443/`, undefined],
    [`${origin}\\@evil.example/`, `${origin}\\@evil.example/`],
    ["http://api.spotnana.com/", undefined],
    ["https://evil.example/https://api.spotnana.com/", undefined],
    ["https:api.spotnana.com", "https:api.spotnana.com"],
    ["https:", undefined],
    ["data:text/plain,x", undefined],
    ["javascript:0", undefined]
  ])("invariant 8: a request to %j goes to %j with the bearer, or anywhere without it", (url, expected) => {
    assert.strictEqual(Url.resolve(environment, url), expected)
  })

  it.prop("invariant 8: what gets the bearer is at one of the origins, whatever was asked for", {
    url: Schema.Union([
      Schema.String,
      Schema.String.check(
        Schema.isPattern(
          /^(https?:)?[/\\]{0,3}((api|reports)\.spotnana\.com|evil\.example)?[@:./\\?#]{0,3}(evil\.example)?$/
        )
      )
    ])
  }, ({ url }) => {
    const resolved = Url.resolve(environment, url)
    if (resolved === undefined) return
    assert.isTrue(Url.isAtOrigin(environment.origins, resolved))
    assert.include(environment.origins, new URL(resolved).origin)
  })

  it.each<[string, boolean]>([
    [`${origin}/`, true],
    [`${origin}:443/x`, true],
    [origin, true],
    [`${reports}/x`, true],
    ["https://reports.spotnana.com/", false],
    ["", false],
    ["not a URL", false],
    [`${origin}:444/`, false],
    [`${origin}.example/`, false],
    ["http://api.spotnana.com/", false]
  ])("invariant 8: %j is at an origin of the API: %s", (url, expected) => {
    assert.strictEqual(Url.isAtOrigin(environment.origins, url), expected)
  })
})
