import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import { once } from "node:events"
import * as Fs from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import * as Path from "node:path"
import { executable } from "./support/bundle.ts"
import { clientSecret, configuredUser, deadAddress, Spotnana, variables } from "./support/cli.ts"
import { hasTerminal } from "./support/process.ts"

const call = MockSpotnana.MockSpotnana.use(({ ledger }) => ledger).pipe(
  Effect.map((entries) => entries.filter(({ endpoint }) => endpoint === "api"))
)

// Neither UTF-8 nor without a zero.
const bytes = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256))
/** With these, each character of stdout is a byte. */
const asBytes = { encoding: "latin1" } as const

/** A Spotnana that answers each call of the API with these bytes. */
const rawApi = (answer: string) =>
  Effect.gen(function*() {
    let calls = 0
    const token = JSON.stringify({ access_token: "t0ken", token_type: "Bearer", expires_in: 3600 })
    const server = yield* Effect.acquireRelease(
      Effect.sync(() =>
        createServer((socket) =>
          socket.on("error", () => {}).on("data", (request) => {
            const isToken = String(request).startsWith("POST /v2/auth/")
            if (!isToken && String(request).startsWith("GET ")) calls += 1
            socket.end(
              isToken
                ? `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${token.length}` +
                  `\r\n\r\n${token}`
                : answer,
              "latin1"
            )
          })
        )
      ),
      (server) => Effect.sync(() => server.close())
    )
    yield* Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening"))
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, calls: () => calls }
  })

