import { Environment } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { addressOf } from "../src/apiUsers/shown.ts"
import { clientId, clientSecret, configuredUser, Spotnana, variables } from "./support/cli.ts"

const subjects = Effect.all({ mock: MockSpotnana.MockSpotnana, user: configuredUser })

/** The calls of the API users, and how they were answered. */
const calls = Effect.map(
  MockSpotnana.MockSpotnana.use((mock) => mock.ledger),
  (ledger) =>
    ledger.filter(({ path }) => path.startsWith("/v2/api-users")).map(({ method, path, status }) =>
      `${method} ${path} ${status}`
    )
)

const mode = (file: string) => Fs.statSync(file).mode & 0o777

describe("api-users", () => {
  it.live("lists the client ids, one a line, and which is its own as JSON", () =>
    Effect.gen(function*() {
      const { mock, user: { run } } = yield* subjects
      yield* mock.addClient("other")
      const plain = yield* run(["api-users", "list"])
      expect(plain).toEqual({ code: 0, stderr: "", stdout: `${clientId}\nother\n` })
      const json = yield* run(["api-users", "list", "--json"])
      expect(JSON.parse(json.stdout)).toEqual({
        apiUsers: [{ clientId, isOwn: true }, { clientId: "other", isOwn: false }]
      })
    }).pipe(Effect.provide(Spotnana)))

  it.live("creates a user into a file that this user alone can read, and that opens the API", () =>
    Effect.gen(function*() {
      const { user: { cwd, run } } = yield* subjects
      const { SPOTNANA_BASE_URL } = yield* variables
      const { code, stderr, stdout } = yield* run(["api-users", "create", "--write-file", "next.env"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      const id = stdout.trim()
      const content = Fs.readFileSync(Path.join(cwd, "next.env"), "utf8")
      expect(content).toMatch(
        new RegExp(
          `^SPOTNANA_BASE_URL='${SPOTNANA_BASE_URL}'\nSPOTNANA_CLIENT_ID='${id}'\nSPOTNANA_CLIENT_SECRET='mock-secret-.*'\n$`
        )
      )
      expect(mode(Path.join(cwd, "next.env"))).toBe(0o600)
      const asNext = ["--credentials-file", "next.env"]
      expect(yield* run(["api-users", "list", ...asNext])).toMatchObject({ code: 0, stderr: "" })
      const revoked = yield* run(["api-users", "revoke", id])
      expect(revoked).toMatchObject({ code: 0, stderr: `${id} is revoked\n` })
      expect(yield* run(["token", "--no-store", ...asNext])).toMatchObject({ code: 6 })
    }).pipe(Effect.provide(Spotnana)))

  it.live("writes where the user was created too, so that the file alone is enough for the next command", () =>
    Effect.gen(function*() {
      const { user: { read, run, write } } = yield* subjects
      const { SPOTNANA_BASE_URL } = yield* variables
      const bare = { SPOTNANA_CLIENT_ID: undefined, SPOTNANA_CLIENT_SECRET: undefined, SPOTNANA_BASE_URL: undefined }
      write(
        "mock.env",
        `SPOTNANA_ENVIRONMENT=sandbox\nSPOTNANA_BASE_URL=${SPOTNANA_BASE_URL}/\nSPOTNANA_CLIENT_ID=${clientId}\n` +
          `SPOTNANA_CLIENT_SECRET='${clientSecret}'\n`
      )
      const asAdministrator = ["--credentials-file", "mock.env"]
      const create = ["api-users", "create", ...asAdministrator]
      expect(yield* run([...create, "--write-file", "next.env"], { env: bare })).toMatchObject({ code: 0 })
      expect(read("next.env")).toMatch(
        `SPOTNANA_ENVIRONMENT='sandbox'\nSPOTNANA_BASE_URL='${SPOTNANA_BASE_URL}'\nSPOTNANA_CLIENT_ID=`
      )
      expect(yield* run(["doctor", "--credentials-file", "next.env"], { env: bare })).toMatchObject({ code: 0 })
      expect(yield* run([...create, "--scim", "--write-file", "scim.env"], { env: bare })).toMatchObject({ code: 0 })
      expect(read("scim.env")).toMatch(`SPOTNANA_BASE_URL='${SPOTNANA_BASE_URL}'\n# The SCIM API user`)
      const rotate = ["api-users", "rotate", ...asAdministrator, "--write-file", "new.env", "--drain", "0s"]
      expect(yield* run(rotate, { env: bare })).toMatchObject({ code: 0 })
      expect(yield* run(["doctor", "--credentials-file", "new.env"], { env: bare })).toMatchObject({ code: 0 })
    }).pipe(Effect.provide(Spotnana)))

  it("writes no address of production, and only the name of the sandbox", () => {
    expect(addressOf(Environment.production)).toEqual([])
    expect(addressOf(Environment.sandbox)).toEqual(["SPOTNANA_ENVIRONMENT='sandbox'"])
  })

  it.live("prints what was created where stdout is no terminal, as variables or as JSON", () =>
    Effect.gen(function*() {
      const { mock, user: { run } } = yield* subjects
      yield* mock.configure({ apiUserQuota: 10 })
      const plain = yield* run(["api-users", "create", "--role", "COMPANY_ADMIN", "--org-id", "org"])
      expect(plain.stdout).toMatch(/^SPOTNANA_BASE_URL='.*'\nSPOTNANA_CLIENT_ID='.*'\nSPOTNANA_CLIENT_SECRET='.*'\n$/)
      const json = JSON.parse((yield* run(["api-users", "create", "--json"])).stdout) as object
      expect(Object.keys(json)).toEqual(["clientId", "clientSecret"])
      const scim = yield* run(["api-users", "create", "--scim"])
      expect(scim.stdout).toMatch(
        /^SPOTNANA_BASE_URL='.*'\n# The SCIM API user mock-scim-\d+\nSPOTNANA_SCIM_TOKEN='.*'\n$/
      )
      const scimJson = JSON.parse((yield* run(["api-users", "create", "--scim", "--json"])).stdout) as object
      expect(Object.keys(scimJson)).toEqual(["clientId", "scimToken"])
      const bodies = (yield* mock.ledger).filter(({ path }) => path === "/v2/api-users").map(({ body }) =>
        JSON.parse(Redacted.value(body)) as unknown
      )
      const kind = { credentialType: "SCIM_TOKEN", role: "COMPANY_ADMIN" }
      expect(bodies).toEqual([{ role: "COMPANY_ADMIN", orgId: "org" }, {}, kind, kind])
    }).pipe(Effect.provide(Spotnana)))

  it.live("creates nobody where there is no place for the secret", () =>
    Effect.gen(function*() {
      const { user: { cwd, run, write } } = yield* subjects
      write("there.env", "mine\n")
      const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["--write-file", "there.env"], "there.env already exists. Name another file."],
        [["--write-file", "nowhere/next.env"], "nowhere/next.env"],
        [["--scim", "--role", "TMC_ADMIN"], "An API user for SCIM is a COMPANY_ADMIN"]
      ]
      for (const [args, expected] of mistakes) {
        const { code, stderr, stdout } = yield* run(["api-users", "create", ...args])
        expect({ code, stdout: stdout }).toEqual({ code: 2, stdout: "" })
        expect(stderr).toContain(expected)
      }
      expect(Fs.readFileSync(Path.join(cwd, "there.env"), "utf8")).toBe("mine\n")
      expect(yield* calls).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("prints no secret to a terminal without --print", () =>
    Effect.gen(function*() {
      const { user: { run } } = yield* subjects
      const refused = yield* run(["api-users", "create"], { isTerminal: true })
      expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--write-file") })
      expect(yield* calls).toEqual([])
      const printed = yield* run(["api-users", "create", "--print"], { isTerminal: true })
      expect(printed.stdout).toContain("SPOTNANA_CLIENT_SECRET='mock-secret-")
    }).pipe(Effect.provide(Spotnana)))

  it.live("leaves no file where nobody was created, and says why with an exit code", () =>
    Effect.gen(function*() {
      const { mock, user: { cwd, run } } = yield* subjects
      const create = ["api-users", "create", "--write-file", "next.env"]
      yield* mock.configure({ apiUserQuota: 1 })
      const full = yield* run(create)
      expect(full.code).toBe(4)
      expect(full.stderr).toMatch(
        /^error: POST \/v2\/api-users answered 409 \(.*\)\.\ndebugIdentifier: mock-debug-\d+\n$/
      )
      for (const [status, code] of [[307, 3], [503, 5], [200, 7]] as const) {
        const headers = { location: "https://elsewhere.example/" }
        yield* mock.inject("api", Fault.status(status, { headers }))
        expect(yield* run(create)).toMatchObject({ code })
      }
      expect(Fs.readdirSync(cwd)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("revokes nobody who is not there, and itself only with --own", () =>
    Effect.gen(function*() {
      const { user: { run } } = yield* subjects
      const unknown = yield* run(["api-users", "revoke", "nobody"])
      expect(unknown.code).toBe(4)
      expect(unknown.stderr).toContain("answered 404")
      const own = yield* run(["api-users", "revoke", clientId])
      expect(own.code).toBe(2)
      expect(own.stderr).toContain("If you want that, add --own. Nothing was sent.")
      expect(yield* calls).toEqual(["POST /v2/api-users/revoke 404"])
      const meant = yield* run(["api-users", "revoke", clientId, "--own", "--json"])
      expect(JSON.parse(meant.stdout)).toEqual({ clientId, revoked: true })
    }).pipe(Effect.provide(Spotnana)))

  it.live("holds neither secret nor token in what it prints, but the one that is created", () =>
    Effect.gen(function*() {
      const { mock, user: { cwd, run } } = yield* subjects
      const ended = [
        yield* run(["api-users", "list", "--log-level", "all"]),
        yield* run(["api-users", "create", "--write-file", "next.env", "--log-level", "all"]),
        yield* run(["api-users", "revoke", "nobody", "--log-level", "all"])
      ]
      const said = ended.map(({ stderr, stdout }) => `${stdout}${stderr}`).join("\n")
      const tokens = (yield* mock.ledger).flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
      const [, created = ""] = /SECRET='(.*)'/.exec(Fs.readFileSync(Path.join(cwd, "next.env"), "utf8")) ?? []
      expect(created).not.toBe("")
      for (const secret of [clientSecret, created, ...tokens]) expect(said).not.toContain(secret)
    }).pipe(Effect.provide(Spotnana)))
})

describe("a secret in a file", () => {
  it.live("that SPOTNANA_CLIENT_SECRET_FILE names in the environment or in --credentials-file is used", () =>
    Effect.gen(function*() {
      const { user: { run, write } } = yield* subjects
      write("secret", `${clientSecret}\n`)
      const { SPOTNANA_BASE_URL } = yield* variables
      const env = { SPOTNANA_CLIENT_SECRET: undefined, SPOTNANA_CLIENT_SECRET_FILE: "secret" }
      expect(yield* run(["token", "--no-store"], { env })).toMatchObject({ code: 0, stderr: "" })
      expect(yield* run(["doctor"], { env })).toMatchObject({ code: 0, stderr: "" })
      write(
        "named.env",
        `SPOTNANA_CLIENT_ID=${clientId}\nSPOTNANA_BASE_URL=${SPOTNANA_BASE_URL}\nSPOTNANA_CLIENT_SECRET_FILE=secret\n`
      )
      const named = ["token", "--no-store", "--credentials-file", "named.env"]
      const bare = { SPOTNANA_CLIENT_ID: undefined, SPOTNANA_CLIENT_SECRET: undefined, SPOTNANA_BASE_URL: undefined }
      expect(yield* run(named, { env: bare })).toMatchObject({ code: 0, stderr: "" })
      // Without a final line break, and with the plain variable in a file .env that comes after the environment.
      write("secret", clientSecret)
      write(".env", "SPOTNANA_CLIENT_SECRET=wrong\n")
      expect(yield* run(["token", "--no-store"], { env })).toMatchObject({ code: 0, stderr: "" })
    }).pipe(Effect.provide(Spotnana)))

  it.live("that a file .env names is not read, nor sent to where the same file says", () =>
    Effect.gen(function*() {
      const { mock, user: { run, write } } = yield* subjects
      const { SPOTNANA_BASE_URL } = yield* variables
      write("private", "c4n4ry")
      write(
        ".env",
        `SPOTNANA_CLIENT_ID=${clientId}\nSPOTNANA_BASE_URL=${SPOTNANA_BASE_URL}\nSPOTNANA_CLIENT_SECRET_FILE=private\n`
      )
      const bare = { SPOTNANA_CLIENT_ID: undefined, SPOTNANA_CLIENT_SECRET: undefined, SPOTNANA_BASE_URL: undefined }
      for (const command of [["token"], ["request", "GET", "/v2/companies"], ["api-users", "list"]]) {
        const { code, stderr } = yield* run(command, { env: bare })
        expect(code).toBe(2)
        expect(stderr).toContain("SPOTNANA_CLIENT_SECRET is not set")
      }
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("is the environment's own secret: a file .env does not decide where it is sent", () =>
    Effect.gen(function*() {
      const { mock, user: { run, write } } = yield* subjects
      const { SPOTNANA_BASE_URL } = yield* variables
      write("secret", clientSecret)
      write(".env", `SPOTNANA_BASE_URL=${SPOTNANA_BASE_URL}\n`)
      const env = {
        SPOTNANA_BASE_URL: undefined,
        SPOTNANA_CLIENT_SECRET: undefined,
        SPOTNANA_CLIENT_SECRET_FILE: "secret"
      }
      const { code, stderr } = yield* run(["token"], { env })
      expect(code).toBe(2)
      expect(stderr).toContain("The client secret is in the environment")
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("that cannot be read, or that is named beside the secret, is told of without either", () =>
    Effect.gen(function*() {
      const { user: { run } } = yield* subjects
      for (
        const [env, expected] of [
          [{ SPOTNANA_CLIENT_SECRET: undefined, SPOTNANA_CLIENT_SECRET_FILE: "c4n4ry" }, "cannot be read (NotFound)"],
          [{ SPOTNANA_CLIENT_SECRET: "c4n4ry", SPOTNANA_CLIENT_SECRET_FILE: "c4n4ry" }, "are both set"]
        ] as const
      ) {
        const { code, stderr } = yield* run(["token"], { env })
        expect(code).toBe(2)
        expect(stderr).toMatch(/^error: SPOTNANA_CLIENT_SECRET_FILE /)
        expect(stderr).toContain(expected)
        expect(stderr).not.toContain("c4n4ry")
      }
    }).pipe(Effect.provide(Spotnana)))
})
