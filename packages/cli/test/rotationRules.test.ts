import { SpotnanaApiError } from "@effect-spotnana/core"
import type { ApiUsers } from "@effect-spotnana/core"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, FileSystem, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as Fs from "node:fs"
import { credentialsIn, problemOf, withCredentials } from "../src/apiUsers/rotation/credentialsFile.ts"
import { revoke } from "../src/apiUsers/rotation/facts.ts"
import { nextOf } from "../src/apiUsers/rotation/next.ts"
import type { Facts } from "../src/apiUsers/rotation/next.ts"
import * as Record from "../src/apiUsers/rotation/record.ts"
import type { Rotation } from "../src/apiUsers/rotation/record.ts"
import { temporary } from "./support/cli.ts"

const rotation: Rotation = {
  step: "Created",
  baseUrl: "https://api.spotnana.com",
  clientId: "old",
  newClientId: "new",
  known: ["old"],
  startedAt: "",
  revokeAt: 7
}

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
  ])("where %s", (_, changes, facts, expected) => {
    const next = nextOf({ ...rotation, ...changes }, facts)
    const revokeAt = changes.step === "Switched" ? 7 : undefined
    expect(next).toMatchObject(expected === "Finish" ? { _tag: expected, revokeAt } : { _tag: expected })
  })
})

describe("the record of a rotation", () => {
  it.live("is for this user alone from the beginning, and there is one of each API user", () =>
    Effect.gen(function*() {
      const home = yield* temporary
      const provider = ConfigProvider.fromEnvRecord({ HOME: home })
      yield* Effect.gen(function*() {
        const { place } = yield* Record.begin(rotation)
        expect(place.startsWith(home)).toBe(true)
        expect(Fs.statSync(place).mode & 0o777).toBe(0o600)
        const again = yield* Effect.flip(Record.begin({ ...rotation, newClientId: undefined }))
        expect(again.message).toBe(`Another rotation of old has just begun: see ${place}.`)
        yield* Record.begin({ ...rotation, baseUrl: "https://other.example" })
        expect(yield* Record.find(rotation.baseUrl, "new")).toEqual([{ place, rotation }])
        expect(yield* Record.find(rotation.baseUrl, "nobody")).toEqual([])
      }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, provider))
    }).pipe(Effect.provide(NodeServices.layer)))
})

describe("the record of a rotation", () => {
  it.effect("is not left behind half written, as on a full disk", () =>
    Effect.gen(function*() {
      const home = yield* temporary
      const fs = yield* FileSystem.FileSystem
      const full: FileSystem.FileSystem = {
        ...fs,
        writeFileString: (path, _, options) =>
          Effect.andThen(
            fs.writeFileString(path, "{", options),
            fs.readFileString(`${home}/missing`).pipe(Effect.asVoid)
          )
      }
      const provider = ConfigProvider.fromEnvRecord({ HOME: home })
      yield* Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.provideService(Record.begin(rotation), FileSystem.FileSystem, full))
        expect(error.message).toBe(
          `The record of the rotation cannot be written. ENOENT: no such file or directory, open '${home}/missing'`
        )
        const { place } = yield* Record.begin(rotation)
        expect(yield* Record.find(rotation.baseUrl, "new")).toEqual([{ place, rotation }])
      }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, provider))
    }).pipe(Effect.provide(NodeServices.layer)))
})

describe("the old user", () => {
  const answering = (status: number) =>
    ({
      revoke: () => Effect.fail(new SpotnanaApiError.SpotnanaApiError({ status, errorMessages: [], message: "" }))
    }) as unknown as ApiUsers.ApiUsers["Service"]

  it.effect("is revoked where somebody else has done so meanwhile, and is not after another error", () =>
    Effect.gen(function*() {
      yield* revoke(answering(404), "old")
      expect(yield* Effect.flip(revoke(answering(403), "old"))).toMatchObject({ status: 403 })
      const silent = { revoke: () => Effect.never } as unknown as ApiUsers.ApiUsers["Service"]
      const fiber = yield* Effect.forkChild(Effect.flip(revoke(silent, "old")), { startImmediately: true })
      yield* TestClock.adjust("30 seconds")
      expect(yield* Fiber.join(fiber)).toMatchObject({ exitCode: 7, message: expect.stringContaining("--resume") })
    }))
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

  it.each([
    ["a new file", "# mine\n", true],
    ["a file with an API user", "SPOTNANA_CLIENT_ID=a\n", false],
    ["a file with an address", "SPOTNANA_BASE_URL=https://api.example\n", false],
    ["a file with an environment", "SPOTNANA_ENVIRONMENT=production\n", false]
  ])("are written with the address only into a new file: %s", (_, before, expected) => {
    const address = "SPOTNANA_BASE_URL='http://127.0.0.1:4801'\n"
    expect(withCredentials(before, next, [address.trim()]).includes(address)).toBe(expected)
  })

  it("are not put beside the name of a file", () => {
    expect(problemOf("SPOTNANA_CLIENT_ID_FILE=x")).toContain("SPOTNANA_CLIENT_ID_FILE")
  })
})
