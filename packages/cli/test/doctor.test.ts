import { Environment } from "@effect-spotnana/core"
import type { AccessToken } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Option, Redacted } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import * as Fs from "node:fs"
import { checkCall } from "../src/doctor/access.ts"
import { makeExamine } from "../src/doctor/check.ts"
import type { Result } from "../src/doctor/check.ts"
import { clientId, clientSecret, configuredUser, deadAddress, makeUser, Spotnana, variables } from "./support/cli.ts"
import type { ProcessOptions, User } from "./support/cli.ts"
import { secured } from "./support/secured.ts"

interface Check {
  readonly name: string
  readonly status: string
  readonly summary: string
  readonly advice?: string
}

const all = ["configuration", "token store", "dns", "connection", "clock", "credentials", "api call"]

/** What the doctor says, once for people and once for programs, which have to be of one mind. */
const diagnose = ({ run }: Pick<User, "run">, args: ReadonlyArray<string> = [], options?: ProcessOptions) =>
  Effect.gen(function*() {
    const [forPrograms, forPeople] = yield* Effect.all([
      run(["doctor", "--json", ...args], options),
      run(["doctor", ...args], options)
    ], { concurrency: 2 })
    const { checks, ok } = JSON.parse(forPrograms.stdout) as { checks: ReadonlyArray<Check>; ok: boolean }
    const text = forPeople.stdout
    expect(forPrograms.code).toBe(ok ? 0 : 1)
    expect(forPeople.code).toBe(forPrograms.code)
    expect(checks.map(({ name }) => name)).toEqual(all)
    for (const { name, status } of checks) expect(text).toMatch(new RegExp(`^${status} +${name} `, "m"))
    for (const { advice } of checks) expect(text).toContain(advice ?? "")
    expect(text + forPeople.stderr + forPrograms.stdout + forPrograms.stderr).not.toContain(clientSecret)
    return {
      ...forPeople,
      status: Object.fromEntries(checks.map(({ name, status }) => [name, status])),
      check: (name: string) => checks.find((check) => check.name === name)!
    }
  })

const ok = Object.fromEntries(all.map((name) => [name, "ok"]))

/** Everything after the one that failed. */
const skippedAfter = (name: string) =>
  Object.fromEntries(all.map((each, index) => [each, index < all.indexOf(name) ? "ok" : "skipped"]))

