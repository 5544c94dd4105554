import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import manifest from "../package.json" with { type: "json" }
import { exitCode } from "../src/exitCode.ts"
import { clientSecret, configuredUser, deadAddress, makeUser, Spotnana, variables } from "./support/cli.ts"
import { hasTerminal } from "./support/process.ts"

const ansi = "\u001b["

const help = (command: string) => [...command.split(" ").filter((word) => word !== ""), "--help"]

describe("the command line", () => {
  it.live("tells its version, and that alone", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const { code, stderr, stdout } = yield* run(["--version"])
      expect({ code, stderr, stdout: stdout }).toEqual({
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
        for (const heading of ["DESCRIPTION", "USAGE", "EXAMPLES"]) expect(stdout).toContain(`${heading}\n`)
        expect(stdout.split("\n").filter((line) => line.endsWith(" "))).toEqual([])
      }
      const [root = "", token = "", request = "", mock = ""] = said.map(({ stdout }) => stdout)
      for (
        const variable of ["CLIENT_ID", "CLIENT_SECRET", "ENVIRONMENT", "BASE_URL", "TOKEN_STORE_KEYS", "PROXY_KEY"]
      ) {
        expect(root).toContain(`SPOTNANA_${variable} `)
      }
      expect(root).toContain(".env")
      expect(root).toContain("Exit codes: 0 ")
      const [, codes = ""] = /Exit codes:([^.]*)\./.exec(root) ?? []
      for (const code of Object.values(exitCode)) expect(codes).toMatch(new RegExp(`\\b${code}\\b`))
      expect(request).toContain("Exit codes: 0 ")
      expect(token).toContain("--min-lifetime")
      expect(token).toContain("whose scrollback keeps it")
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
      expect(all.stdout).toContain("SUBCOMMANDS\n")
    }))

  it.live("takes the method of a request in small letters, as curl's users write it", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { code, stdout } = yield* run(["request", "get", "/v2/companies?limit=1"])
      expect({ code, body: JSON.parse(stdout) }).toMatchObject({ code: 0, body: { totalNumResults: 120 } })
    }).pipe(Effect.provide(Spotnana)))

  it.live("doctor says how to go on without credentials where nothing is configured", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const { code, stdout } = yield* run(["doctor"])
      expect(code).toBe(1)
      expect(stdout).toContain("spotnana-auth mock --write-credentials mock.env")
      expect(stdout).toContain("spotnana-auth doctor --credentials-file mock.env")
    }))

  it.live("shows help where no command is named", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const { code, stderr, stdout } = yield* run([])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(stdout).toContain("SUBCOMMANDS\n")
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
      "first argument, without a method,",
      ["request", "/v2/companies"],
      "error: The method is missing: spotnana-auth request GET /v2/companies\nSee spotnana-auth request --help\n"
    ],
    [
      "first argument, a URL without a method,",
      ["request", "https://api.spotnana.com/v2/companies?limit=1&page=2"],
      "error: The method is missing: spotnana-auth request GET 'https://api.spotnana.com/v2/companies?limit=1&page=2'\nSee spotnana-auth request --help\n"
    ],
    [
      "method",
      ["request", "GTE", "/v2/companies"],
      "error: There is no method \"GTE\". Expected one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS\nSee spotnana-auth request --help\n"
    ],
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
        expect(yield* run(args)).toEqual({ code: 2, stdout: "", stderr: expected })
      })
  )

  it.live.each<readonly [ReadonlyArray<string>]>([
    [["api-users", "create", "--write-file"]],
    [["api-users", "rotate", "--write-file"]],
    [["keys", "generate", "--write-file"]],
    [["mock", "--write-credentials"]]
  ])("says why the system does not let it write a file: %s", ([args]) =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { code, stderr } = yield* run([...args, "missing/x"])
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^error: .*missing\/x: ENOENT: no such file or directory, /m)
      ])
    }).pipe(Effect.provide(Spotnana)))

  const commands = [[["--help"]], [["doctor"]], [["request", "GET", "/v2/companies"]], [["tokn"]]] as const

  it.live.each<readonly [ReadonlyArray<string>, Readonly<Record<string, string>>, boolean]>([
    ...commands.flatMap(([args]) => [[args, {}, true], [args, { NO_COLOR: "1" }, false]] as const),
    [["tokn"], { NO_COLOR: "" }, true],
    [["tokn"], { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    [["tokn"], { TERM: "dumb" }, false]
  ])("on a terminal %j with %j has colours: %s", ([args, env, expected]) =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { stderr, stdout } = yield* run(args, { env, isTerminal: true })
      expect(stdout + stderr).toMatch(/./)
      expect((stdout + stderr).includes(ansi)).toBe(expected)
    }).pipe(Effect.provide(Spotnana)))

  it.live.skipIf(!hasTerminal)(
    "finds out whether it is on a terminal, and which variables that has",
    () =>
      Effect.gen(function*() {
        const { runOnTerminal } = yield* makeUser()
        expect((yield* runOnTerminal(["--help"])).stdout).toContain(ansi)
        const { stdout } = yield* runOnTerminal(["--help"], { env: { NO_COLOR: "1" } })
        expect(stdout).toContain("SUBCOMMANDS")
        expect(stdout).not.toContain(ansi)
      })
  )

  it.live.each(commands)(
    "%j has no colours where it is piped, unless FORCE_COLOR says so",
    ([args]) =>
      Effect.gen(function*() {
        const { run } = yield* configuredUser
        const [piped, forced] = yield* Effect.all([run(args), run(args, { env: { FORCE_COLOR: "1" } })], {
          concurrency: 2
        })
        expect(`${piped.stdout}${piped.stderr}`).not.toContain(ansi)
        expect(`${forced.stdout}${forced.stderr}`).toContain(ansi)
        // What a program reads is never coloured.
        if (args[0] === "request") expect(forced.stdout).not.toContain(ansi)
      }).pipe(Effect.provide(Spotnana))
  )

  it.live.skipIf(!hasTerminal)(
    "has none in the stream that is piped, where the other one is a terminal",
    () =>
      Effect.gen(function*() {
        const { read, runOnTerminal } = yield* configuredUser
        const args = ["request", "GET", "/v2/users/nobody", "--include"]
        for (
          const [redirection, seen, piped] of [["2>piped", "HTTP 404", "error:"], [">piped", "error:", "HTTP 404"]]
        ) {
          const { stdout } = yield* runOnTerminal(args, { redirection })
          expect(stdout).toContain(seen)
          expect(stdout).toContain(ansi)
          const content = read("piped")
          expect(content).toContain(piped)
          expect(content).not.toContain(ansi)
        }
      }).pipe(Effect.provide(Spotnana))
  )
})

