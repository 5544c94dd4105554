import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import manifest from "../package.json" with { type: "json" }
import { clientSecret, configuredUser, hasTerminal, makeUser, onTerminal, Spotnana } from "./support/cli.ts"

const ansi = "\u001b["

const help = (command: string) => [...command.split(" ").filter((word) => word !== ""), "--help"]

describe("the command line", () => {
  it.live("tells its version, and that alone", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const { code, stderr, stdout } = yield* run(["--version"])
      expect({ code, stderr, stdout: String(stdout) }).toEqual({
        code: 0,
        stderr: "",
        stdout: `spotnana-auth v${manifest.version}\n`
      })
    }))

  it.live("has help that teaches: what it is for, examples, where credentials are from, exit codes", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const said = yield* Effect.forEach(
        ["", "token", "request", "mock", "doctor", "api-users create", "api-users rotate", "keys add", "webhook send"],
        (command) => run(help(command)),
        {
          concurrency: 2
        }
      )
      for (const { code, stderr, stdout } of said) {
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
        for (const heading of ["DESCRIPTION", "USAGE", "EXAMPLES"]) expect(String(stdout)).toContain(`${heading}\n`)
        expect(String(stdout).split("\n").filter((line) => line.endsWith(" "))).toEqual([])
      }
      const [root = "", token = "", request = "", mock = ""] = said.map(({ stdout }) => String(stdout))
      for (const variable of ["CLIENT_ID", "CLIENT_SECRET", "ENVIRONMENT", "BASE_URL", "TOKEN_STORE_KEYS"]) {
        expect(root).toContain(`SPOTNANA_${variable} `)
      }
      expect(root).toContain(".env")
      expect(root).toContain("Exit codes: 0 ")
      expect(request).toContain("Exit codes: 0 ")
      expect(token).toContain("--min-lifetime")
      expect(mock).toContain("Default: 4801")
    }))

  it.live("shows the help of a command also as git and gh do: help request", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const [asked, flagged, all] = yield* Effect.all(
        [run(["help", "request"]), run(["request", "--help"]), run(["help"])],
        { concurrency: 2 }
      )
      expect(asked).toEqual(flagged)
      expect(asked.code).toBe(0)
      expect(String(all.stdout)).toContain("SUBCOMMANDS\n")
    }))

  it.live("takes the method of a request in small letters, as curl's users write it", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { code, stdout } = yield* run(["request", "get", "/v2/companies?limit=1"])
      expect({ code, body: JSON.parse(String(stdout)) }).toMatchObject({ code: 0, body: { totalNumResults: 120 } })
    }).pipe(Effect.provide(Spotnana)))

  it.live("doctor says how to go on without credentials where nothing is configured", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const { code, stdout } = yield* run(["doctor"])
      expect(code).toBe(1)
      expect(String(stdout)).toContain("spotnana-auth mock --write-credentials mock.env")
      expect(String(stdout)).toContain("spotnana-auth doctor --credentials-file mock.env")
    }))

  it.live("shows help where no command is named", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const { code, stderr, stdout } = yield* run([])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(String(stdout)).toContain("SUBCOMMANDS\n")
    }))

  it.live.each<readonly [string, ReadonlyArray<string>, string]>([
    [
      "command",
      ["reqest", "GET", "/v2/companies"],
      "error: Unknown subcommand \"reqest\" for \"spotnana-auth\"\n\n  Did you mean this?\n    request\nSee spotnana-auth --help\n"
    ],
    [
      "flag",
      ["token", "--jsn"],
      "error: Unrecognized flag: --jsn in command spotnana-auth token\n\n  Did you mean this?\n    --json\nSee spotnana-auth token --help\n"
    ],
    ["argument", ["request", "GET"], "error: Missing required argument: path\nSee spotnana-auth request --help\n"],
    [
      "number",
      ["token", "--min-lifetime", "-1"],
      "error: Invalid value for flag --min-lifetime: \"-1\". Expected 0 to 86400 seconds\nSee spotnana-auth token --help\n"
    ]
  ])(
    "answers a wrong %s on stderr, with what was meant, and ends with 2",
    ([, args, expected]) =>
      Effect.gen(function*() {
        const { run } = yield* makeUser()
        expect(yield* run(args)).toEqual({ code: 2, stdout: Buffer.alloc(0), stderr: expected })
      })
  )

  const commands = [[["--help"]], [["doctor"]], [["request", "GET", "/v2/companies"]], [["tokn"]]] as const

  describe.skipIf(!hasTerminal)("on a terminal", () => {
    it.live.each<readonly [ReadonlyArray<string>, Readonly<Record<string, string>>, boolean]>([
      ...commands.flatMap(([args]) => [[args, {}, true], [args, { NO_COLOR: "1" }, false]] as const),
      [["tokn"], { NO_COLOR: "" }, true],
      [["tokn"], { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
      [["tokn"], { TERM: "dumb" }, false]
    ])("%j with %j has colours: %s", ([args, env, expected]) =>
      Effect.gen(function*() {
        const { stdout } = yield* onTerminal(yield* configuredUser, args, { env })
        expect(String(stdout)).toMatch(/./)
        expect(String(stdout).includes(ansi)).toBe(expected)
      }).pipe(Effect.provide(Spotnana)))
  })

  it.live.each(commands)(
    "%j has no colours where it is piped, unless FORCE_COLOR says so",
    ([args]) =>
      Effect.gen(function*() {
        const { run } = yield* configuredUser
        const [piped, forced] = yield* Effect.all([run(args), run(args, { env: { FORCE_COLOR: "1" } })], {
          concurrency: 2
        })
        expect(`${String(piped.stdout)}${piped.stderr}`).not.toContain(ansi)
        expect(`${String(forced.stdout)}${forced.stderr}`).toContain(ansi)
        // What a program reads is never coloured.
        if (args[0] === "request") expect(String(forced.stdout)).not.toContain(ansi)
      }).pipe(Effect.provide(Spotnana))
  )

  it.live.skipIf(!hasTerminal)(
    "has none in the stream that is piped, where the other one is a terminal",
    () =>
      Effect.gen(function*() {
        const user = yield* configuredUser
        const args = ["request", "GET", "/v2/users/nobody", "--include"]
        for (
          const [redirection, seen, piped] of [["2>piped", "HTTP 404", "error:"], [">piped", "error:", "HTTP 404"]]
        ) {
          const { stdout } = yield* onTerminal(user, args, { redirection: redirection! })
          expect(String(stdout)).toContain(seen)
          expect(String(stdout)).toContain(ansi)
          const content = Fs.readFileSync(Path.join(user.cwd, "piped"), "utf8")
          expect(content).toContain(piped)
          expect(content).not.toContain(ansi)
        }
      }).pipe(Effect.provide(Spotnana))
  )
})