describe("spotnana-auth doctor", () => {
  it.live("finds nothing where nothing is wrong, and ends with 0", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const user = yield* configuredUser
      const { check, code, status, stderr, stdout } = yield* diagnose(user)
      expect({ code, status, stderr }).toEqual({ code: 0, status: ok, stderr: "" })
      expect(check("configuration").summary).toContain(`client ${clientId} at http://127.0.0.1:`)
      expect(check("configuration").summary).toContain("id and secret from the environment")
      expect(check("token store").summary).toContain(user.state)
      expect(check("api call").summary).toBe("GET /v2/companies?limit=1 answered 200")
      expect(stdout).toMatch(/\n\n0 faults, 0 warnings\n$/)
      // What is kept says nothing of the credentials: each run asks.
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(Spotnana)))

  it.live("says which variable is missing, and skips the rest", () =>
    Effect.gen(function*() {
      const user = yield* makeUser({ SPOTNANA_CLIENT_ID: clientId })
      const { check, status } = yield* diagnose(user)
      expect(status).toEqual({ ...skippedAfter("configuration"), configuration: "fault" })
      expect(check("configuration").summary).toMatch(/^SPOTNANA_CLIENT_SECRET is not set/)
      expect(check("configuration").advice).not.toContain("mock")
      expect(check("configuration").advice).toContain("in a file .env in this directory")
    }))

  it.live.each<readonly [string, Readonly<Record<string, string>>, ReadonlyArray<string>, string, string | undefined]>([
    [
      "a file that is missing",
      {},
      ["--credentials-file", "nofile.env"],
      "nofile.env: there is no such file. If a mock wrote it, the mock has ended: start it again.",
      undefined
    ],
    [
      "an http address",
      { SPOTNANA_BASE_URL: "http://api.spotnana.com" },
      [],
      "http://api.spotnana.com is not HTTPS; expected https:// (http only on localhost, 127.0.0.1 and [::1])",
      undefined
    ],
    [
      "no URL",
      { SPOTNANA_BASE_URL: "api.spotnana.com" },
      [],
      "expected one such as https://api.spotnana.com",
      undefined
    ],
    [
      "a file that cannot be read",
      { SPOTNANA_CLIENT_SECRET: "", SPOTNANA_CLIENT_SECRET_FILE: "none" },
      [],
      "SPOTNANA_CLIENT_SECRET_FILE names a file that cannot be read (NotFound)",
      "Check the path in that variable, and that this user may read the file."
    ],
    [
      "a file .env that says where the secret goes",
      { SPOTNANA_BASE_URL: "" },
      [],
      "If you want that, set SPOTNANA_BASE_URL in the environment",
      undefined
    ]
  ])("says what to do about %s, once", ([, env, args, summary, advice]) =>
    Effect.gen(function*() {
      const user = yield* configuredUser
      user.write(".env", "SPOTNANA_BASE_URL=https://evil.example\n")
      const { check, status } = yield* diagnose(user, args, { env })
      expect(status).toEqual({ ...skippedAfter("configuration"), configuration: "fault" })
      expect(check("configuration").summary).toContain(summary)
      expect(check("configuration").advice).toBe(advice)
    }).pipe(Effect.provide(Spotnana)))

  it.live("says which file a variable is from, and warns where others can read it", () =>
    Effect.gen(function*() {
      const { SPOTNANA_CLIENT_SECRET, ...others } = yield* variables
      const user = yield* makeUser(others)
      user.write(".env", `SPOTNANA_CLIENT_SECRET=${SPOTNANA_CLIENT_SECRET}\n`, 0o644)
      const { check, code, status } = yield* diagnose(user)
      expect(code).toBe(0)
      expect(status).toEqual({ ...ok, configuration: "warning" })
      expect(check("configuration").summary).toContain("id from the environment, secret from .env")
      expect(check("configuration").advice).toBe(".env can be read by others. Correct it: chmod go= .env")
    }).pipe(Effect.provide(Spotnana)))

  it.live("warns where tokens cannot be kept", () =>
    Effect.gen(function*() {
      const user = yield* configuredUser
      Fs.mkdirSync(user.state, { recursive: true })
      Fs.writeFileSync(`${user.state}/tokens`, "")
      const { check, code, status } = yield* diagnose(user)
      expect(code).toBe(0)
      expect(status).toEqual({ ...ok, "token store": "warning" })
      expect(check("token store").summary).toContain("tokens are not stored")
    }).pipe(Effect.provide(Spotnana)))

  it.live("says that a host name has no address", () =>
    Effect.gen(function*() {
      const user = yield* configuredUser
      const { check, status } = yield* diagnose(user, [], {
        env: { SPOTNANA_BASE_URL: "https://api.spotnana.invalid" }
      })
      expect(status).toEqual({ ...skippedAfter("dns"), dns: "fault" })
      expect(check("dns").summary).toMatch(/api\.spotnana\.invalid has no address|no answer within/)
    }).pipe(Effect.provide(Spotnana)))

  it.live("says that nobody listens", () =>
    Effect.gen(function*() {
      const user = yield* configuredUser
      const { check, status } = yield* diagnose(user, [], { env: { SPOTNANA_BASE_URL: yield* deadAddress } })
      expect(status).toEqual({ ...skippedAfter("connection"), connection: "fault" })
      expect(check("connection").summary).toMatch(/^no program listens at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/)
      expect(check("connection").advice).toContain("SPOTNANA_BASE_URL")
    }).pipe(Effect.provide(Spotnana)))

  it.live("says that the server speaks no TLS", () =>
    Effect.gen(function*() {
      const user = yield* configuredUser
      const { SPOTNANA_BASE_URL } = yield* variables
      const { check, status } = yield* diagnose(user, [], {
        env: { SPOTNANA_BASE_URL: SPOTNANA_BASE_URL.replace("http:", "https:") }
      })
      expect(status).toEqual({ ...skippedAfter("connection"), connection: "fault" })
      expect(check("connection").summary).toContain("does not speak TLS")
      expect(check("connection").advice).toBe("For a server on this machine write http:// in SPOTNANA_BASE_URL.")
    }).pipe(Effect.provide(Spotnana)))

  it.live.each([["ahead of", -7_200_000], ["behind", 7_200_000]] as const)(
    "says that the clock is %s the server's, and goes on",
    ([direction, off]) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const user = yield* configuredUser
        const date = new Date(Date.now() + off).toUTCString()
        yield* mock.inject("api", Fault.status(404, { headers: { date } }), { times: Infinity })
        const { check, status } = yield* diagnose(user)
        expect(status).toEqual({ ...ok, clock: "fault", "api call": "fault" })
        expect(check("clock").summary).toMatch(
          new RegExp(`^this machine's clock is (2h.*|1h 59m.*) ${direction} the server's$`)
        )
        expect(check("clock").advice).toContain("Set the clock by NTP")
      }).pipe(Effect.provide(Spotnana))
  )

  it.live.each([[400, "oauth2"], [401, "spotnana"], [403, "oauth2"]] as const)(
    "says that the credentials are refused, by a %d with a body of %s",
    ([status, body]) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        yield* mock.configure({ refusal: { status, body } })
        const user = yield* configuredUser
        const said = yield* diagnose(user, [], { env: { SPOTNANA_CLIENT_SECRET: "wrong" } })
        expect(said.status).toEqual({ ...ok, credentials: "fault", "api call": "skipped" })
        expect(said.check("credentials").summary).toContain(`answered ${status} to client ${clientId}`)
        expect(said.check("credentials").summary).toMatch(/\ndebugIdentifier: ./)
        expect(said.check("credentials").advice).toContain("SPOTNANA_CLIENT_SECRET")
        expect(said.check("credentials").advice).toContain(
          "A mock makes a new secret at each start: read its file again."
        )
        expect(said.check("credentials").advice).not.toContain("production")
      }).pipe(Effect.provide(Spotnana))
  )

  it.live("says that the token endpoint is out of order", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.inject("token", Fault.status(503), { times: Infinity })
      const { check, status } = yield* diagnose(yield* configuredUser)
      expect(status).toEqual({ ...ok, credentials: "fault", "api call": "skipped" })
      expect(check("credentials").advice).toContain("try again later")
    }).pipe(Effect.provide(Spotnana)))

  it.live("says that the API user may not list companies, and takes another call", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const user = yield* configuredUser
      const forbidden = {
        debugIdentifier: "d-403",
        errorMessages: [{ errorCode: "UNAUTHORIZED", message: "Not allowed" }]
      }
      yield* mock.inject("api", Fault.status(403, { body: forbidden }), { times: Infinity })
      const { check, status } = yield* diagnose(user)
      expect(status).toEqual({ ...ok, "api call": "fault" })
      expect(check("api call").summary).toBe(
        "GET /v2/companies answered 403 (UNAUTHORIZED: Not allowed).\ndebugIdentifier: d-403"
      )
      expect(check("api call").advice).toMatch(
        /^The credentials are right, but this API user may not make this call\..*--call/
      )
      yield* mock.clearFaults
      const [id] = MockSpotnana.users
      expect((yield* diagnose(user, ["--call", `/v2/users/${id}`])).status).toEqual(ok)
    }).pipe(Effect.provide(Spotnana)))

  const html = "<!doctype html><html><head><title>Down for\u001b]0;x\u0007maintenance</title></head></html>"

  it.live.each<readonly [string, Fault.Fault, string]>([
    [
      "a page of HTML",
      Fault.status(200, { body: html, headers: { "content-type": "text/html" } }),
      "a page of HTML (Down for ]0;x maintenance)"
    ],
    ["nothing", Fault.status(200, { body: "" }), "no body"],
    [
      "a text",
      Fault.status(200, { body: "busy", headers: { "content-type": "text/plain" } }),
      "a body that is not JSON (text/plain)"
    ],
    ["more than 1 MiB", Fault.status(200, { body: "[".repeat(2 ** 21) }), "more than 1024 KiB"]
  ])("warns where the API answers the call with %s", ([, fault, expected]) =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const user = yield* configuredUser
      yield* mock.inject("api", fault, { times: Infinity })
      const { check, code, status } = yield* diagnose(user)
      expect(code).toBe(0)
      expect(status).toEqual({ ...ok, "api call": "warning" })
      expect(check("api call").summary).toBe(`GET /v2/companies?limit=1 answered 200 with ${expected}`)
      expect(check("api call").advice).toContain("This answer may come from something else")
    }).pipe(Effect.provide(Spotnana)))

  it.effect("does not wait for the end of a body that has none", () =>
    Effect.gen(function*() {
      const token = { value: Redacted.make("t0ken") } as AccessToken.AccessToken
      const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array([0x7b])) })
      const client = HttpClient.make((request) =>
        Effect.succeed(HttpClientResponse.fromWeb(request, new Response(body)))
      )
      const fiber = yield* checkCall(Environment.production, token, "/v2/companies").pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.forkChild
      )
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* TestClock.adjust("3 seconds")
      expect(yield* Fiber.join(fiber)).toMatchObject({
        summary: "GET /v2/companies answered 200 with a body that has no end within 3s",
        warning: expect.stringContaining("This answer may come from something else")
      })
    }))

  it.live.each(["../admin", "/v2/%2E%2e/x", "/v2/.\t./.\n./admin"])(
    "sends nothing for --call %j",
    (call) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const { run } = yield* configuredUser
        const { code, stderr } = yield* run(["doctor", "--call", call])
        expect(code).toBe(2)
        expect(stderr).toContain("could lead out of the configured address. Nothing was sent.")
        expect(yield* mock.ledger).toEqual([])
      }).pipe(Effect.provide(Spotnana))
  )

  it.effect("gives up on whoever says nothing", () =>
    Effect.gen(function*() {
      const results: Array<Result> = []
      const examine = makeExamine((result) => Effect.sync(() => void results.push(result)))
      const fiber = yield* Effect.forkChild(examine("dns", Option.some(0), () => Effect.never))
      yield* TestClock.adjust("9 seconds")
      expect(results).toEqual([])
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toEqual(Option.none())
      expect(results).toMatchObject([{ name: "dns", status: "fault", summary: "no answer within 10 seconds" }])
    }))
})