describe("the executable", () => {
  // Each command, and each exit code that needs no signal.
  it.live.each<readonly [ReadonlyArray<string>, number, RegExp]>([
    [["token"], 0, /^$/],
    [["doctor"], 1, /^$/],
    [["proxy", "--require-key"], 2, /^error: --require-key requires a key, and SPOTNANA_PROXY_KEY is not set/],
    [["request", "GET", "/v2/moved"], 3, /a redirect to .* that is not followed/],
    [["keys", "revoke", "none", "--company-id", "none"], 4, /^error: .* answered 400/],
    [["api-users", "list"], 5, /^error: GET \/v2\/api-users answered 503/],
    [["watch"], 6, /^error: .* answered 401/],
    [["webhook", "send", "DEAD"], 7, /^error: .*ECONNREFUSED/],
    [["token", "--subject-token-file", "-"], 8, /^error: .* stdin /],
    [["mock", "--port", "0"], 2, /^error: The mock's client secret would not be printed/]
  ])("runs %j, and ends with %d", ([args, code, stderr]) =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { runProcess } = yield* makeUser({
        ...yield* variables,
        SPOTNANA_WEBHOOK_SECRETS: "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0"
      })
      const dead = yield* deadAddress
      if (args[0] === "request") {
        yield* mock.inject("api", Fault.status(307, { headers: { location: "/v2/companies" } }))
      }
      if (args[0] === "api-users") yield* mock.inject("api", Fault.status(503))
      const env = {
        ...(args[0] === "doctor" ? { SPOTNANA_BASE_URL: dead } : undefined),
        ...(args[0] === "watch" ? { SPOTNANA_CLIENT_SECRET: "wrong" } : undefined),
        ...(args[0] === "mock" ? { SPOTNANA_CLIENT_SECRET: undefined } : undefined)
      }
      const ended = yield* runProcess(args.map((arg) => arg === "DEAD" ? dead : arg), { env, stdin: "subject" })
      expect(ended).toMatchObject({ code, stderr: expect.stringMatching(stderr) })
    }).pipe(Effect.provide(Spotnana)))
})

/** Sends a signal to the process as soon as its second module is loaded. */
const signalled = (signal: NodeJS.Signals) => {
  const script = `import { registerHooks } from "node:module"
    let count = 0
    registerHooks({ load: (url, context, next) => {
      if (++count === 2) process.kill(process.pid, "${signal}")
      return next(url, context)
    } })`
  return { NODE_OPTIONS: `--import=data:text/javascript;base64,${Buffer.from(script).toString("base64")}` }
}

describe("the executable, while it is loaded,", () => {
  it.live.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const)(
    "ends with 130 at %s",
    (signal) =>
      Effect.gen(function*() {
        const { list, runProcess } = yield* makeUser()
        const mock = ["mock", "--port", "0", "--write-credentials", "mock.env"]
        expect(yield* runProcess(mock, { env: signalled(signal) })).toMatchObject({ code: 130 })
        expect(list(".")).toEqual([])
      })
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
        const said = [done, refused].flatMap(({ stderr, stdout }) => asked ? [stderr] : [stderr, stdout]).join(
          "\n"
        )
        const tokens = (yield* mock.ledger).flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
        expect(tokens.length).toBeGreaterThan(0)
        expect(done.stdout.includes(tokens[0]!)).toBe(asked)
        for (const secret of [clientSecret, encodeURIComponent(clientSecret), ...tokens]) {
          expect(said).not.toContain(secret)
          expect(said).not.toContain(Buffer.from(secret).toString("base64").replace(/=+$/, ""))
        }
        expect(`${done.stdout}${refused.stdout}`).not.toContain(clientSecret)
      }).pipe(Effect.provide(Spotnana))
  )
})
