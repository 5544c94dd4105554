import { StoredToken } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const token: StoredToken.StoredToken = {
  value: "t0ken",
  lifetime: 3_600_000,
  scope: "read write",
  expiresAt: 1_893_456_000_000,
  fence: 7
}

// Another line of the library, or an older process, reads these bytes: a change of them needs another version.
const golden =
  `{"version":1,"value":"t0ken","lifetime":3600000,"scope":"read write","expiresAt":1893456000000,"fence":7}`

describe("StoredToken", () => {
  it("a stored token has exactly these bytes", () => {
    assert.strictEqual(StoredToken.encode(token), golden)
    assert.deepStrictEqual(StoredToken.decode(golden), token)
  })

  it("a token without a scope is stored without one", () => {
    const text = StoredToken.encode({ ...token, scope: undefined })
    assert.strictEqual(
      text,
      `{"version":1,"value":"t0ken","lifetime":3600000,"expiresAt":1893456000000,"fence":7}`
    )
    assert.deepStrictEqual(StoredToken.decode(text), { ...token, scope: undefined })
  })

  it.prop("invariant 12: what is decoded is what was encoded", {
    value: Schema.String.check(Schema.isPattern(/^[!-~]{1,200}$/)),
    lifetime: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 })),
    scope: Schema.UndefinedOr(Schema.String),
    expiresAt: Schema.Finite,
    fence: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
  }, (stored) => {
    // JSON has no negative zero.
    const expiresAt = stored.expiresAt + 0
    assert.deepStrictEqual(StoredToken.decode(StoredToken.encode({ ...stored, expiresAt })), { ...stored, expiresAt })
  })

  const json = JSON.parse(golden) as Record<string, unknown>
  const { version: _, ...withoutVersion } = json

  it.each<[string, string]>([
    ["nothing", ""],
    ["text", "hello"],
    ["cut off", golden.slice(0, -1)],
    ["an array", `[${golden}]`],
    ["null", "null"],
    ["a number", "1"],
    ["without a version", JSON.stringify(withoutVersion)],
    ["of the format before this one", `{"value":"t0ken","lifetime":3600000,"scope":"read write"}`],
    ...([
      ["version", [0, 2, "1", null]],
      ["value", [undefined, null, "", 5, "t0ken\n", "a b", "é"]],
      ["lifetime", [undefined, null, "3600000", 0, -1]],
      ["scope", [null, 5, {}]],
      ["expiresAt", [undefined, null, "1893456000000"]],
      ["fence", [undefined, null, "7", -1, 1.5, 2 ** 53]]
    ] as const).flatMap(([name, values]) =>
      values.map((value): [string, string] => [
        `${name} is ${JSON.stringify(value)}`,
        JSON.stringify({ ...json, [name]: value })
      ])
    ),
    ["a lifetime without end", golden.replace("3600000", "1e999")],
    ["an end in infinity", golden.replace("1893456000000", "1e999")]
  ])("invariant 12: a stored text that is no token of this version counts as absent: %s", (_, text) => {
    assert.isUndefined(StoredToken.decode(text))
  })

  it("invariant 12: unknown fields of a stored token pass", () => {
    assert.deepStrictEqual(StoredToken.decode(JSON.stringify({ ...json, new: { field: [] } })), token)
  })

  it.each<[string, number, number, number]>([
    ["the store's clock", 10_000, 1_000, 10_000],
    ["the process's clock", 10_000_000, 1_893_456_000_000 - 20_000, 20_000],
    ["the lifetime, where both clocks were set back", 1e12, 1_000, 3_600_000],
    ["nothing, where it has expired by the process's clock", 10_000, 1_893_456_000_001, 0],
    ["nothing, where it has expired by the store's clock", -5, 1_000, 0]
  ])("invariant 10: the time that is left of a stored token is by %s", (_, storeTimeLeft, now, expected) => {
    assert.strictEqual(StoredToken.timeLeft(token, { storeTimeLeft, now }), expected)
  })

  it("invariant 9: the associated data differs for each key and each fence", () => {
    assert.strictEqual(
      StoredToken.associatedData("production:id:hash", 7),
      `["spotnana token",1,"production:id:hash",7]`
    )
    const all = [["a", 1], ["a", 2], ["b", 1], ["a\",1", 1], ["a,1", 1], ["a", 11], ["a1", 1]] as const
    assert.strictEqual(new Set(all.map(([key, fence]) => StoredToken.associatedData(key, fence))).size, all.length)
  })
})
