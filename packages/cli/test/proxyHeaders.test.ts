import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Headers } from "effect/http"
import { towardsClient } from "../src/proxy/headers.ts"

const host = "127.0.0.1:7768"

describe("references in the answers of the API, as the proxy hands them on", () => {
  const seen = (reference: string, baseUrl: string): string | undefined =>
    towardsClient(Headers.fromInput({ location: reference }), { requested: `${baseUrl}/v2/users`, baseUrl, host })
      .location

  it.each([
    ["https://api.example/v2/x", "https://api.example", "/v2/x"],
    ["https://api.example//evil.example/x", "https://api.example", `http://${host}//evil.example/x`],
    ["https://api.example/\\evil.example/x", "https://api.example", `http://${host}//evil.example/x`],
    ["https:\\\\api.example\\\\evil.example", "https://api.example", `http://${host}//evil.example`],
    ["https://api.example/\t/evil.example", "https://api.example", `http://${host}//evil.example`],
    ["https://api.example/%09/evil.example", "https://api.example", "/%09/evil.example"],
    ["https://api.example/./\\evil.example", "https://api.example", `http://${host}//evil.example`],
    ["https:x", "https://api.example", "/v2/x"],
    ["https:/x", "https://api.example", "/x"],
    ["HtTpS://API.example:443/x", "https://api.example", "/x"],
    ["https://api.example", "https://api.example", "/"],
    ["https://api.example?a=b", "https://api.example", "/?a=b"],
    ["https://user:password@api.example/x", "https://api.example", "/x"],
    ["https://gateway.example/api", "https://gateway.example/api", "/"],
    ["https://gateway.example/api?a", "https://gateway.example/api", "/?a"],
    ["https://gateway.example/api//evil.example", "https://gateway.example/api", `http://${host}//evil.example`],
    ["https://gateway.example/apis", "https://gateway.example/api", "https://gateway.example/apis"],
    ["/other", "https://gateway.example/api", "https://gateway.example/other"],
    ["http:x", "https://api.example", "http://x/"],
    ["//elsewhere.example", "https://api.example", "https://elsewhere.example/"],
    ["/\\elsewhere.example", "https://api.example", "https://elsewhere.example/"],
    ["/\u00c3\u00a9", "https://api.example", "/%c3%a9"],
    ["https://", "https://api.example", undefined],
    ["//[", "https://api.example", undefined]
  ])("%j from %s is %j", (reference, baseUrl, expected) => {
    assert.strictEqual(seen(reference, baseUrl), expected)
  })

  it.prop("lead a client to the same path of the API, through the proxy, or where they led without it", {
    reference: Schema.String.check(
      Schema.isPattern(/^(https?:|HTTP:)?([/\\\t.@:?#]|api\.example|evil\.example|u:p@|%09|%2f|\/v1|a){0,8}$/)
    ),
    baseUrl: Schema.Literals(["https://api.example", "http://api.example", "https://api.example/v1"])
  }, ({ baseUrl, reference }) => {
    const requested = `${baseUrl}/v2/users`
    const location = seen(reference, baseUrl)
    if (!URL.canParse(reference, requested)) return assert.isUndefined(location)
    const meant = new URL(reference, requested)
    const followed = new URL(location!, `http://${host}/v2/users`)
    if (followed.host === host) {
      meant.username = meant.password = ""
      const path = meant.href.slice(baseUrl.length)
      assert.strictEqual(followed.href, `http://${host}${path.startsWith("/") ? path : `/${path}`}`)
      assert.isTrue(meant.href.startsWith(baseUrl))
    } else if (meant.origin === new URL(baseUrl).origin) {
      assert.isFalse(meant.pathname.startsWith(`${new URL(baseUrl).pathname.replace(/\/$/, "")}/`))
    } else {
      assert.strictEqual(followed.href, meant.href)
    }
  })

  it("are those of Content-Location too, and none of Refresh", () => {
    const headers = Headers.fromInput({
      "content-location": "https://api.example//evil.example",
      "refresh": "0; url=https://api.example//evil.example"
    })
    assert.deepStrictEqual(
      { ...towardsClient(headers, { requested: "https://api.example/x", baseUrl: "https://api.example", host }) },
      { "content-location": `http://${host}//evil.example` }
    )
  })
})
