import { MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { configuredUser, Spotnana } from "./support/cli.ts"

const tokens = Effect.map(
  MockSpotnana.MockSpotnana.use(({ ledger }) => ledger),
  (entries) =>
    entries.flatMap(({ endpoint, token }) => endpoint === "token" && token !== undefined ? [Redacted.value(token)] : [])
)

describe("spotnana-auth token", () => {
  it.live("prints the token and nothing else, and two runs make one token request", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const first = yield* run(["token"])
      const second = yield* run(["token"])
      const [token, ...others] = yield* tokens
      expect(others).toEqual([])
      expect(first).toMatchObject({ code: 0, stderr: "" })
      expect(String(first.stdout)).toBe(`${token}\n`)
      expect(second).toEqual(first)
    }).pipe(Effect.provide(Spotnana)))
})