describe("spotnana-auth request", () => {
  it.live("prints the body of the answer, unchanged, and the status on stderr", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { code, stderr, stdout } = yield* run(["request", "GET", "/v2/companies?offset=1&limit=1"])
      expect(code).toBe(0)
      expect(stdout).toBe(
        "{\"length\":1,\"elements\":[{\"id\":\"00000000-0000-4000-8000-000000000002\",\"name\":\"Company 2\"}]," +
          "\"totalNumResults\":120}"
      )
      expect(stderr).toMatch(/^HTTP 200 in \d+ ms\n$/)
    }).pipe(Effect.provide(Spotnana)))

  it.live("sends the bytes of stdin, and prints the bytes of the answer", () =>
    Effect.gen(function*() {
      const { run, runProcess } = yield* configuredUser
      for (const [way, stdin] of [[run, "-"], [run, "@-"], [runProcess, "-"]] as const) {
        expect(yield* way(["request", "POST", "/v2/echo", "--data", stdin], { stdin: bytes, ...asBytes }))
          .toMatchObject({ code: 0, stdout: bytes.toString("latin1") })
      }
    }).pipe(Effect.provide(Spotnana)))

  it.live("sends a text, or a file, as JSON unless a header says otherwise", () =>
    Effect.gen(function*() {
      const { cwd, run } = yield* configuredUser
      Fs.writeFileSync(Path.join(cwd, "body"), bytes)
      expect(yield* run(["request", "POST", "/v2/echo", "-d", "{\"a\": 1}"])).toMatchObject({
        stdout: "{\"a\": 1}"
      })
      expect(
        yield* run([
          "request",
          "POST",
          "/v2/echo",
          "--data",
          "@body",
          "--header",
          "content-type: application/octet-stream",
          "-H",
          "X-Trace:  7 "
        ], asBytes)
      ).toMatchObject({ stdout: bytes.toString("latin1") })
      const [first, second] = yield* call
      expect(first?.headers).toMatchObject({ "content-type": "application/json", "content-length": "8" })
      expect(second?.headers).toMatchObject({ "content-type": "application/octet-stream", "x-trace": "7" })
      expect(yield* run(["request", "POST", "/v2/echo", "--data", "@none"])).toMatchObject({ code: 2 })
      expect(yield* run(["request", "GET", "/v2/companies", "--data", "x"])).toMatchObject({ code: 2 })
      expect(yield* call).toHaveLength(2)
    }).pipe(Effect.provide(Spotnana)))

  it.live("--include prints status and headers before the body", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      yield* mock.inject(
        "api",
        Fault.status(201, { body: "made", headers: { "x-trace": "7", "content-type": "text/plain" } })
      )
      const { code, stderr, stdout } = yield* run(["request", "PUT", "/v2/echo", "--include"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(stdout).toMatch(/^HTTP 201\n(.+: .+\n)*x-trace: 7\n(.+: .+\n)*\nmade$/)
    }).pipe(Effect.provide(Spotnana)))

  it.live("uses the token of the run before", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      yield* run(["token"])
      yield* run(["request", "GET", "/v2/companies"])
      expect(yield* mock.tokenRequests).toBe(1)
    }).pipe(Effect.provide(Spotnana)))

  it.live("replaces a token that is answered 401, repeats the request with its body, and keeps the new one", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      yield* run(["token"])
      yield* mock.revokeTokens
      const args = ["request", "POST", "/v2/echo", "--data", "-"]
      expect(yield* run(args, { stdin: bytes, ...asBytes })).toMatchObject({
        code: 0,
        stdout: bytes.toString("latin1")
      })
      expect((yield* call).map(({ status }) => status)).toEqual([401, 200])
      expect(yield* run(args, { stdin: bytes })).toMatchObject({ code: 0 })
      expect(yield* mock.tokenRequests).toBe(2)
    }).pipe(Effect.provide(Spotnana)))

  it.live("sends nothing for another address, and follows no redirect to one", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      const elsewhere = yield* run(["request", "GET", "https://evil.example/v2/companies"])
      expect(elsewhere).toMatchObject({ code: 2, stdout: "" })
      expect(elsewhere.stderr).toMatch(/^error: https:\/\/evil\.example\/v2\/companies is not at http:/)
      expect(yield* mock.ledger).toEqual([])
      yield* mock.inject("api", Fault.status(307, { headers: { location: "/v2/companies" }, body: "over there" }))
      const redirected = yield* run(["request", "GET", "/v2/moved"])
      expect(redirected).toMatchObject({ code: 3, stdout: "over there" })
      expect(redirected.stderr).toContain("a redirect to /v2/companies that is not followed")
      expect((yield* call).map(({ path }) => path)).toEqual(["/v2/moved"])
    }).pipe(Effect.provide(Spotnana)))

  it.live.each<[string, ReadonlyArray<string>, string]>([
    ["a path that leads out of the address", ["../admin"], "segment . or .."],
    ["one that hides it", ["/v2/%2E%2e/admin?x=1"], "segment . or .."],
    ["one that hides it between tabs and line breaks", ["/v2/.\t./.\n./admin"], "segment . or .."],
    ["a URL beside the address", ["@/gateway-admin/x"], "is not at http://127.0.0.1:"],
    ["a URL with a password, which is not repeated", ["https://user:hunter2@evil.example/"], "user name or a password"],
    ["a header of the connection", ["/v2/companies", "-H", "Transfer-Encoding: chunked"], "about the connection"],
    [
      "another Host",
      ["/v2/companies", "--header", "Host: evil.example"],
      "Host is set by this command from the configured address"
    ]
  ])("sends nothing for %s", ([, args, said]) =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      const { SPOTNANA_BASE_URL } = yield* variables
      const { code, stderr } = yield* run(
        ["request", "GET", ...args.map((arg) => arg.replace(/^@/, SPOTNANA_BASE_URL))],
        { env: { SPOTNANA_BASE_URL: `${SPOTNANA_BASE_URL}/gateway` } }
      )
      expect([code, stderr.includes(said), stderr.includes("hunter2")]).toEqual([2, true, false])
      expect(yield* mock.ledger).toEqual([])
    }).pipe(Effect.provide(Spotnana)))

  it.live("takes a path that only looks like it", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      yield* run(["request", "GET", "/v2/...?back=../x"])
      expect((yield* call).map(({ path }) => path)).toEqual(["/v2/..."])
    }).pipe(Effect.provide(Spotnana)))

  it.live("takes a URL of the configured address, and appends what looks like another host", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { SPOTNANA_BASE_URL } = yield* variables
      yield* run(["request", "GET", `${SPOTNANA_BASE_URL}/v2/companies`])
      yield* run(["request", "GET", "//evil.example/v2/companies"])
      expect((yield* call).map(({ path }) => path)).toEqual(["/v2/companies", "//evil.example/v2/companies"])
    }).pipe(Effect.provide(Spotnana)))

  it.live("shows what Spotnana says of an error, the debugIdentifier included, and its body on stdout", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { code, stderr, stdout } = yield* run(["request", "GET", "/v2/users/nobody"])
      const { debugIdentifier, errorMessages } = JSON.parse(stdout)
      expect(code).toBe(4)
      expect(errorMessages).toEqual([{ errorCode: "USER_NOT_FOUND", message: "No such user" }])
      expect(debugIdentifier).toMatch(/./)
      expect(stderr.replace(/\d+ ms/, "n ms")).toBe(
        "HTTP 404 in n ms\n" +
          "error: GET /v2/users/nobody answered 404 (USER_NOT_FOUND: No such user).\n" +
          `debugIdentifier: ${debugIdentifier}\n`
      )
    }).pipe(Effect.provide(Spotnana)))

  it.live.each<readonly [string, number, Fault.Fault]>([
    ["200", 0, Fault.status(200)],
    ["204", 0, Fault.status(204, { body: "" })],
    ["301", 3, Fault.status(301)],
    ["304", 3, Fault.status(304, { body: "" })],
    ["400", 4, Fault.status(400)],
    ["403", 4, Fault.status(403)],
    ["429", 4, Fault.rateLimited()],
    ["500", 5, Fault.status(500)],
    ["503", 5, Fault.status(503)],
    ["401, again and again", 6, Fault.status(401)],
    ["a connection that breaks", 7, Fault.drop]
  ])("ends after %s with a number of its own", ([, expected, fault]) =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      yield* mock.inject("api", fault, { times: Infinity })
      expect(yield* run(["request", "GET", "/v2/companies"])).toMatchObject({ code: expected })
    }).pipe(Effect.provide(Spotnana)))

  it.live("ends with a number of its own after a refusal, and where nobody answers", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      const args = ["request", "GET", "/v2/companies"]
      const refused = yield* run(args, { env: { SPOTNANA_CLIENT_SECRET: "wrong" } })
      expect(refused).toMatchObject({ code: 6, stdout: "" })
      expect(refused.stderr).toMatch(/^error: .* answered 401 .*\ndebugIdentifier: .+\n$/)
      const nobody = yield* run(args, { env: { SPOTNANA_BASE_URL: yield* deadAddress } })
      expect(nobody).toMatchObject({ code: 7, stdout: "" })
      expect(nobody.stderr).toMatch(/^error: No answer from http:\/\/127\.0\.0\.1:\d+\/.*ECONNREFUSED/)
      const { SPOTNANA_BASE_URL } = yield* variables
      const plain = yield* run(args, { env: { SPOTNANA_BASE_URL: SPOTNANA_BASE_URL.replace("http:", "https:") } })
      expect(plain).toMatchObject({ code: 7, stdout: "" })
      expect(plain.stderr).toMatch(
        /^error: No answer from https:\/\/127\.0\.0\.1:\d+\/v2\/auth\/oauth2-token: it does not speak TLS\./
      )
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: "3000" }), { times: Infinity })
      const limited = yield* run(args)
      expect(limited).toMatchObject({ code: 7 })
      expect(limited.stderr).toContain("Try again in 50m.")
    }).pipe(Effect.provide(Spotnana)))

  it.live("gives up after --max-time", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      yield* mock.inject("api", Fault.hang)
      expect(yield* run(["request", "GET", "/v2/companies", "--max-time", "0.5"])).toMatchObject({
        code: 7,
        stderr: "error: No complete answer within 0.5 seconds.\n"
      })
    }).pipe(Effect.provide(Spotnana)))

  it.live.each(["token", "api"] as const)(
    "is interrupted in a request to the %s, and leaves nothing behind",
    (endpoint) =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const { run, startProcess, state } = yield* configuredUser
        yield* mock.inject(endpoint, Fault.hang)
        const arrived = Effect.repeat(mock.ledger, {
          until: (entries) => entries.some((entry) => entry.endpoint === endpoint),
          schedule: Schedule.spaced("10 millis")
        })
        const args = ["request", "GET", "/v2/companies"]
        const running = yield* startProcess(args)
        yield* arrived
        const code = yield* running.interrupt
        expect([code, running.stdout(), running.stderr()]).toEqual([130, "", ""])
        expect(Fs.readdirSync(Path.join(state, "tokens/drafts"))).toEqual([])
        const files = Fs.readdirSync(Path.join(state, "tokens"), { recursive: true }).map(String)
        expect(files.filter((file) => /\/(lease|hold)\./.test(file))).toEqual([])
        expect(yield* run(args)).toMatchObject({ code: 0 })
      }).pipe(Effect.provide(Spotnana))
  )

  it.live("escapes what a terminal would obey in headers and in where a redirect leads to", () =>
    Effect.gen(function*() {
      const { run } = yield* configuredUser
      const { calls, url } = yield* rawApi(
        "HTTP/1.1 302 Found\r\nLocation: /\u009b2J\u009d0;title\r\nX-Trace: a\u0085b\r\nContent-Length: 0\r\n\r\n"
      )
      const env = { SPOTNANA_BASE_URL: url }
      const noted = yield* run(["request", "GET", "/v2/companies"], { env })
      expect(noted).toMatchObject({
        code: 3,
        stderr: expect.stringContaining("a redirect to /\\u009b2J\\u009d0;title that")
      })
      const included = yield* run(["request", "GET", "/v2/companies", "--include"], {
        env: { ...env, FORCE_COLOR: "1" }
      })
      expect(included.stdout).toContain("location\u001b[0m: /\\u009b2J\\u009d0;title\n")
      expect(included.stdout).toContain("x-trace\u001b[0m: a\\u0085b")
      for (const text of [noted.stderr, included.stderr, included.stdout]) {
        expect(text.replaceAll(/\u001b\[\d+m/g, "")).not.toMatch(/[^\P{Cc}\n]/u)
      }
      expect(calls()).toBe(2)
    }).pipe(Effect.provide(Spotnana)))

  it.live("ends without a word when nobody reads any more", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { exec } = yield* configuredUser
      yield* mock.inject("api", Fault.status(200, { body: "line\n".repeat(200_000) }), { times: Infinity })
      const pipe = (rest: string) =>
        exec("bash", ["-c", `"$0" "$1" ${rest} | head -1; echo "\${PIPESTATUS[0]}"`, process.execPath, executable])
      const { stderr, stdout } = yield* pipe("request GET /v2/companies")
      expect(stdout).toBe("line\n141\n")
      expect(stderr).toMatch(/^HTTP 200 in \d+ ms\n$/)
    }).pipe(Effect.provide(Spotnana)))

  it.live("indents JSON on a terminal, and shows nothing that moves its cursor", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      const show = (body: string | Uint8Array) =>
        Effect.andThen(
          mock.inject("api", Fault.status(200, { body })),
          run(["request", "GET", "/v2/x"], { env: { NO_COLOR: "1" }, isTerminal: true })
        ).pipe(Effect.map(({ stdout }) => stdout))
      expect(yield* show("{\"a\":[1,{\"b\":12345678901234567890.0}],\"c\":{}}")).toBe(
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": 12345678901234567890.0\n    }\n  ],\n  \"c\": {}\n}\n"
      )
      expect(yield* show("{\"a\":[\"x]\"],\"b\":[\"[\"],\"c\":{\"d\":\"}\"}}")).toBe(
        "{\n  \"a\": [\n    \"x]\"\n  ],\n  \"b\": [\n    \"[\"\n  ],\n  \"c\": {\n    \"d\": \"}\"\n  }\n}\n"
      )
      expect(yield* show("\u001b]0;title\u0007plain")).toBe("\\u001b]0;title\\u0007plain\n")
      expect(yield* show(bytes)).toBe("(1024 bytes that are not text: write them to a file or a pipe)\n")
    }).pipe(Effect.provide(Spotnana)))

  it.live.skipIf(!hasTerminal)("finds out that it is on a terminal", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { runOnTerminal } = yield* configuredUser
      yield* mock.inject("api", Fault.status(200, { body: "{\"a\":1}" }))
      const { stdout } = yield* runOnTerminal(["request", "GET", "/v2/x"], { env: { NO_COLOR: "1" } })
      expect(stdout.replaceAll("\r\n", "\n")).toMatch(/^HTTP 200 in \d+ ms\n\{\n {2}"a": 1\n\}\n$/)
    }).pipe(Effect.provide(Spotnana)))

  it.live("sends the secret to the token endpoint and the token to the API, each there only", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { run } = yield* configuredUser
      yield* run(["request", "POST", "/v2/echo", "--data", "x"])
      const [token, api] = yield* mock.ledger
      expect(Redacted.value(token!.body)).toContain(encodeURIComponent(clientSecret))
      expect(Redacted.value(api!.body)).toBe("x")
      expect(api!.headers.authorization).toBe(`Bearer ${Redacted.value(token!.token!)}`)
      expect(JSON.stringify(Object.entries(api!.headers))).not.toContain(clientSecret)
    }).pipe(Effect.provide(Spotnana)))
})
