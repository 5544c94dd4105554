import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { parseType } from "../src/userSession.ts"
import { clientSecret, configuredUser, Spotnana } from "./support/cli.ts"

const subjectToken = "c4n4ry.subject-t0ken"

/** A user of this machine, and a user of Spotnana whose token is in a file. */
const subjects = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const user = yield* configuredUser
  yield* mock.addUser(subjectToken, "ada@acme.example")
  user.write("ada.token", `${subjectToken}\n`)
  return { mock, user, asAda: ["--subject-token-file", user.file("ada.token")] }
})

const lastForm = Effect.map(
  MockSpotnana.MockSpotnana.use((mock) => mock.ledger),
  (ledger) => {
    const form = ledger.filter(({ endpoint }) => endpoint === "token").at(-1)
    return new URLSearchParams(form && Redacted.value(form.body))
  }
)

describe("the token of a user", () => {
  it.live("is exchanged for that in a file, at each run, and kept nowhere", () =>
    Effect.gen(function*() {
      const { asAda, mock, user } = yield* subjects
      const first = yield* user.run(["token", ...asAda])
      const second = yield* user.run(["token", ...asAda, "--json"])
      const ledger = yield* mock.ledger
      const tokens = ledger.map(({ token }) => token && Redacted.value(token))
      expect(ledger.map(({ endpoint, user }) => [endpoint, user])).toEqual(
        Array(2).fill(["token", "ada@acme.example"])
      )
      expect(first).toEqual({ code: 0, stderr: "", stdout: `${tokens[0]}\n` })
      expect(JSON.parse(second.stdout)).toEqual({
        access_token: tokens[1],
        token_type: "Bearer",
        expires_in: expect.any(Number),
        expires_at: expect.any(String),
        scope: "openid",
        refresh_token: expect.stringMatching(/./)
      })
      expect((yield* lastForm).get("subject_token_type")).toBe("urn:ietf:params:oauth:token-type:access_token")
      expect(user.list("../.local")).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("is read from stdin, with the type that is named", () =>
    Effect.gen(function*() {
      const { user } = yield* subjects
      const args = ["token", "--subject-token-file", "-", "--subject-token-type", "jwt"]
      expect(yield* user.run(args, { stdin: subjectToken })).toMatchObject({ code: 0, stderr: "" })
      expect((yield* lastForm).get("subject_token_type")).toBe("urn:ietf:params:oauth:token-type:jwt")
    }).pipe(Effect.provide(Spotnana)))

  it.live("makes a request for the user, to the configured address only", () =>
    Effect.gen(function*() {
      const { asAda, mock, user } = yield* subjects
      const request = ["request", "GET", "/v2/companies?limit=1", ...asAda]
      const { code, stdout } = yield* user.run(request)
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ length: 1 })
      expect((yield* mock.ledger).at(-1)).toMatchObject({ endpoint: "api", user: "ada@acme.example" })
      yield* mock.clearLedger
      const elsewhere = yield* user.run(["request", "GET", "https://elsewhere.example/", ...asAda])
      expect(elsewhere.code).toBe(2)
      expect(elsewhere.stderr).toContain("the address that the credentials are for. Nothing was sent.")
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("that is refused ends with 8, wrong credentials with 6, and neither is printed", () =>
    Effect.gen(function*() {
      const { asAda, mock, user } = yield* subjects
      yield* mock.removeUser("ada@acme.example")
      for (const command of [["token"], ["request", "GET", "/v2/companies"]]) {
        const { code, stderr, stdout } = yield* user.run([...command, ...asAda])
        expect({ code, stdout }).toEqual({ code: 8, stdout: "" })
        expect(stderr).toMatch(
          /^error: The token in .*ada\.token was refused\. [^]* or check the --subject-token-type\.\ndebugIdentifier: mock-debug-\d+\n$/
        )
        expect(stderr).not.toContain(subjectToken)
      }
      const wrong = yield* user.run(["token", ...asAda], { env: { SPOTNANA_CLIENT_SECRET: "c4n4ry" } })
      expect(wrong.code).toBe(6)
      // A server that repeats what it was sent.
      const echo = { error: "invalid_grant", error_description: `${subjectToken} ${clientSecret}` }
      yield* mock.inject("token", Fault.status(400, { body: echo }), { times: Infinity })
      const echoed = yield* user.run(["token", ...asAda])
      expect(echoed.code).toBe(8)
      for (const secret of [subjectToken, clientSecret]) expect(echoed.stderr).not.toContain(secret)
    }).pipe(Effect.provide(Spotnana)))

  it.live("is not printed to a terminal without --print", () =>
    Effect.gen(function*() {
      const { asAda, mock, user } = yield* subjects
      const { code, stdout } = yield* user.run(["token", ...asAda], { isTerminal: true })
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("is said to be missing, and nothing is sent", () =>
    Effect.gen(function*() {
      const { asAda, mock, user } = yield* subjects
      user.write("empty", "\n")
      user.write("two", "c4n4ry one\nc4n4ry two\n")
      const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["--subject-token-type", "jwt"], "name its file with --subject-token-file"],
        [[...asAda, "--subject-token-type", "saml"], "expected access_token, jwt, or a URN"],
        [["--subject-token-file", user.file("none")], "none cannot be read: ENOENT"],
        [["--subject-token-file", user.file("empty")], "empty has no token"],
        [["--subject-token-file", user.file("two")], "two has no token"]
      ]
      for (const [args, expected] of mistakes) {
        const { code, stderr, stdout } = yield* user.run(["token", ...args])
        expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
        expect(stderr).toContain(expected)
        expect(stderr).not.toContain("c4n4ry")
      }
      const both = yield* user.run(["request", "POST", "/v2/echo", "--data", "-", "--subject-token-file", "-"])
      expect(both.code).toBe(2)
      expect(both.stderr).toContain("name a file for one of them")
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(Spotnana)))
})

describe("--subject-token-type", () => {
  it("is a short name or a URN", () => {
    expect(
      ["access_token", "jwt", "urn:ietf:params:oauth:token-type:id_token", "id_token", "urn: x"].map((text) =>
        Option.getOrUndefined(parseType(text))
      )
    ).toEqual([
      "urn:ietf:params:oauth:token-type:access_token",
      "urn:ietf:params:oauth:token-type:jwt",
      "urn:ietf:params:oauth:token-type:id_token",
      undefined,
      undefined
    ])
  })
})
