import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it, vi } from "@effect/vitest"
import { Deferred, Effect, Fiber, Redacted } from "effect"
import * as Fs from "node:fs"
import { clientId, clientSecret, configuredUser, Spotnana, variables } from "./support/cli.ts"

const subjects = Effect.all({ mock: MockSpotnana.MockSpotnana, user: configuredUser })

const records = "../.local/state/spotnana-auth/rotations"

/** What was created and revoked, and how that was answered. */
const calls = Effect.map(
  MockSpotnana.MockSpotnana.use((mock) => mock.ledger),
  (ledger) =>
    ledger.flatMap(({ method, path, status }) =>
      path.startsWith("/v2/api-users") && method === "POST" ? [`${path.slice("/v2/api-users".length)} ${status}`] : []
    )
)

const app = `# mine\nSPOTNANA_CLIENT_ID=${clientId}\nOTHER="1" # kept\nSPOTNANA_CLIENT_SECRET='${clientSecret}'\n`

const now = ["--drain", "0s"]

/** Runs a rotation up to a note, and has it interrupted then. */
const interruptedAt = (
  run: Effect.Success<typeof configuredUser>["run"],
  args: ReadonlyArray<string>,
  note: RegExp,
  then: Effect.Effect<void> = Effect.void
) =>
  Effect.gen(function*() {
    const reached = yield* Deferred.make<void>()
    let said = ""
    const onNote = (stderr: string) =>
      Effect.suspend(() => {
        said = stderr
        return note.test(stderr) ? Effect.andThen(then, Deferred.succeed(reached, undefined)) : Effect.void
      })
    const fiber = yield* Effect.forkChild(run(["api-users", "rotate", ...args], { onNote }))
    yield* Deferred.await(reached)
    return { interrupted: Fiber.interrupt(fiber), said: () => said }
  })

/** Every secret and token that the mock has handed out. */
const secrets = Effect.map(MockSpotnana.MockSpotnana.use((mock) => mock.ledger), (ledger) => [
  clientSecret,
  ...ledger.flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
])

