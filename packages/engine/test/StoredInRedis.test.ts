import { StoredInRedis } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"

// What the scripts do is tested against a real Redis, in core and in effect3.
describe("StoredInRedis", () => {
  it("the keys of one token are in one slot of a cluster", () => {
    assert.deepStrictEqual(StoredInRedis.names("spotnana", "production:client:0a"), {
      token: "spotnana:{production:client:0a}:token",
      lease: "spotnana:{production:client:0a}:lease",
      channel: "spotnana:{production:client:0a}:changes"
    })
  })

  it("a message is the version that was written, or says that a lease ended", () => {
    assert.deepStrictEqual(StoredInRedis.changeOf("1700000000000000"), {
      _tag: "Written",
      version: 1_700_000_000_000_000
    })
    for (const message of ["released", "", "-1", "1.5", "7 "]) {
      assert.deepStrictEqual(StoredInRedis.changeOf(message), { _tag: "Released" })
    }
  })
})
