import { Webhook } from "@effect-spotnana/core"
import { WebhookSender } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { once } from "node:events"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setImmediate } from "node:timers/promises"
import { examine } from "../src/webhook/examine.ts"
import { parseHeaders } from "../src/webhook/headers.ts"
import { deadAddress, makeUser } from "./support/cli.ts"

const secret = "whsec_YzRuNHJ5LXMzY3IzdA=="
const other = "whsec_b3RoZXItczNjcjN0"
const secrets = [Redacted.make(other), Redacted.make(secret)]
const event = "{\"type\":\"trip.booked\"}"

const sign = (options: Partial<WebhookSender.Options> = {}) =>
  Effect.map(
    WebhookSender.sign({ secrets: Redacted.make(secret), body: event, id: "msg_1", ...options }),
    ({ body, headers }) => ({ body, headers: Object.entries(headers) })
  )

/** Some time after 1970, at which the clock of a test begins. */
const today = TestClock.setTime(1_800_000_000_000)

const utf8 = (text: string) => new TextEncoder().encode(text)

describe("a delivery", () => {
  it.effect("that was signed with one of the secrets passes", () =>
    Effect.gen(function*() {
      yield* today
      expect(yield* examine(yield* sign(), { secrets })).toEqual({
        ok: true,
        id: "msg_1",
        timestamp: "2027-01-15T08:00:00.000Z"
      })
    }))

  it.effect.each<readonly [string, Partial<WebhookSender.Options>, string, string | undefined]>([
    ["late", { age: "10 minutes" }, "TimestampTooOld", "The signature matches. For a recorded delivery"],
    ["ahead of time", { ahead: "10 minutes" }, "TimestampInFuture", "The signature matches. "],
    ["late and wrong", { age: "10 minutes", wrong: "Signature" }, "TimestampTooOld", "does not match either"],
    ["wrong", { wrong: "Signature" }, "NoMatchingSignature", undefined],
    ["changed", { wrong: "Body" }, "NoMatchingSignature", undefined],
    ["of another secret", { secrets: Redacted.make("whsec_dGhpcmQ=") }, "NoMatchingSignature", undefined]
  ])("that is %s does not, with the reason", ([, options, problem, advice]) =>
    Effect.gen(function*() {
      yield* today
      const finding = yield* examine(yield* sign(options), { secrets })
      expect(finding).toMatchObject({ ok: false, problem })
      expect("advice" in finding ? finding.advice : undefined).toEqual(
        advice === undefined ? undefined : expect.stringContaining(advice)
      )
    }))

  it.effect("whose body got a line break on its way is told from a wrong one", () =>
    Effect.gen(function*() {
      const { headers } = yield* sign()
      for (const body of [`${event}\n`, `${event}\r\n`]) {
        expect(yield* examine({ headers, body: utf8(body) }, { secrets })).toMatchObject({
          problem: "NoMatchingSignature",
          advice: "The signature matches the body without the line break at its end."
        })
      }
      expect(yield* examine({ headers: headers.slice(0, 2), body: utf8(event) }, { secrets })).toMatchObject({
        problem: "MissingHeader",
        advice: expect.stringContaining("--header")
      })
    }))

  it.effect("that is old is taken with a tolerance", () =>
    Effect.gen(function*() {
      yield* today
      const delivery = yield* sign({ age: "10 minutes" })
      expect(yield* examine(delivery, { secrets, tolerance: Duration.hours(1) })).toMatchObject({ ok: true })
    }))
})

describe("the headers in a file", () => {
  it("are one a line, up to the body", () => {
    expect(parseHeaders("POST /hook HTTP/1.1\r\nHost: a:80\r\nX-Empty:\r\n\r\nX-Body: 1\r\n")).toEqual([
      ["Host", "a:80"],
      ["X-Empty", ""]
    ])
  })
})

const user = makeUser({ SPOTNANA_WEBHOOK_SECRETS: `${other},${secret}` })

