import { hasDotSegment } from "@effect-spotnana/engine/Url"
import { describe, expect, it } from "@effect/vitest"
import { Result } from "effect"
import { combined, parseHeader } from "../src/request/headers.ts"

describe("a path", () => {
  it.each([
    "..",
    "../admin",
    "/v2/./x",
    "/v2/..",
    "/v2/..?limit=1",
    "/v2/..#x",
    "/v2/.. ",
    "/v2/..\u0000\n",
    "/v2/.\t./.\n./admin",
    "/v2/%2e\r%2E/admin",
    "/v2/%2\te./admin",
    "/v2\\..\\admin",
    "/v2/..%2fadmin",
    "/v2/..%5Cadmin",
    "/v2/..;x=1/admin"
  ])("leads out of the configured address: %j", (path) => {
    expect(hasDotSegment(path)).toBe(true)
  })

  it.each(["/v2/...", "/v2/..a/x", "/v2/.well-known/x", "/v2/a..", "/v2/x?back=../y", "/v2/x#/../y", "/v2/a.b/%2ex"])(
    "stays below it: %j",
    (path) => {
      expect(hasDotSegment(path)).toBe(false)
    }
  )
})

describe("a header", () => {
  it.each([
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "Connection: close",
    "Keep-Alive: timeout=5",
    "TE: trailers",
    "trailer: X-Sum",
    "UPGRADE: websocket",
    "Proxy-Authorization: Basic c4n4ry",
    "Proxy-Connection: close",
    "Content-Length: 1",
    "Host: evil.example",
    "Authorization: Bearer c4n4ry"
  ])("is not the caller's to set, and its value is not repeated: %j", (text) => {
    const [name] = text.split(":")
    const problem = Result.merge(parseHeader(text))
    expect(problem).toMatch(new RegExp(`^${name} is `))
    expect(problem).not.toContain("c4n4ry")
  })

  it("is read", () => {
    expect(Result.merge(parseHeader("X-Trace:  7 "))).toEqual(["X-Trace", "7"])
    expect(Result.merge(parseHeader("cookie: a=b"))).toEqual(["cookie", "a=b"])
    expect(combined([["X-A", "1"], ["x-a", "2"], ["Cookie", "a=b"], ["cookie", "c=d"], ["x-b", ""]])).toEqual({
      "x-a": "1, 2",
      "cookie": "a=b; c=d",
      "x-b": ""
    })
  })
})
