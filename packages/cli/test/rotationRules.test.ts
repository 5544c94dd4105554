import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { credentialsIn, problemOf, withCredentials } from "../src/apiUsers/rotation/credentialsFile.ts"
import { nextOf } from "../src/apiUsers/rotation/next.ts"
import type { Facts } from "../src/apiUsers/rotation/next.ts"
import type { Rotation } from "../src/apiUsers/rotation/record.ts"

describe("what is to be done about a rotation that did not end", () => {
  const both = ["old", "new"]

  it.each<readonly [string, Partial<Rotation>, Facts, string]>([
    ["nobody was created", { step: "Creating", newClientId: undefined }, { clientIds: ["old"], inUse: "old" }, "Over"],
    [
      "somebody was created meanwhile",
      { step: "Creating", newClientId: undefined },
      { clientIds: both, inUse: "old" },
      "ByHand"
    ],
    ["the new one was revoked", { step: "Switching" }, { clientIds: ["old"], inUse: undefined }, "Over"],
    ["the old one was revoked", { step: "Switched" }, { clientIds: ["new"], inUse: "new" }, "Over"],
    ["nobody has the secret", { step: "Created" }, { clientIds: both, inUse: "old" }, "Undo"],
    ["the file has the old one", { step: "Switching", file: "f" }, { clientIds: both, inUse: "old" }, "Undo"],
    ["the file has the new one", { step: "Switching", file: "f" }, { clientIds: both, inUse: "new" }, "Finish"],
    ["the file has a third one", { step: "Switching", file: "f" }, { clientIds: both, inUse: "x" }, "ByHand"],
    ["the command had begun", { step: "Switching" }, { clientIds: both, inUse: undefined }, "ByHand"],
    ["the command had begun, and its end is seen", { step: "Switching" }, { clientIds: both, inUse: "new" }, "Finish"],
    ["the command had ended", { step: "Switched" }, { clientIds: both, inUse: undefined }, "Finish"],
    ["the file has the new one still", { step: "Switched", file: "f" }, { clientIds: both, inUse: "new" }, "Finish"],
    ["the file has the old one again", { step: "Switched", file: "f" }, { clientIds: both, inUse: "old" }, "ByHand"]
  ])("where %s", (_, rotation, facts, expected) => {
    const next = nextOf({
      step: "Created",
      baseUrl: "https://api.spotnana.com",
      clientId: "old",
      newClientId: "new",
      known: ["old"],
      startedAt: "",
      revokeAt: 7,
      ...rotation
    }, facts)
    const revokeAt = rotation.step === "Switched" ? 7 : undefined
    expect(next).toMatchObject(expected === "Finish" ? { _tag: expected, revokeAt } : { _tag: expected })
  })
})

describe("the credentials in a file", () => {
  const next = { clientId: "next", clientSecret: Redacted.make("it's \"next\"") }
  const written = "SPOTNANA_CLIENT_ID='next'\nSPOTNANA_CLIENT_SECRET=`it's \"next\"`\n"

  it.each([
    ["an empty file", "", written],
    ["other variables", "A=1", `A=1\n${written}`],
    [
      "all forms of a line",
      "export SPOTNANA_CLIENT_ID=\"old\" # mine\r\n# SPOTNANA_CLIENT_ID=x\n\nSPOTNANA_CLIENT_SECRET = old # theirs\nB='two\nlines'\n",
      "export SPOTNANA_CLIENT_ID='next' # mine\n# SPOTNANA_CLIENT_ID=x\n\nSPOTNANA_CLIENT_SECRET = `it's \"next\"` # theirs\nB='two\nlines'\n"
    ],
    ["a secret of two lines", "SPOTNANA_CLIENT_ID=a\nSPOTNANA_CLIENT_SECRET='b\nc'\nD=1", `${written}D=1`],
    [
      "a name that is there twice, and one without a value",
      "SPOTNANA_CLIENT_ID=a\nSPOTNANA_CLIENT_ID=b\nSPOTNANA_CLIENT_SECRET=\n",
      "SPOTNANA_CLIENT_ID='next'\nSPOTNANA_CLIENT_ID='next'\nSPOTNANA_CLIENT_SECRET=\nSPOTNANA_CLIENT_SECRET=`it's \"next\"`\n"
    ]
  ])("are replaced in %s, and can be read again", (_, before, after) => {
    expect(problemOf(before)).toBe(undefined)
    expect(withCredentials(before, next)).toBe(after)
    expect(Effect.runSync(credentialsIn(after))).toEqual(next)
  })

  it("are not put beside the name of a file", () => {
    expect(problemOf("SPOTNANA_CLIENT_ID_FILE=x")).toContain("SPOTNANA_CLIENT_ID_FILE")
  })
})