describe("webhook verify", () => {
  it.live("reads the body from stdin, and headers from flags or a file", () =>
    Effect.gen(function*() {
      const { file, run, write } = yield* user
      const { body, headers } = yield* sign()
      const lines = headers.map(([name, value]) => `${name}: ${value}`)
      const flags = lines.flatMap((line) => ["--header", line])
      const plain = yield* run(["webhook", "verify", ...flags], { stdin: body })
      expect(plain).toMatchObject({ code: 0, stderr: "" })
      expect(plain.stdout).toMatch(/^msg_1 was signed at \d{4}-.*Z\n$/)
      write("body", event)
      write("head", `${lines.join("\n")}\n`)
      const fromFiles = ["webhook", "verify", file("body"), "--headers-file", file("head"), "--json"]
      expect(JSON.parse((yield* run(fromFiles)).stdout)).toMatchObject({ ok: true, id: "msg_1" })
      const fromStdin = ["webhook", "verify", file("body"), "--headers-file", "-"]
      expect(yield* run(fromStdin, { stdin: lines.join("\n") })).toMatchObject({ code: 0 })
    }))

  it.live("ends with 1 and what failed, also as JSON", () =>
    Effect.gen(function*() {
      const { file, run, write } = yield* user
      const { headers } = yield* sign({ age: "10 minutes" })
      write("head", headers.map(([name, value]) => `${name}: ${value}`).join("\n"))
      const verify = ["webhook", "verify", "--headers-file", file("head")]
      const late = yield* run(verify, { stdin: event })
      expect(late).toMatchObject({ code: 1, stdout: "" })
      expect(late.stderr).toMatch(
        /^error: TimestampTooOld: The delivery was signed more than 5m ago\..*\nThe signature matches\. /
      )
      expect(yield* run([...verify, "--tolerance", "1h"], { stdin: event })).toMatchObject({ code: 0 })
      const wrong = yield* run([...verify, "--tolerance", "1h", "--json"], { stdin: "{}" })
      expect({ code: wrong.code, stderr: wrong.stderr }).toEqual({ code: 1, stderr: "" })
      expect(JSON.parse(wrong.stdout)).toMatchObject({ ok: false, problem: "NoMatchingSignature" })
    }))

  it.live("takes secrets from a file, and repeats none", () =>
    Effect.gen(function*() {
      const { file, run, write } = yield* makeUser()
      const { body, headers } = yield* sign()
      write("secret", `${secret}\n`)
      const flags = headers.flatMap(([name, value]) => ["--header", `${name}: ${value}`])
      const named = { env: { SPOTNANA_WEBHOOK_SECRETS_FILE: file("secret") }, stdin: body }
      expect(yield* run(["webhook", "verify", ...flags], named)).toMatchObject({ code: 0 })
      write("app.env", `SPOTNANA_WEBHOOK_SECRETS=${secret}\n`)
      const verify = ["webhook", "verify", ...flags, "--credentials-file", file("app.env")]
      expect(yield* run(verify, { stdin: body })).toMatchObject({ code: 0 })
      const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, string | undefined, string]> = [
        [[], undefined, "SPOTNANA_WEBHOOK_SECRETS is not set"],
        [[], "c4n4ry!", "SPOTNANA_WEBHOOK_SECRETS cannot be used"],
        [["--header", "c4n4ry"], secret, "--header cannot be used"],
        [["--headers-file", "-"], secret, "name a file for one of them"]
      ]
      for (const [args, SPOTNANA_WEBHOOK_SECRETS, expected] of mistakes) {
        const { code, stderr } = yield* run(["webhook", "verify", ...args], { env: { SPOTNANA_WEBHOOK_SECRETS } })
        expect(code).toBe(2)
        expect(stderr).toContain(expected)
        expect(stderr).not.toContain("c4n4ry")
      }
    }))
})

