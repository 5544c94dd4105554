import { StoredInFiles } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"

const files = (...names: ReadonlyArray<string>) => StoredInFiles.filesOf(names)

// What processes do with the files is tested in core and in effect3.
describe("StoredInFiles", () => {
  it("a file is known by its name, and others are left out", () => {
    assert.deepStrictEqual(files("lease.7", "beginning", "token.x", "other.3", "backoff.12"), [
      { kind: "lease", fence: 7 },
      { kind: "backoff", fence: 12 }
    ])
    assert.strictEqual(StoredInFiles.fileName({ kind: "token", fence: 7 }), "token.7")
  })

  it("a fencing token that the store could not count on from is none", () => {
    assert.deepStrictEqual(files("token.999999999999999", "lease.100000000000000", "released.7"), [
      { kind: "released", fence: 7 }
    ])
    assert.deepStrictEqual([...StoredInFiles.changesOf(["a.token.999999999999999", "a.token.7"])], [["a.token", 7]])
    const beginning = (text: string) => StoredInFiles.beginningOf(StoredInFiles.encode({ from: 0, until: 0, text }))
    assert.strictEqual(beginning("1700000000000"), 1_700_000_000_000)
    for (const text of ["", "abc", "-1", "1.5", "1e3", "999999999999999"]) {
      assert.isUndefined(beginning(text), text)
    }
    assert.isUndefined(StoredInFiles.beginningOf("7"))
  })

  it("what belongs to another user is refused, unless that user is root", () => {
    assert.strictEqual(
      StoredInFiles.ofAnotherUser("/d", 65_534, 0),
      "/d belongs to another user (uid 65534), who can read and change it. Name a directory of the user of this process " +
        "(uid 0), or run the process as that user."
    )
    for (const [owner, user] of [[0, 1_000], [1_000, 1_000], [undefined, 1_000], [1_000, undefined]] as const) {
      assert.isUndefined(StoredInFiles.ofAnotherUser("/d", owner, user))
    }
  })

  it("the lease is that of the highest fencing token, while it is neither released nor became a backoff", () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, boolean, "backoff" | "lease" | undefined]> = [
      [["lease.7"], true, "lease"],
      [["lease.7", "token.6"], true, "lease"],
      [["lease.7", "released.7"], false, undefined],
      [["lease.7", "backoff.7"], false, "backoff"],
      [["lease.7", "lease.8"], false, "lease"],
      [["lease.7", "released.8"], false, "lease"],
      [["token.7"], false, undefined],
      [[], false, undefined]
    ]
    for (const [names, isLease, inForce] of cases) {
      assert.strictEqual(StoredInFiles.isLeaseOf(files(...names), 7), isLease, names.join())
      assert.strictEqual(StoredInFiles.inForce(files(...names), 7), inForce, names.join())
    }
  })

  it("a fencing token is used where a later lease is, or where its own lease is over", () => {
    for (const names of [["lease.8"], ["released.7"], ["backoff.8"], ["token.7"]]) {
      assert.isTrue(StoredInFiles.isUsed(files("lease.7", ...names), 7), names.join())
    }
    assert.isFalse(StoredInFiles.isUsed(files("lease.7", "lease.6", "token.6"), 7))
  })

  it("out of use is what has a lower fencing token, and every token but the latest", () => {
    const all = files("lease.7", "released.6", "backoff.5", "token.4", "token.6")
    assert.deepStrictEqual(StoredInFiles.outOfUse(all, 7).map(StoredInFiles.fileName), [
      "released.6",
      "backoff.5",
      "token.4"
    ])
  })

  it("a folder begins with what a person reads, and ends in the hash", () => {
    const hash = "0123456789abcdef".repeat(4)
    assert.strictEqual(
      StoredInFiles.folderName("Production:My%20Client:ffff", hash),
      `production-my-20client-${hash.slice(0, 32)}`
    )
    assert.strictEqual(StoredInFiles.folderName("::ffff", hash), hash.slice(0, 32))
    assert.isAtMost(StoredInFiles.folderName("x".repeat(300), hash).length, 97)
  })

  it("a content counts from its beginning to its end, and is nothing where it is not whole", () => {
    const content = { from: 1_000, until: 3_000, text: "…" }
    assert.deepStrictEqual(StoredInFiles.decode(StoredInFiles.encode(content)), content)
    assert.deepStrictEqual(
      [999, 1_000, 2_999, 3_000, 4_000].map((now) => StoredInFiles.timeLeft(content, now)),
      [0, 2_000, 1, 0, 0]
    )
    for (const text of ["", "{", "[]", "{\"from\":1,\"until\":2}", "{\"from\":\"1\",\"until\":2,\"text\":\"\"}"]) {
      assert.isUndefined(StoredInFiles.decode(text), text)
    }
  })

  it("a change is told once, and by the latest file alone", () => {
    const before = StoredInFiles.changesOf(["a.token.3", "a.released.2", "b.token.9"])
    const now = StoredInFiles.changesOf(["a.token.3", "a.token.5", "a.released.4", "other"])
    assert.deepStrictEqual(StoredInFiles.changesBetween(before, now, "a"), [
      { _tag: "Written", version: 5 },
      { _tag: "Released" }
    ])
    assert.deepStrictEqual(StoredInFiles.changesBetween(now, now, "a"), [])
    assert.deepStrictEqual(
      StoredInFiles.voidChanges(["a.token.3", "a.token.5", "a.released.2", "b.token.1"], "a", "token", 5),
      ["a.token.3"]
    )
  })

  it("an error of the system is said with its code and what to do about it", () => {
    const full = Object.assign(new Error("write"), { code: "ENOSPC" })
    assert.strictEqual(
      StoredInFiles.unusable("/d", "Unknown: write failed", full),
      "The directory /d cannot be used (ENOSPC write failed). The disk is full: free space on it."
    )
    assert.strictEqual(
      StoredInFiles.unusable("/d", "NotFound: no", undefined),
      "The directory /d cannot be used (NotFound: no). Check that it is a directory, and that it belongs to this user."
    )
  })

  it("what others can read is refused, with the command that closes it", () => {
    assert.isUndefined(StoredInFiles.openToOthers("/d", 0o40700))
    assert.strictEqual(
      StoredInFiles.openToOthers("/d", 0o40755),
      "/d is open to others, with mode 755. Close it: chmod go= /d"
    )
  })
})
