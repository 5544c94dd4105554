import { MockSpotnana } from "@effect-spotnana/testing"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Option } from "effect"
import { Completions } from "effect/cli"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { root } from "../src/command.ts"
import * as Configuration from "../src/configuration.ts"
import { executable } from "./support/bundle.ts"
import { clientId, clientSecret, makeUser, Spotnana, variables } from "./support/cli.ts"

const dotEnv = (record: Readonly<Record<string, string>>) =>
  Object.entries(record).map(([name, value]) => `${name}=${value}\n`).join("")

describe("the configuration of the command line", () => {
  it.live("is a file .env in the working directory", () =>
    Effect.gen(function*() {
      const { run, runProcess, write } = yield* makeUser()
      write(".env", dotEnv(yield* variables))
      for (const way of [run, runProcess]) {
        expect(yield* way(["request", "GET", "/v2/companies"])).toMatchObject({ code: 0 })
      }
    }).pipe(Effect.provide(Spotnana)))

  it.live("is no directory .env, as Python has one", () =>
    Effect.gen(function*() {
      const { file, run } = yield* makeUser(yield* variables)
      Fs.mkdirSync(file(".env"))
      expect(yield* run(["token"])).toMatchObject({ code: 0, stderr: "" })
      const { checks } = JSON.parse((yield* run(["doctor", "--json"])).stdout) as {
        readonly checks: ReadonlyArray<{ readonly name: string; readonly status: string }>
      }
      expect(checks[0]).toMatchObject({ name: "configuration", status: "ok" })
    }).pipe(Effect.provide(Spotnana)))

  it.live("is the environment, before the file .env", () =>
    Effect.gen(function*() {
      const { run, write } = yield* makeUser({ SPOTNANA_CLIENT_SECRET: "wrong" })
      write(".env", dotEnv({ ...yield* variables, SPOTNANA_BASE_URL: "" }))
      const { SPOTNANA_BASE_URL } = yield* variables
      expect(yield* run(["token"], { env: { SPOTNANA_BASE_URL } })).toMatchObject({ code: 6 })
      expect(yield* run(["token"], { env: { SPOTNANA_BASE_URL, SPOTNANA_CLIENT_SECRET: clientSecret } }))
        .toMatchObject({ code: 0 })
    }).pipe(Effect.provide(Spotnana)))

  it.live("is the file that --credentials-file names, before the environment", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addClient("other", "other secret")
      const { run, write } = yield* makeUser(yield* variables)
      write(".env", dotEnv({ SPOTNANA_CLIENT_ID: "nobody" }))
      write("other.env", dotEnv({ SPOTNANA_CLIENT_ID: "other", SPOTNANA_CLIENT_SECRET: "'other secret'" }))
      yield* run(["token"])
      yield* run(["token", "--credentials-file", "other.env"])
      expect((yield* mock.ledger).map(({ clientId }) => clientId)).toEqual([clientId, "other"])
    }).pipe(Effect.provide(Spotnana)))

  it.live("of a file is that of Spotnana only: it moves no home", () =>
    Effect.gen(function*() {
      const { cwd, run, state, write } = yield* makeUser()
      write(".env", dotEnv({ ...yield* variables, XDG_STATE_HOME: Path.join(cwd, "state"), HOME: cwd }))
      expect(yield* run(["token"])).toMatchObject({ code: 0 })
      expect(Fs.readdirSync(cwd)).toEqual([".env"])
      expect(Fs.existsSync(state)).toBe(true)
    }).pipe(Effect.provide(Spotnana)))

  it.live.each<readonly [string, string, string]>([
    ["SPOTNANA_BASE_URL", "", "where it would be sent"],
    ["SPOTNANA_ENVIRONMENT", "sandbox", "where it would be sent"],
    [
      "SPOTNANA_TOKEN_STORE_KEYS",
      Buffer.alloc(32, 7).toString("base64"),
      "with which key its token would be kept"
    ]
  ])(
    "of a file .env does not decide by %s about the secret of the environment",
    ([variable, value, what]) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const { SPOTNANA_BASE_URL, ...credentials } = yield* variables
        const { run, state, write } = yield* makeUser(
          variable === "SPOTNANA_BASE_URL" ? credentials : { ...credentials, SPOTNANA_BASE_URL }
        )
        write(".env", dotEnv({ [variable]: value === "" ? SPOTNANA_BASE_URL : value }))
        const { code, stderr } = yield* run(["token"])
        expect(code).toBe(2)
        expect(stderr).toContain(
          `error: The client secret is in the environment, and .env in this directory says ${what} (${variable}).`
        )
        expect(yield* run(["doctor"])).toMatchObject({ code: 1 })
        expect(yield* mock.ledger).toEqual([])
        expect(Fs.existsSync(state)).toBe(false)
        expect(yield* run(["token", "--credentials-file", ".env"], { env: { SPOTNANA_BASE_URL } }))
          .toMatchObject({ code: 0 })
      }).pipe(Effect.provide(Spotnana))
  )

  it.live.each<readonly [string, string, string]>([
    ["SPOTNANA_BASE_URL", "", "../ada.token"],
    ["SPOTNANA_ENVIRONMENT", "sandbox", "-"]
  ])(
    "of a file .env does not decide by %s where a user's token is sent, even if the file has the client secret",
    ([variable, text, from]) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const stdin = "c4n4ry.subject-t0ken"
        yield* mock.addUser(stdin, "ada@acme.example")
        const { SPOTNANA_BASE_URL, ...credentials } = yield* variables
        const value = text === "" ? SPOTNANA_BASE_URL : text
        const { run, write } = yield* makeUser()
        write("../ada.token", stdin)
        write(".env", dotEnv({ ...credentials, [variable]: value }))
        for (const command of [["token"], ["request", "GET", "/v2/companies"]]) {
          const args = [...command, "--subject-token-file", from]
          const { code, stderr } = yield* run(args, { stdin })
          expect(code).toBe(2)
          expect(stderr).toMatch(
            /^error: The user's token is from (stdin|\S+ada\.token), and \.env in this directory says where it would be sent /
          )
          expect(stderr).toContain(
            `(${variable}). If you want that, set ${variable} in the environment, or name the file: --credentials-file .env\n`
          )
          expect(yield* mock.ledger).toEqual([])
          const env = { SPOTNANA_BASE_URL }
          expect(yield* run(args, { stdin, env: { ...env, [variable]: value } })).toMatchObject({ code: 0 })
          expect(yield* run([...args, "--credentials-file", ".env"], { stdin, env })).toMatchObject({ code: 0 })
          yield* mock.clearLedger
        }
      }).pipe(Effect.provide(Spotnana))
  )

  it.live("of a file .env may have the key of the token store where no token is stored, as for a user", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.addUser("subject-token", "ada@acme.example")
      const { SPOTNANA_BASE_URL, ...credentials } = yield* variables
      const { run, write } = yield* makeUser({ SPOTNANA_BASE_URL })
      const SPOTNANA_TOKEN_STORE_KEYS = Buffer.alloc(32, 7).toString("base64")
      write(".env", dotEnv({ ...credentials, SPOTNANA_TOKEN_STORE_KEYS }))
      const asAda = ["--subject-token-file", "-"]
      expect(yield* run(["token", ...asAda], { stdin: "subject-token" })).toMatchObject({ code: 0, stderr: "" })
    }).pipe(Effect.provide(Spotnana)))

  it.live("of a file .env has the secret and all that decides about it", () =>
    Effect.gen(function*() {
      const { run, write } = yield* makeUser()
      const SPOTNANA_TOKEN_STORE_KEYS = Buffer.alloc(32, 7).toString("base64")
      write(".env", dotEnv({ ...yield* variables, SPOTNANA_TOKEN_STORE_KEYS, SPOTNANA_ENVIRONMENT: "sandbox" }))
      expect(yield* run(["token"])).toMatchObject({ code: 0, stderr: "" })
    }).pipe(Effect.provide(Spotnana)))

  it.live("is read from a pipe", () =>
    Effect.gen(function*() {
      const { exec, write } = yield* makeUser()
      write("credentials", dotEnv(yield* variables))
      const fifo = "mkfifo -m 600 fifo && (cat credentials >fifo &) && "
      for (const [before, command, file] of [["", "token", "<(cat credentials)"], [fifo, "doctor", "fifo"]]) {
        const script = `${before}"$0" "$1" ${command} --credentials-file ${file}`
        const ended = yield* exec("bash", ["-c", script, process.execPath, executable])
        expect(ended).toMatchObject({ code: 0, stderr: "" })
      }
    }).pipe(Effect.provide(Spotnana)))

  const encodings: ReadonlyArray<readonly [string, (text: string) => Buffer, RegExp]> = [
    ["UTF-8 with a byte order mark", (text) => Buffer.from(`\ufeff${text}`), /^client$/],
    [
      "UTF-16 as PowerShell writes it",
      (text) => Buffer.from(`\ufeff${text}`, "utf16le"),
      /^2: .* is not in UTF-8, but in UTF-16\. Save it as UTF-8/
    ],
    [
      "big-endian UTF-16",
      (text) => Buffer.from(`\ufeff${text}`, "utf16le").swap16(),
      /^2: .* is not in UTF-8, but in UTF-16\. Save it as UTF-8/
    ],
    [
      "UTF-16 without a mark",
      (text) => Buffer.from(text, "utf16le"),
      /^2: .* is not in UTF-8, but in UTF-16\. Save it as UTF-8/
    ],
    ["Latin-1", (text) => Buffer.from(`# caf\xe9\n${text}`, "latin1"), /^2: .* is not in UTF-8\. Save it as UTF-8/]
  ]

  it.live.each(encodings)("is a file in %s: read, or said to be", ([, encode, expected]) =>
    Effect.gen(function*() {
      const { cwd } = yield* makeUser()
      const file = Path.join(cwd, "credentials")
      Fs.writeFileSync(file, encode(dotEnv({ SPOTNANA_CLIENT_ID: "client" })), { mode: 0o600 })
      const { provider } = yield* Configuration.read({ credentialsFile: Option.some(file) })
      return yield* Config.String("SPOTNANA_CLIENT_ID").parse(provider)
    }).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: {} })),
      Effect.provide(NodeServices.layer),
      Effect.catchTag("Failure", ({ exitCode, message }) => Effect.succeed(`${exitCode}: ${message}`)),
      Effect.map((outcome) => expect(outcome).toMatch(expected))
    ))

  it.live.each([".env", "credentials"])(
    "is warned of where a file %s is open to others",
    (file) =>
      Effect.gen(function*() {
        const { cwd, run, write } = yield* makeUser()
        const shown = file === ".env" ? file : Path.join(cwd, file)
        const args = file === ".env" ? ["token"] : ["token", "--credentials-file", file]
        const content = dotEnv(yield* variables)
        write(file, content, 0o644)
        const { code, stderr } = yield* run(args)
        expect({ code, stderr }).toEqual({
          code: 0,
          stderr: `warning: ${shown} can be read by others. Correct it: chmod go= ${shown}\n`
        })
        write(file, content, 0o600)
        expect(yield* run(args)).toMatchObject({ code: 0, stderr: "" })
      }).pipe(Effect.provide(Spotnana))
  )

  it.live("that lacks the credentials says which variables, and how to set them", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const howTo =
        "Set the missing variables in the environment, in a file .env in this directory, or in a file that " +
        "--credentials-file names, one NAME=value per line.\n"
      expect(yield* run(["token"])).toEqual({
        code: 2,
        stdout: "",
        stderr: "error: SPOTNANA_CLIENT_ID is not set; expected the client id of a Spotnana API user. " +
          `SPOTNANA_CLIENT_SECRET is not set; expected the client secret of a Spotnana API user\n${howTo}`
      })
      expect(yield* run(["token"], { env: { SPOTNANA_CLIENT_ID: "id" } })).toMatchObject({
        code: 2,
        stderr: "error: SPOTNANA_CLIENT_SECRET is not set; expected the client secret of a Spotnana API user\n" + howTo
      })
    }))

  it.live.each<readonly [string, Readonly<Record<string, string>>, RegExp]>([
    [
      "SPOTNANA_ENVIRONMENT",
      { SPOTNANA_ENVIRONMENT: "test" },
      /SPOTNANA_ENVIRONMENT must be exactly production or sandbox/
    ],
    ["SPOTNANA_BASE_URL", { SPOTNANA_BASE_URL: "http://api.example" }, /SPOTNANA_BASE_URL cannot be used/],
    [
      "SPOTNANA_CLIENT_SECRET",
      { SPOTNANA_CLIENT_SECRET: `${clientSecret}\n` },
      /ends with a space, line break or quote/
    ],
    [
      "SPOTNANA_CLIENT_SECRET",
      { SPOTNANA_CLIENT_SECRET: `"${clientSecret}"` },
      /a space, line break or quote\ndocker run --env-file keeps quotes/
    ]
  ])("with a mistake in %s says what was expected, and no secret", ([, mistake, expected]) =>
    Effect.gen(function*() {
      const { run } = yield* makeUser({
        SPOTNANA_CLIENT_ID: clientId,
        SPOTNANA_CLIENT_SECRET: clientSecret,
        ...mistake
      })
      const { code, stderr, stdout } = yield* run(["token"])
      expect({ code, stdout: stdout }).toEqual({ code: 2, stdout: "" })
      expect(stderr).toMatch(expected)
      expect(stderr).not.toContain(clientSecret)
    }))

  it.live("cannot be a file that is not there", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const { code, stderr } = yield* run(["token", "--credentials-file", "none"])
      expect(code).toBe(2)
      expect(stderr).toMatch(/^error: .*none/)
    }))
})

