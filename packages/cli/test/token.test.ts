import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { clientSecret, configuredUser, Spotnana } from "./support/cli.ts"
import { hasTerminal, later } from "./support/process.ts"

/** The tokens that were issued, in order. */
const issued = Effect.map(
  MockSpotnana.MockSpotnana.use(({ ledger }) => ledger),
  (entries) =>
    entries.flatMap(({ endpoint, token }) => endpoint === "token" && token !== undefined ? [Redacted.value(token)] : [])
)

const modeOf = (file: string) => (Fs.statSync(file).mode & 0o777).toString(8)

const filesIn = (directory: string) =>
  Fs.readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => Path.join(parentPath, name))

describe("spotnana-auth token", () => {
  it.live("prints the token and nothing else, and two runs make one token request", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const first = yield* run(["token"])
      const second = yield* run(["token"])
      const [token, ...others] = yield* issued
      expect(others).toEqual([])
      expect(first).toMatchObject({ code: 0, stderr: "" })
      expect(first.stdout).toBe(`${token}\n`)
      expect(second).toEqual(first)
    }).pipe(Effect.provide(Spotnana)))

  it.live("processes that start together make one token request, and one renewal", () =>
    Effect.gen(function*() {
      const { runProcess } = yield* configuredUser
      const together = (env: Readonly<Record<string, string>>) =>
        Effect.all(Array.from({ length: 3 }, () => runProcess(["token"], { env })), { concurrency: "unbounded" }).pipe(
          Effect.map((ended) => ended.map(({ stdout }) => stdout))
        )
      const first = yield* together({})
      const second = yield* together(later(3_550))
      const [one, two, ...others] = yield* issued
      expect(others).toEqual([])
      expect([first, second]).toEqual([Array(3).fill(`${one}\n`), Array(3).fill(`${two}\n`)])
    }).pipe(Effect.provide(Spotnana)))

  it.live("--json has the token and when it expires", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const before = Date.now()
      const { stdout } = yield* run(["token", "--json"])
      const json = JSON.parse(stdout)
      expect(json).toEqual({
        access_token: (yield* issued)[0],
        token_type: "Bearer",
        expires_in: expect.any(Number),
        expires_at: expect.any(String)
      })
      const expiresAt = Date.parse(json.expires_at)
      expect(expiresAt).toBeGreaterThanOrEqual(before + 3_600_000)
      expect(expiresAt).toBeLessThanOrEqual(Date.now() + 3_600_000)
      expect(json.expires_in).toBeGreaterThan(0)
      expect(json.expires_in).toBeLessThanOrEqual(3600)
    }).pipe(Effect.provide(Spotnana)))

  it.live("renews a token that is about to expire, and hands out the new one", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      yield* run(["token"])
      const second = yield* run(["token"], { ahead: 3_550 })
      const third = yield* run(["token"], { ahead: 3_550 })
      const [, token, ...others] = yield* issued
      expect(others).toEqual([])
      expect(second).toMatchObject({ code: 0, stderr: "" })
      expect(second.stdout).toBe(`${token}\n`)
      expect(third).toEqual(second)
    }).pipe(Effect.provide(Spotnana)))

  it.live("renews one that lives for less than it is asked to, and no other", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const first = yield* run(["token"])
      const ahead = 1_800
      expect(yield* run(["token", "--min-lifetime", "1700"], { ahead })).toEqual(first)
      expect(yield* issued).toHaveLength(1)
      expect(yield* run(["token", "--min-lifetime", "1900"], { ahead })).not.toEqual(first)
      expect(yield* issued).toHaveLength(2)
    }).pipe(Effect.provide(Spotnana)))

  it.live("hands out one that cannot live as long as it is asked to, says so, and renews it once", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const shorter = {
        code: 0,
        stderr: expect.stringMatching(/^warning: The token is valid for only 3\d{3} seconds, .* 7200 /)
      }
      expect(yield* run(["token", "--min-lifetime", "7200"])).toMatchObject(shorter)
      expect(yield* issued).toHaveLength(1)
      expect(yield* run(["token", "--min-lifetime", "7200"], { ahead: 600 })).toMatchObject(shorter)
      expect(yield* issued).toHaveLength(2)
    }).pipe(Effect.provide(Spotnana)))

  it.live("hands out the old token, and says so, while no new one can be had", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      const first = yield* run(["token"])
      yield* mock.inject("token", Fault.status(503), { times: Infinity })
      const second = yield* run(["token"], { ahead: 3_550 })
      expect(second).toMatchObject({ code: 0, stdout: first.stdout })
      expect(second.stderr).toMatch(/^warning: The token is about to expire, and could not be renewed\. .*503/)
    }).pipe(Effect.provide(Spotnana)))

  it.live("--no-store neither uses what is kept nor keeps anything", () =>
    Effect.gen(function*() {
      const { run, state } = yield* configuredUser
      yield* run(["token", "--no-store"])
      expect(Fs.existsSync(state)).toBe(false)
      yield* run(["token"])
      yield* run(["token", "--no-store"])
      expect(yield* issued).toHaveLength(3)
    }).pipe(Effect.provide(Spotnana)))

  it.live("prints no token to a terminal that is not asked to, and requests none", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      for (const args of [["token"], ["token", "--json"]]) {
        const refused = yield* run(args, { isTerminal: true })
        expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("add --print") })
      }
      expect(yield* issued).toEqual([])
      const { code, stdout } = yield* run(["token", "--print"], { isTerminal: true })
      expect({ code, stdout }).toEqual({ code: 0, stdout: `${(yield* issued)[0]}\n` })
    }).pipe(Effect.provide(Spotnana)))

  it.live.skipIf(!hasTerminal)("finds out that it is on a terminal", () =>
    Effect.gen(function*() {
      const { runOnTerminal } = yield* configuredUser
      const refused = yield* runOnTerminal(["token"])
      expect(refused).toMatchObject({ code: 2, stdout: expect.stringContaining("add --print") })
      expect(yield* issued).toEqual([])
    }).pipe(Effect.provide(Spotnana)))
})