/** An endpoint that verifies what it gets, and answers with these statuses in place of 204. */
const endpoint = (statuses: ReadonlyArray<number> = []) =>
  Effect.gen(function*() {
    const received: Array<{ readonly id: unknown; readonly body: string; readonly problem: string | undefined }> = []
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Array<Buffer> = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const body = Buffer.concat(chunks)
      const verified = await Effect.runPromise(
        Effect.result(Webhook.verify({ headers: request.headers, body }, { secrets: Redacted.make(secret) }))
      )
      const problem = verified._tag === "Failure" ? verified.failure.problem : undefined
      received.push({ id: request.headers["x-spotnana-webhook-id"], body: String(body), problem })
      response.writeHead(statuses[received.length - 1] ?? (problem === undefined ? 204 : 401), {
        location: "/elsewhere"
      })
        .end()
    }
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => createServer((request, response) => void answer(request, response))),
      (server) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    )
    yield* Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening"))
    const { port } = server.address() as AddressInfo
    return { received, url: `http://127.0.0.1:${port}/webhooks/spotnana` }
  })

describe("webhook send", () => {
  it.live("signs a delivery with every secret, and sends it once", () =>
    Effect.gen(function*() {
      const { run } = yield* user
      const { received, url } = yield* endpoint()
      const { code, stderr, stdout } = yield* run(["webhook", "send", url, "--data", event])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      const [delivery] = received
      expect(received).toEqual([{ id: expect.stringMatching(/^msg_[0-9a-f]{24}$/), body: event, problem: undefined }])
      expect(stdout).toBe(`HTTP 204 ${String(delivery?.id)}\n`)
    }))

  it.effect("sends it twice, and until it is accepted, under the id that is named", () =>
    Effect.gen(function*() {
      const { run } = yield* user
      // Which statuses is said here: the endpoint's clock is another one.
      const { received, url } = yield* endpoint([503, 204, 204])
      const send = ["webhook", "send", url, "--id", "msg_7", "--attempts", "2", "--duplicates", "1", "--json"]
      yield* today
      const fiber = yield* Effect.forkChild(run(send))
      // The second attempt waits for the clock.
      while (fiber.pollUnsafe() === undefined) {
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => setImmediate())
      }
      const { code, stdout } = yield* Fiber.join(fiber)
      expect({ code, json: JSON.parse(stdout) as unknown }).toEqual({
        code: 0,
        json: { id: "msg_7", statuses: [503, 204, 204] }
      })
      expect(received.map(({ id }) => id)).toEqual(["msg_7", "msg_7", "msg_7"])
    }))

  it.live.each([
    [["--wrong", "signature"], "NoMatchingSignature"],
    [["--wrong", "body"], "NoMatchingSignature"],
    [["--age", "10m"], "TimestampTooOld"],
    [["--ahead", "10m"], "TimestampInFuture"]
  ])("with %j sends what is to be refused", ([args, problem]) =>
    Effect.gen(function*() {
      const { run } = yield* user
      const { received, url } = yield* endpoint()
      const { code, stderr } = yield* run(["webhook", "send", url, ...args as ReadonlyArray<string>])
      expect({ code, stderr }).toEqual({ code: 4, stderr: "error: The endpoint answered 401.\n" })
      expect(received.map((delivery) => delivery.problem)).toEqual([problem])
    }))

  it.live("has the exit code of the answer, 7 where there is none, and prints no secret", () =>
    Effect.gen(function*() {
      const { run } = yield* user
      const { url } = yield* endpoint([302, 500])
      const dead = yield* deadAddress
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number]> = [
        [[url], 3],
        [[url, "--json"], 5],
        [[dead], 7],
        [["ftp://127.0.0.1/"], 2],
        [["http://me:c4n4ry@127.0.0.1/"], 2],
        [[url, "--attempts", "0"], 2]
      ]
      for (const [args, expected] of cases) {
        const { code, stderr, stdout } = yield* run(["webhook", "send", ...args])
        expect({ args, code }).toEqual({ args, code: expected })
        for (const hidden of [secret, other, "c4n4ry"]) expect(stderr + stdout).not.toContain(hidden)
      }
    }))
})
