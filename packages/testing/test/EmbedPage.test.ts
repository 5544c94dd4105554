import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { get, inProcess } from "./support/requests.ts"

const path = "/embed?idp=token-exchange-auth"

describe("the page for an iframe", () => {
  it.effect("asks for tokens, and only the pages that the setting names may embed it", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const policyOf = Effect.map(get(path), ({ headers, status }) => {
        assert.deepStrictEqual([status, headers["content-type"]], [200, "text/html; charset=utf-8"])
        return headers["content-security-policy"]!.split("; ").at(-1)
      })
      assert.include(yield* (yield* get(path)).text, "TOKEN_EXCHANGE_REQUEST")
      assert.strictEqual(yield* policyOf, "frame-ancestors http://localhost:* http://127.0.0.1:*")
      yield* mock.configure({ embedders: ["https://app.example"] })
      assert.strictEqual(yield* policyOf, "frame-ancestors https://app.example")
      yield* mock.configure({ embedders: [] })
      assert.strictEqual(yield* policyOf, "frame-ancestors 'none'")
      assert.strictEqual(yield* mock.apiRequests, 0)
    }).pipe(Effect.provide(inProcess())))

  it.effect("asks for none without idp=token-exchange-auth in its address", () =>
    Effect.gen(function*() {
      for (const query of ["", "?idp=", "?idp=google"]) {
        assert.notInclude(yield* (yield* get(`/embed${query}`)).text, "TOKEN_EXCHANGE_REQUEST")
      }
    }).pipe(Effect.provide(inProcess())))
})