describe("the store of the command line", () => {
  it.live("is for this user alone, encrypted, and nowhere else", () =>
    Effect.gen(function*() {
      const { cwd, home, run, state } = yield* configuredUser
      yield* run(["token"])
      const files = filesIn(home)
      expect(files.length).toBeGreaterThan(1)
      expect(files.filter((file) => !file.startsWith(state))).toEqual([])
      expect(files.filter((file) => modeOf(file) !== "600")).toEqual([])
      expect(modeOf(state)).toBe("700")
      expect(Fs.readdirSync(cwd)).toEqual([])
      const [token] = yield* issued
      const content = files.map((file) => Fs.readFileSync(file, "utf8")).join("\n")
      expect(content).not.toContain(token)
      expect(content).not.toContain(clientSecret)
      expect(Buffer.from(Fs.readFileSync(Path.join(state, "key"), "utf8"), "base64")).toHaveLength(32)
    }).pipe(Effect.provide(Spotnana)))

  it.live("is where XDG_STATE_HOME says", () =>
    Effect.gen(function*() {
      const { home, run } = yield* configuredUser
      yield* run(["token"], { env: { XDG_STATE_HOME: Path.join(home, "elsewhere") } })
      expect(filesIn(home).filter((file) => !file.startsWith(Path.join(home, "elsewhere/spotnana-auth/")))).toEqual([])
      expect(filesIn(home).length).toBeGreaterThan(1)
    }).pipe(Effect.provide(Spotnana)))

  it.live("is encrypted with SPOTNANA_TOKEN_STORE_KEYS where that is set, and no key is made", () =>
    Effect.gen(function*() {
      const { run, state } = yield* configuredUser
      const [one, other] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString("base64"))
      const env = { SPOTNANA_TOKEN_STORE_KEYS: one }
      const first = yield* run(["token"], { env })
      expect(yield* run(["token"], { env })).toEqual(first)
      expect(Fs.existsSync(Path.join(state, "key"))).toBe(false)
      expect(yield* issued).toHaveLength(1)
      yield* run(["token"], { env: { SPOTNANA_TOKEN_STORE_KEYS: other } })
      expect(yield* issued).toHaveLength(2)
      const wrong = yield* run(["token"], { env: { SPOTNANA_TOKEN_STORE_KEYS: "c2hvcnQ=" } })
      expect(wrong).toMatchObject({ code: 2, stdout: "" })
      expect(wrong.stderr).toMatch(/^error: SPOTNANA_TOKEN_STORE_KEYS cannot be used: each key is 32 bytes/)
    }).pipe(Effect.provide(Spotnana)))

  it.live.each<readonly [string, (state: string) => void, RegExp]>([
    ["key is open to others", (state) => Fs.chmodSync(Path.join(state, "key"), 0o644), /key can be read by others/],
    ["key is none", (state) => Fs.writeFileSync(Path.join(state, "key"), "no key\n"), /key is not a key\. Remove it/],
    [
      "directory is open to others",
      (state) => Fs.chmodSync(Path.join(state, "tokens"), 0o755),
      /tokens is open to others/
    ],
    ["directory is a file", (state) => {
      Fs.rmSync(state, { recursive: true })
      Fs.writeFileSync(state, "")
    }, /not stored/]
  ])("whose %s is not used, and says why; the command goes on", ([, spoil, warning]) =>
    Effect.gen(function*() {
      const { run, state } = yield* configuredUser
      yield* run(["token"])
      spoil(state)
      const { code, stderr, stdout } = yield* run(["token"])
      const [, token, ...others] = yield* issued
      expect(others).toEqual([])
      expect({ code, stdout: stdout }).toEqual({ code: 0, stdout: `${token}\n` })
      expect(stderr).toMatch(/^warning: The token is not stored for the next run\. .*\n$/)
      expect(stderr).toMatch(warning)
    }).pipe(Effect.provide(Spotnana)))

  it.live("is done without where there is no home", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { code, stderr } = yield* run(["token"], { env: { HOME: undefined } })
      expect(code).toBe(0)
      expect(stderr).toMatch(/^warning: The token is not stored for the next run\. .*HOME is not set/)
    }).pipe(Effect.provide(Spotnana)))
})
