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

  it.each([
    "/..",
    "..",
    "/v2/.",
    "/v2/../admin",
    "/v2/..\\admin",
    "\\..\\admin",
    "/%2e%2E/admin",
    "/.%2e/admin",
    "/..%2f..%2fadmin",
    "/v2%2f..%2fadmin",
    "/..%5cadmin",
    "/%252e%252e%252fadmin",
    "/%25252e./admin",
    "/%%32%65%%32%65/admin",
    "/..;/admin",
    "/..;jsessionid=1/admin",
    "/..%3b/admin",
    "/.;x/admin",
    "/.\t./admin",
    "/.\n.\r/admin",
    "/.%09./admin",
    "/%2\te./admin",
    "/.. /admin",
    "/..%20/admin",
    "/..%00.html",
    "/..%3fx",
    "/..%23x",
    "/..?x",
    "/..#x",
    "/%c0%ae%c0%ae/admin",
    "/..%c0%afadmin",
    "/..%C1%9Cadmin",
    `${origin}/v1/../admin`
  ])("the path of %j has a dot segment", (url) => {
    assert.isTrue(Url.hasDotSegment(url))
  })

  it.each([
    "",
    "/",
    "/v2/users",
    "/v2/users/a.b..c",
    "/v2/...",
    "/v2/.well-known",
    "/v2/a..",
    "/v2/..a/x",
    "/v2/%2e%2ehidden",
    "/v2/100%/.x",
    "/v2/%zz/%2",
    "/v2/a%2fb",
    "/v2/a%20b;c=..",
    "/v2/x?path=/../y",
    "/v2/x#/../y",
    "//evil.example/",
    `${origin}/v1/users`
  ])("the path of %j has no dot segment", (url) => {
    assert.isFalse(Url.hasDotSegment(url))
  })

  it.prop("a dot segment is found in every spelling, at every depth of encoding", {
    dots: Schema.Literals([".", ".."]),
    before: Schema.Literals(["/", "/v2/", "\\", "/v2%2f", ""]),
    after: Schema.Literals(["", "/", "\\", "/admin", "%5Cadmin", ";", ";a=b/c", "?a=b", "#a"]),
    gap: Schema.Literals(["", "\t", "\n", "\r", "%09", " "]),
    depths: Schema.Tuple([Schema.Literals([0, 1, 2, 3]), Schema.Literals([0, 1, 2, 3])])
  }, ({ after, before, depths, dots, gap }) => {
    const encode = (text: string, depth: number): string =>
      depth === 0
        ? text
        : encode(Array.from(text, (_) => `%${_.charCodeAt(0).toString(16).padStart(2, "0")}`).join(""), depth - 1)
    const segment = Array.from(dots, (dot, index) => encode(dot, depths[index]!)).join(gap)
    assert.isTrue(Url.hasDotSegment(before + segment + after))
  })

  it.prop("a path without a dot segment stays below its base in a URL parser, also after a server has decoded it", {
    path: Schema.String.check(Schema.isPattern(/^([./\\;?#\t\n a]|%2[ef5]|%5c|%09|%252e|%3b){0,12}$/i))
  }, ({ path }) => {
    if (Url.hasDotSegment(path)) return
    const base = "/base/v1/"
    let read = path
    for (let times = 0; times < 3; times++) {
      assert.isTrue(new URL(`${origin}${base}${read}`).pathname.startsWith(base), read)
      try {
        read = decodeURIComponent(read.replace(/[?#].*$/s, ""))
      } catch {
        return
      }
    }
  })
})