const day = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * day)

describe("spotnana-auth doctor, of certificates,", () => {
  it.live("trusts one whose issuer is trusted, and says until when it is valid", () =>
    Effect.gen(function*() {
      const { trusted, user } = yield* secured()
      const { check, status } = yield* diagnose({ run: user.runProcess }, [], trusted("localhost"))
      expect(status).toEqual(ok)
      expect(check("connection").summary).toMatch(/^TLSv1\.3, certificate by localhost, valid until \d{4}-\d{2}-\d{2}$/)
    }))

  it.live("says that nobody it trusts has signed one, and who has; no credentials go there", () =>
    Effect.gen(function*() {
      const { at, mock, user } = yield* secured()
      const { check, status } = yield* diagnose(user, [], at("localhost"))
      expect(status).toEqual({ ...skippedAfter("connection"), connection: "fault" })
      expect(check("connection").summary).toContain("is signed by localhost, which this machine does not trust")
      expect(check("connection").advice).toContain("NODE_EXTRA_CA_CERTS")
      expect(yield* mock.ledger).toEqual([])
    }))

  it.live("shows what is written in one on a line, and nothing that a terminal would obey", () =>
    Effect.gen(function*() {
      const { at, user } = yield* secured({ issuer: "Evil\u001b]0;title\u0007\u009b31m" })
      const { check, stdout } = yield* diagnose(user, [], at("localhost"))
      expect(check("connection").summary).toMatch(
        "is signed by Evil ]0;title 31m, which this machine does not trust"
      )
      expect(stdout).toMatch(/^[^\p{Cc}\n]*(?:\n[^\p{Cc}\n]*)*$/u)
    }))

  it.live("says that one is for another host", () =>
    Effect.gen(function*() {
      const { at, trust, user } = yield* secured({ names: [{ type: "dns", value: "api.example" }] })
      yield* trust
      const { check, status } = yield* diagnose(user, [], at("localhost"))
      expect(status).toEqual({ ...skippedAfter("connection"), connection: "fault" })
      expect(check("connection").summary).toBe("the certificate is for api.example, not for localhost")
    }))

  it.live("says that one has expired, or is not valid yet", () =>
    Effect.gen(function*() {
      for (
        const [validity, expected] of [
          [{ notBeforeDate: inDays(-9), notAfterDate: inDays(-2) }, /expired on \d{4}-\d{2}-\d{2}$/],
          [{ notBeforeDate: inDays(2), notAfterDate: inDays(9) }, /is not valid yet$/]
        ] as const
      ) {
        const { at, trust, user } = yield* secured(validity)
        yield* trust
        const { check, status } = yield* diagnose(user, [], at("localhost"))
        expect(status).toEqual({ ...skippedAfter("connection"), connection: "fault" })
        expect(check("connection").summary).toMatch(expected)
        expect(check("connection").advice).toContain("clock")
      }
    }))

  it.live("warns of one that is about to expire", () =>
    Effect.gen(function*() {
      const { at, trust, user } = yield* secured({ notAfterDate: inDays(5) })
      yield* trust
      const { check, code, status } = yield* diagnose(user, [], at("localhost"))
      expect(code).toBe(0)
      expect(status).toEqual({ ...ok, connection: "warning" })
      expect(check("connection").advice).toMatch(/^The certificate expires on \d{4}-\d{2}-\d{2}: /)
    }))

  it.live("warns where certificates are not checked at all", () =>
    Effect.gen(function*() {
      const { trusted, user } = yield* secured()
      const { env } = trusted("localhost")
      const { check, status } = yield* diagnose({ run: user.runProcess }, [], {
        env: { ...env, NODE_TLS_REJECT_UNAUTHORIZED: "0" }
      })
      expect(status).toEqual({ ...ok, connection: "warning" })
      expect(check("connection").advice).toContain("NODE_TLS_REJECT_UNAUTHORIZED")
    }))
})
