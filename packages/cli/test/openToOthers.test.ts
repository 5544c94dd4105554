import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import { readersOf } from "../src/openToOthers.ts"
import { configuredUser, makeUser, Spotnana, variables } from "./support/cli.ts"

const another = 1000

describe("a file", () => {
  it.each<readonly [string, Parameters<typeof readersOf>, ReturnType<typeof readersOf>]>([
    ["of this user", [{ mode: 0o100600, owner: 5 }, 5], undefined],
    ["of this user, for the group too", [{ mode: 0o100640, owner: 5 }, 5], "others"],
    ["of this user, that others can only execute", [{ mode: 0o40701, owner: 5 }, 5], "others"],
    ["of root, in a container", [{ mode: 0o100400, owner: 0 }, 5], undefined],
    ["of root, for everybody", [{ mode: 0o100444, owner: 0 }, 5], "others"],
    ["of another user", [{ mode: 0o100600, owner: 6 }, 5], "owner"],
    ["of another user, for everybody", [{ mode: 0o100644, owner: 6 }, 5], "owner"],
    ["of another user, for root", [{ mode: 0o100600, owner: 6 }, 0], "owner"],
    ["of root, for root", [{ mode: 0o100600, owner: 0 }, 0], undefined],
    ["without an owner", [{ mode: 0o100600, owner: undefined }, 5], undefined],
    ["on Windows", [{ mode: 0o100666, owner: 6 }, undefined], undefined]
  ])("%s", (_, [file, user], expected) => {
    expect(readersOf(file, user)).toBe(expected)
  })
})

/** Gives a place and all that is in it to another user. */
it.live("a stored token that others can read is not used, and a warning says so", () =>
  Effect.gen(function*() {
    const { run, state } = yield* configuredUser
    const first = yield* run(["token"])
    const tokens = `${state}/tokens`
    const name = Fs.readdirSync(tokens, { recursive: true, encoding: "utf8" }).find((name) =>
      /\/token\.\d+$/.test(name)
    )
    Fs.chmodSync(`${tokens}/${name}`, 0o644)
    const advice = `${tokens}/${name} can be read by others. Remove ${tokens}, and the next run makes it again.`
    const { code, stderr, stdout } = yield* run(["token"])
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `warning: The token is not stored for the next run. ${advice}\n`
    })
    expect(stdout).not.toBe(first.stdout)
    expect((yield* run(["doctor"])).stdout.replaceAll(/\s+/g, " ")).toContain(advice)
    Fs.rmSync(tokens, { recursive: true })
    const next = yield* run(["token"])
    expect(yield* run(["token"])).toEqual({ code: 0, stderr: "", stdout: next.stdout })
  }).pipe(Effect.provide(Spotnana)))

const give = (place: string): void => {
  Fs.chownSync(place, another, another)
  if (!Fs.statSync(place).isDirectory()) return
  for (const name of Fs.readdirSync(place)) give(`${place}/${name}`)
}

// Only root can give a file away, and read it then.
describe.skipIf(process.getuid?.() !== 0)("what belongs to another user", () => {
  const belongs = (place: string) => `${place} belongs to another user (uid ${another}), who can read and change it.`

  it.live.each<readonly [string, (state: string) => string, string]>([
    ["", (state) => state, "Run this command as that user, or name a directory of your own in XDG_STATE_HOME."],
    [
      "tokens",
      (state) => `${state}/tokens`,
      "Run this command as that user, or name a directory of your own in XDG_STATE_HOME."
    ],
    ["key", (state) => `${state}/key`, "Remove it, and the next run makes a new one."]
  ])("is not used to store tokens: spotnana-auth/%s", ([, placeOf, advice]) =>
    Effect.gen(function*() {
      const { run, state } = yield* configuredUser
      const first = yield* run(["token"])
      const place = placeOf(state)
      give(place)
      const { code, stderr, stdout } = yield* run(["token"])
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: `warning: The token is not stored for the next run. ${belongs(place)} ${advice}\n`
      })
      expect(stdout).not.toBe(first.stdout)
      const { checks } = JSON.parse((yield* run(["doctor", "--json"])).stdout) as {
        readonly checks: ReadonlyArray<{ readonly name: string; readonly status: string; readonly advice?: string }>
      }
      expect(checks.find(({ name }) => name === "token store")).toMatchObject({
        status: "warning",
        advice: `${belongs(place)} ${advice}`
      })
    }).pipe(Effect.provide(Spotnana)))

  it.live("is not used to store tokens with a key of the environment either", () =>
    Effect.gen(function*() {
      const { run, state } = yield* configuredUser
      const env = { SPOTNANA_TOKEN_STORE_KEYS: Buffer.alloc(32, 1).toString("base64") }
      yield* run(["token"], { env })
      give(state)
      expect((yield* run(["token"], { env })).stderr).toContain(belongs(state))
    }).pipe(Effect.provide(Spotnana)))

  it.live.each([".env", "credentials"])(
    "is read with a warning as a file of variables: %s",
    (name) =>
      Effect.gen(function*() {
        const { file, run, write } = yield* makeUser()
        const shown = name === ".env" ? name : file(name)
        write(name, Object.entries(yield* variables).map(([name, value]) => `${name}='${value}'\n`).join(""))
        const args = name === ".env" ? ["token"] : ["token", "--credentials-file", name]
        expect(yield* run(args)).toMatchObject({ code: 0, stderr: "" })
        give(file(name))
        expect(yield* run(args)).toMatchObject({
          code: 0,
          stderr: `warning: ${belongs(shown)} Run this command as that user, or use a file of your own.\n`
        })
      }).pipe(Effect.provide(Spotnana))
  )
})

describe("a pipe", () => {
  it.live.skipIf(process.getuid?.() !== 0)("of another user is read without a warning", () =>
    Effect.gen(function*() {
      const { exec, file, run } = yield* makeUser()
      const values = yield* variables
      yield* exec("mkfifo", ["-m", "600", file("pipe")])
      give(file("pipe"))
      const content = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`).join("")
      const [ended] = yield* Effect.all(
        [
          run(["token", "--credentials-file", "pipe"]),
          Effect.promise(() => Fs.promises.writeFile(file("pipe"), content))
        ],
        { concurrency: "unbounded" }
      )
      expect(ended).toMatchObject({ code: 0, stderr: "" })
    }).pipe(Effect.provide(Spotnana)))
})