describe("what the command line prints", () => {
  it.live.each<readonly [ReadonlyArray<string>]>([
    [["token"]],
    [["token", "--json"]],
    [["doctor"]],
    [["doctor", "--json"]],
    [["request", "GET", "/v2/companies", "--include"]],
    [["request", "GET", "/v2/users/nobody"]]
  ])(
    "holds neither secret nor token, whatever %j meets; a token only where it is asked for",
    ([command]) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const { run } = yield* configuredUser
        const args = [...command, "--log-level", "all"]
        const done = yield* run(args)
        // A server that repeats what it was sent.
        const echo = {
          error: "invalid_client",
          error_description: `wrong: ${clientSecret}`,
          debugIdentifier: clientSecret
        }
        yield* mock.inject("token", Fault.status(401, { body: echo }), { times: Infinity })
        yield* mock.revokeTokens
        const refused = yield* run(args)
        const asked = command[0] === "token"
        expect(refused.code).toBe(asked ? 0 : command[0] === "doctor" ? 1 : 6)
        const said = [done, refused].flatMap(({ stderr, stdout }) => asked ? [stderr] : [stderr, String(stdout)]).join(
          "\n"
        )
        const tokens = (yield* mock.ledger).flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
        expect(tokens.length).toBeGreaterThan(0)
        expect(String(done.stdout).includes(tokens[0]!)).toBe(asked)
        for (const secret of [clientSecret, encodeURIComponent(clientSecret), ...tokens]) {
          expect(said).not.toContain(secret)
          expect(said).not.toContain(Buffer.from(secret).toString("base64").replace(/=+$/, ""))
        }
        expect(`${String(done.stdout)}${String(refused.stdout)}`).not.toContain(clientSecret)
      }).pipe(Effect.provide(Spotnana))
  )
})
