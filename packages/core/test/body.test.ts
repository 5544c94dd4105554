import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpClientRequest, HttpClientResponse } from "effect/http"
import { readBody } from "../src/internal/http/body.ts"

const limit = 10

/** A response whose body of so many bytes can be read in both ways, and what it was read by. */
const responseOf = (length: number, headers: Record<string, string>) => {
  const readBy: Array<"arrayBuffer" | "stream"> = []
  const response = HttpClientResponse.fromWeb(
    HttpClientRequest.get("https://example.com"),
    new Response(new Uint8Array(length), { headers })
  )
  const watched = new Proxy(response, {
    get: (target, name) => {
      if (name === "arrayBuffer" || name === "stream") readBy.push(name)
      return Reflect.get(target, name, target)
    }
  })
  return { readBy, response: watched }
}

describe("a body", () => {
  it.effect.each<[string, number, Record<string, string>, ReturnType<typeof responseOf>["readBy"][number]]>([
    ["of a known length", 10, { "content-length": "10" }, "arrayBuffer"],
    ["of no bytes", 0, { "content-length": "0" }, "arrayBuffer"],
    ["of an unknown length", 10, {}, "stream"],
    ["of a length that is no number", 10, { "content-length": "10, 10" }, "stream"],
    ["whose length is that of its compressed form", 10, { "content-length": "5", "content-encoding": "gzip" }, "stream"]
  ])("%s is read in the way that is safe", ([, length, headers, way]) =>
    Effect.gen(function*() {
      const { readBy, response } = responseOf(length, headers)
      assert.deepStrictEqual(yield* readBody(response, limit), new Uint8Array(length))
      // The other way is only made, not run.
      assert.strictEqual(readBy.at(-1), way)
    }))

  it.effect.each<[string, Record<string, string>]>([
    ["says so", { "content-length": "11" }],
    ["does not say so", {}],
    ["is compressed", { "content-length": "5", "content-encoding": "gzip" }]
  ])("that is too large is not read whole, also if it %s", ([, headers]) =>
    Effect.gen(function*() {
      const { readBy, response } = responseOf(limit + 1, headers)
      assert.strictEqual(yield* readBody(response, limit), "TooLarge")
      assert.strictEqual(readBy.at(-1), "stream")
    }))
})