describe("api-users rotate", () => {
  it.live("replaces the credentials in a file, where the other lines stay, and revokes the old user", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      user.write("app.env", app, 0o644)
      const { code, stderr, stdout } = yield* user.run([
        "api-users",
        "rotate",
        "--write-file",
        user.file("app.env"),
        ...now
      ])
      const id = stdout.trim()
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(
          new RegExp(
            `^The new API user ${id} is created.\n${id} is in use. ${clientId} will be revoked at .*\n${clientId} is revoked\n$`
          )
        )
      })
      const [, secret = ""] = /SECRET='(mock-secret-.*)'/.exec(user.read("app.env")) ?? []
      expect(user.read("app.env")).toBe(
        `# mine\nSPOTNANA_CLIENT_ID='${id}'\nOTHER="1" # kept\nSPOTNANA_CLIENT_SECRET='${secret}'\n`
      )
      expect(user.mode("app.env")).toBe(0o600)
      expect(user.list(records)).toEqual([])
      expect(yield* calls).toEqual([" 200", "/revoke 204"])
      const asNext = yield* user.run(["api-users", "list", "--credentials-file", user.file("app.env")])
      expect(asNext).toMatchObject({ code: 0, stdout: `${id}\n` })
    }).pipe(Effect.provide(Spotnana)))

  it.live("hands the credentials to a command in its environment, and shows what it prints without the secret", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      const command = `printf %s "$SPOTNANA_NEW_CLIENT_SECRET" >'${user.file("secret")}'; ` +
        "echo \"stored $SPOTNANA_NEW_CLIENT_ID: $SPOTNANA_NEW_CLIENT_SECRET\"; ps -o args= -p $$ $PPID >&2; " +
        "printf %s \"$SPOTNANA_NEW_CLIENT_SECRET\" | base64; printf %s \"$SPOTNANA_NEW_CLIENT_SECRET\" | base64 >&2"
      const rotate = ["api-users", "rotate", "--switch-command", command, "--json", ...now]
      const { code, stderr, stdout } = yield* user.run(rotate)
      const json = JSON.parse(stdout) as { readonly clientId: string }
      expect({ code, json }).toEqual({ code: 0, json: { clientId: json.clientId, revoked: clientId } })
      const secret = user.read("secret")
      expect(secret).toMatch(/^mock-secret-/)
      expect(stderr).toContain(`stored ${json.clientId}: <redacted>`)
      expect(stderr).not.toContain(secret)
      expect(stderr).not.toContain(Buffer.from(secret).toString("base64").slice(0, 20))
    }).pipe(Effect.provide(Spotnana)))

  it.live("neither waits for a program that the command leaves running, nor ends it", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      yield* Effect.addFinalizer(() => Effect.sync(() => process.kill(Number(user.read("pid")))))
      const command = `sleep 60 & echo $! >'${user.file("pid")}'; echo "It runs"`
      const start = Date.now()
      const { code, stderr } = yield* user.run(["api-users", "rotate", "--switch-command", command, ...now])
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("\nIt runs\n") })
      expect(Date.now() - start).toBeLessThan(30_000)
      expect(process.kill(Number(user.read("pid")), 0)).toBe(true)
    }).pipe(Effect.provide(Spotnana)))

  it.live.each<readonly [string, ReadonlyArray<string>, string]>([
    ["no place", [], "Say where the new secret goes"],
    ["two places", ["--write-file", "a", "--switch-command", "true"], "Say where the new secret goes"],
    ["a place to go on with", ["--resume", "--write-file", "a"], "leave out --switch-command"],
    ["the file of another user", ["--write-file", "FILE/other.env"], "has the credentials of another API user, other"],
    [
      "a file that names another",
      ["--write-file", "FILE/named.env"],
      "has SPOTNANA_CLIENT_SECRET_FILE, which names another file"
    ],
    ["a directory that is not there", ["--write-file", "FILE/nowhere/app.env"], "nowhere"],
    ["nothing to go on with", ["--resume"], `There is no rotation of ${clientId}`]
  ])("with %s nobody is created", ([, args, expected]) =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      user.write("other.env", "SPOTNANA_CLIENT_ID=other\nSPOTNANA_CLIENT_SECRET=s\n")
      user.write("named.env", "SPOTNANA_CLIENT_SECRET_FILE=/run/secret\n")
      const { code, stderr } = yield* user.run([
        "api-users",
        "rotate",
        ...args.map((arg) => arg.replace("FILE", user.file("")))
      ])
      expect(code).toBe(2)
      expect(stderr).toContain(expected)
      expect(yield* calls).toEqual([])
      expect(user.list(records)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("revokes the new user again where the command ends with another exit code than 0", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      const { code, stderr, stdout } = yield* user.run(["api-users", "rotate", "--switch-command", "exit 3", ...now])
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
      expect(stderr).toMatch(
        /error: The switch command ended with exit code 3\.\nThe new API user mock-client-\d+ was revoked\. Nothing is changed\.\n$/
      )
      expect(yield* calls).toEqual([" 200", "/revoke 204"])
      expect(user.list(records)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("writes a file although a process with the same number was killed while it did that", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      user.write(`app.env.${process.pid}`, "half of it")
      const rotate = ["api-users", "rotate", "--write-file", user.file("app.env"), ...now]
      expect(yield* user.run(rotate)).toMatchObject({ code: 0 })
      expect(user.list("").filter((name) => name.startsWith("app.env"))).toEqual(["app.env"])
    }).pipe(Effect.provide(Spotnana)))

  // Only root can give a file away.
  it.live.skipIf(process.getuid?.() !== 0)(
    "as root it leaves the file to the user whom it belongs to",
    () =>
      Effect.gen(function*() {
        const { user } = yield* subjects
        user.write("app.env", app, 0o600)
        Fs.chownSync(user.file("app.env"), 12_345, 12_346)
        const rotate = ["api-users", "rotate", "--write-file", user.file("app.env"), ...now]
        expect(yield* user.run(rotate)).toMatchObject({ code: 0 })
        const { gid, uid } = Fs.statSync(user.file("app.env"))
        expect([uid, gid, user.mode("app.env")]).toEqual([12_345, 12_346, 0o600])
      }).pipe(Effect.provide(Spotnana))
  )

  it.live.skipIf(process.getuid?.() !== 0)(
    "refuses the file of another user, who could not read the new one",
    () =>
      Effect.gen(function*() {
        const { user } = yield* subjects
        user.write("app.env", app, 0o666)
        Fs.chownSync(user.file("app.env"), 12_345, 12_346)
        const rotate = ["api-users", "rotate", "--write-file", user.file("app.env"), ...now]
        const geteuid = vi.spyOn(process, "geteuid").mockReturnValue(54_321)
        const { code, stderr } = yield* Effect.ensuring(user.run(rotate), Effect.sync(() => geteuid.mockRestore()))
        expect(code).toBe(2)
        expect(stderr).toContain(
          "app.env belongs to another user (uid 12345), who could not read the new file. Name another file. Nothing was sent."
        )
        expect(yield* calls).toEqual([])
      }).pipe(Effect.provide(Spotnana))
  )

  it.live("revokes the new user again where the file cannot be written", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      Fs.mkdirSync(user.file(`app.env.${process.pid}`))
      const { code, stderr } = yield* user.run(["api-users", "rotate", "--write-file", user.file("app.env"), ...now])
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /app\.env: .*\nThe new API user mock-client-\d+ was revoked\. Nothing is changed\.\n$/
      )
      expect(yield* calls).toEqual([" 200", "/revoke 204"])
      expect(user.list(records)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("keeps both users where the command is killed: nobody knows what it did", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      const rotate = ["api-users", "rotate", "--switch-command", "kill -9 $$", ...now]
      const killed = yield* user.run(rotate)
      expect(killed.code).toBe(1)
      expect(killed.stderr).toMatch(/\nThe switch command did not end by itself\. .*SIGKILL/)
      expect(killed.stderr).toMatch(
        /Both API users work, client and the new mock-client-\d+\. Find out which one is used/
      )
      expect(yield* calls).toEqual([" 200"])
      for (const args of [rotate, ["api-users", "rotate", "--resume"]]) {
        const again = yield* user.run(args)
        expect(again.code).toBe(2)
        expect(again.stderr).toContain("It is not known whether the switch command has stored the new credentials.")
      }
      // By hand: then there is nothing left, and a rotation begins.
      const [, id = ""] = /the new (mock-client-\d+)\./.exec(killed.stderr) ?? []
      yield* user.run(["api-users", "revoke", id])
      expect(yield* user.run(["api-users", "rotate", "--switch-command", "true", ...now])).toMatchObject({ code: 0 })
      expect(user.list(records)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("says with which answer Spotnana refused a further user, and leaves no record", () =>
    Effect.gen(function*() {
      const { mock, user } = yield* subjects
      yield* mock.configure({ apiUserQuota: 1 })
      const { code, stderr } = yield* user.run(["api-users", "rotate", "--switch-command", "true"])
      expect(code).toBe(4)
      expect(stderr).toMatch(
        /No new API user is known; client works as before\.[^]*answered 409[^]*debugIdentifier: mock-debug-\d+/
      )
      expect(user.list(records)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("interrupted before the switch it revokes the new user and says so", () =>
    Effect.gen(function*() {
      const { mock, user } = yield* subjects
      const { interrupted, said } = yield* interruptedAt(
        user.run,
        ["--switch-command", "true"],
        /is created/,
        // The new user's own token request.
        mock.inject("token", Fault.hang, { times: Infinity })
      )
      yield* interrupted
      expect(yield* calls).toEqual([" 200", "/revoke 204"])
      expect(said()).toContain("The rotation was stopped. Nothing is changed.")
      expect(user.list(records)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("interrupted after the switch it names both users, and goes on later from the record", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      const file = user.file("app.env")
      const { interrupted, said } = yield* interruptedAt(user.run, ["--write-file", file], /is in use/)
      yield* interrupted
      const [, id = ""] = /the new (mock-client-\d+) is in use, and client is to be revoked at 20/.exec(said()) ?? []
      expect(id).not.toBe("")
      const [name = ""] = user.list(records)
      expect(user.mode(`${records}/${name}`)).toBe(0o600)
      for (const secret of [clientSecret, /SECRET='(.*)'/.exec(user.read("app.env"))?.[1] ?? ""]) {
        expect(user.read(`${records}/${name}`)).not.toContain(secret)
      }
      const again = yield* user.run(["api-users", "rotate", "--write-file", file])
      expect(again.code).toBe(2)
      expect(again.stderr).toContain("To continue: spotnana-auth api-users rotate --resume")
      // As the old user, whose credentials the environment still has.
      const resumed = yield* user.run(["api-users", "rotate", "--resume", "--json", ...now])
      expect({ code: resumed.code, stdout: resumed.stdout }).toEqual({
        code: 0,
        stdout: `{"clientId":"${id}","revoked":"${clientId}"}\n`
      })
      expect(user.list(records)).toEqual([])
      expect(yield* calls).toEqual([" 200", "/revoke 204"])
    }).pipe(Effect.provide(Spotnana)))
})

/** A rotation as it was left by a process that is not there any more. */
const left = (rotation: { readonly step: string; readonly [field: string]: unknown }) =>
  Effect.gen(function*() {
    const { mock, user } = yield* subjects
    const { SPOTNANA_BASE_URL: baseUrl } = yield* variables
    yield* mock.addClient("new", "new secret")
    Fs.mkdirSync(user.file(records), { recursive: true })
    const startedAt = "2026-11-29T12:00:00.000Z"
    const record = { baseUrl, clientId, newClientId: "new", known: [clientId], startedAt, ...rotation }
    user.write(`${records}/0.json`, JSON.stringify(record))
    return user
  })

describe("api-users rotate --resume", () => {
  it.live.each<readonly [string, object, number, string, ReadonlyArray<string>]>([
    ["nobody has the new secret", { step: "Created" }, 1, "is lost, so the user was revoked", ["/revoke 204"]],
    [
      "the new user is in use and the time is over",
      { step: "Switched", revokeAt: 1 },
      0,
      "client is revoked\n",
      ["/revoke 204"]
    ],
    [
      "nobody knows whether one was created",
      { step: "Creating", newClientId: undefined },
      2,
      "New since then: new.",
      []
    ],
    [
      "the file has nobody's credentials",
      { step: "Switching", file: "/nowhere" },
      2,
      "/nowhere has no credentials.",
      []
    ],
    ["the new user was revoked", { step: "Switched", newClientId: "gone" }, 1, "client works as before", []]
  ])("where %s", ([, rotation, exitCode, expected, made]) =>
    Effect.gen(function*() {
      const user = yield* left(rotation as { readonly step: string })
      const { code, stderr } = yield* user.run(["api-users", "rotate", "--resume"])
      expect(stderr).toContain(expected)
      expect(code).toBe(exitCode)
      expect(yield* calls).toEqual(made)
      expect(user.list(records)).toEqual(code === 2 ? ["0.json"] : [])
    }).pipe(Effect.provide(Spotnana)))

  it.live("and another rotation wait for the process that is at it", () =>
    Effect.gen(function*() {
      const user = yield* left({ step: "Created", pid: process.ppid })
      for (const args of [["--resume"], ["--switch-command", "true"]]) {
        const { code, stderr } = yield* user.run(["api-users", "rotate", ...args])
        expect(code).toBe(2)
        expect(stderr).toContain(
          `process ${process.ppid} is running it. If that process is now another program, remove "pid" from `
        )
      }
      expect(yield* calls).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("does not revoke the old user where somebody has revoked the new one meanwhile", () =>
    Effect.gen(function*() {
      const user = yield* left({ step: "Switched" })
      let isRevoked = false
      const onNote = () =>
        Effect.suspend(() => {
          if (isRevoked) return Effect.void
          isRevoked = true
          return user.run(["api-users", "revoke", "new"])
        })
      const { code, stderr } = yield* user.run(["api-users", "rotate", "--resume", ...now], { onNote })
      expect(code).toBe(1)
      expect(stderr).toContain("client works as before")
      expect(yield* calls).toEqual(["/revoke 204"])
      expect((yield* user.run(["api-users", "list"])).stdout).toBe(`${clientId}\n`)
      expect(user.list(records)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("is done as the new user too, whose credentials the application has by now", () =>
    Effect.gen(function*() {
      const user = yield* left({ step: "Switching" })
      const env = { SPOTNANA_CLIENT_ID: "new", SPOTNANA_CLIENT_SECRET: "new secret" }
      const { code, stdout } = yield* user.run(["api-users", "rotate", "--resume", ...now], { env })
      expect({ code, stdout }).toEqual({ code: 0, stdout: "new\n" })
      expect(yield* calls).toEqual(["/revoke 204"])
    }).pipe(Effect.provide(Spotnana)))

  it.live("refuses what is no record, and a rotation that is complete is forgotten", () =>
    Effect.gen(function*() {
      const user = yield* left({ step: "Switched", clientId: "long gone", newClientId: clientId })
      expect(yield* user.run(["api-users", "rotate", "--switch-command", "true", ...now])).toMatchObject({ code: 0 })
      expect(user.list(records)).toEqual([])
      user.write(`${records}/1.json`, "{}")
      const env = { SPOTNANA_CLIENT_ID: "new", SPOTNANA_CLIENT_SECRET: "new secret" }
      const { code, stderr } = yield* user.run(["api-users", "rotate", "--switch-command", "true"], { env })
      expect(code).toBe(2)
      expect(stderr).toContain("1.json is not a record of a rotation.")
    }).pipe(Effect.provide(Spotnana)))
})

describe("the process of a rotation", () => {
  it.live("that is killed in the middle of the switch leaves what the next one names", () =>
    Effect.gen(function*() {
      const { runProcess } = yield* configuredUser
      const rotate = ["api-users", "rotate", "--switch-command", "kill -9 $PPID", "--log-level", "all"]
      const killed = yield* runProcess(rotate)
      expect(killed.code).toBe("SIGKILL")
      const again = yield* runProcess(rotate)
      expect(again.code).toBe(2)
      expect(again.stderr).toMatch(/Both API users work, client and the new mock-client-\d+\./)
      for (const secret of yield* secrets) expect(killed.stderr + again.stderr).not.toContain(secret)
    }).pipe(Effect.provide(Spotnana)))

  it.live("ends with 130 at Ctrl-C, and names both users", () =>
    Effect.gen(function*() {
      const running = yield* (yield* configuredUser).startProcess(["api-users", "rotate", "--switch-command", "true"])
      yield* running.match(/is in use/)
      expect(yield* running.interrupt).toBe(130)
      expect(running.stderr()).toMatch(
        /Both API users work: the new mock-client-\d+ is in use, and client is to be revoked/
      )
    }).pipe(Effect.provide(Spotnana)))

  it.live("revokes the new user when nobody reads its output any more, and ends with 141", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      const running = yield* user.startProcess(["api-users", "rotate", "--switch-command", "true"])
      // The line that names the new user breaks the pipe.
      running.child.stderr?.destroy()
      expect(yield* running.end).toBe(141)
      expect(yield* calls).toEqual([" 200", "/revoke 204"])
      expect(user.list(records)).toEqual([])
    }).pipe(Effect.provide(Spotnana)))
})