describe("the command line", () => {
  /** Each flag and argument that takes a value. */
  const takers = (command: Completions.CommandDescriptor, path: string): ReadonlyArray<string> => [
    ...command.flags.filter(({ type }) => type._tag !== "Boolean").map(({ name }) => `${path} --${name}`),
    ...command.arguments.map(({ name }) => `${path} <${name}>`),
    ...command.subcommands.flatMap((subcommand) => takers(subcommand, `${path} ${subcommand.name}`.trim()))
  ]

  // Whoever adds one decides here that what it takes may be read by every user of the machine.
  it("takes no secret: none of the flags and arguments with a value is for one", () => {
    expect(takers(Completions.fromCommand(root), "")).toEqual([
      "token --credentials-file",
      "token --subject-token-file",
      "token --subject-token-type",
      "token --min-lifetime",
      "request --credentials-file",
      "request --subject-token-file",
      "request --subject-token-type",
      "request --data",
      "request --header",
      "request --max-time",
      "request <method>",
      "request <path>",
      "doctor --credentials-file",
      "doctor --call",
      "watch --credentials-file",
      "proxy --credentials-file",
      "proxy --address",
      "proxy --port",
      "proxy --allow-host",
      "proxy --timeout",
      "mock --port",
      "mock --client-id",
      "mock --user",
      "mock --write-credentials",
      "mock --token-lifetime",
      "mock --token-latency",
      "mock --api-latency",
      "mock --expires-in",
      "mock --refusal",
      "mock --fault",
      "mock --revoke-every",
      "api-users list --credentials-file",
      "api-users create --credentials-file",
      "api-users create --role",
      "api-users create --tmc-id",
      "api-users create --org-id",
      "api-users create --write-file",
      "api-users rotate --credentials-file",
      "api-users rotate --switch-command",
      "api-users rotate --write-file",
      "api-users rotate --drain",
      "api-users rotate --tmc-id",
      "api-users rotate --org-id",
      "api-users revoke --credentials-file",
      "api-users revoke <client-id>",
      "keys list --credentials-file",
      "keys list --company-id",
      "keys list --status",
      "keys generate --write-file",
      "keys generate --bits",
      "keys add --credentials-file",
      "keys add --company-id",
      "keys add --kid",
      "keys add <file>",
      "keys revoke --credentials-file",
      "keys revoke --company-id",
      "keys revoke <kid>",
      "webhook verify --credentials-file",
      "webhook verify --header",
      "webhook verify --headers-file",
      "webhook verify --tolerance",
      "webhook verify <file>",
      "webhook send --credentials-file",
      "webhook send --data",
      "webhook send --id",
      "webhook send --wrong",
      "webhook send --age",
      "webhook send --ahead",
      "webhook send --attempts",
      "webhook send --duplicates",
      "webhook send --max-time",
      "webhook send <url>"
    ])
  })

  it.live("takes no bearer as a header, and does not repeat it", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* makeUser(yield* variables)
      for (const header of ["Authorization: Bearer c4n4ry", "authorization:c4n4ry", "c4n4ry", "X-c4n4ry: a\nb"]) {
        const { code, stderr } = yield* run(["request", "GET", "/v2/companies", "--header", header])
        expect(code).toBe(2)
        expect(stderr).toMatch(/^error: --header cannot be used: /)
        expect(stderr).not.toContain("c4n4ry")
      }
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(Spotnana)))
})
