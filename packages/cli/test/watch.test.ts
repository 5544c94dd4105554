import { AuthError } from "@effect-spotnana/core"
import type { TokenProvider } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Redacted } from "effect"
import { bar, frame } from "../src/watch/frame.ts"
import { toLine } from "../src/watch/line.ts"
import { isUnchanged, observe } from "../src/watch/observe.ts"
import type { Observed } from "../src/watch/observe.ts"
import { wrap } from "../src/wrap.ts"
import { clientSecret, configuredUser, Spotnana, start, variables } from "./support/cli.ts"
import { hasTerminal } from "./support/process.ts"

const mock = MockSpotnana.MockSpotnana

/** What no output may have. */
const hidden = Effect.map(
  mock.use(({ ledger }) => ledger),
  (entries) => [clientSecret, ...entries.flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])]
)

const watch = (...args: ReadonlyArray<string>) =>
  Effect.flatMap(configuredUser, (user) => user.start(["watch", ...args]))

/** The same where stdout is a terminal. */
const draw = (env: Readonly<Record<string, string>>) =>
  Effect.flatMap(configuredUser, (user) => user.start(["watch"], { env, isTerminal: true }))

describe("spotnana-auth watch", () => {
  it.live("prints a line for each change where there is no terminal, without the token", () =>
    Effect.gen(function*() {
      yield* mock.use(({ configure }) => configure({ tokenLifetime: "4 seconds" }))
      const running = yield* watch()
      yield* running.match(/state=valid .*renewals=1/)
      expect(yield* running.interrupt).toBe(130)
      const lines = running.stdout().trimEnd().split("\n").map((line) => line.replace(/[-\d]+T[\d:.]+Z/g, "…"))
      expect(lines[0]).toMatch(/^at=… state=(empty|acquiring) renewals=0 failures=0$/)
      expect(lines.slice(-3)).toEqual([
        "at=… state=valid issued_at=… expires_at=… next_renewal_at=… renewals=0 failures=0",
        "at=… state=renewing issued_at=… expires_at=… next_renewal_at=… renewals=0 failures=0",
        "at=… state=valid issued_at=… expires_at=… next_renewal_at=… renewals=1 failures=0"
      ])
      expect(running.stderr()).toBe("")
      for (const text of yield* hidden) expect(running.stdout()).not.toContain(text)
    }).pipe(Effect.provide(Spotnana)))

  it.live("prints objects with --json, and goes on when the token endpoint does not answer", () =>
    Effect.gen(function*() {
      yield* mock.use(({ inject }) => inject("token", Fault.status(503, { headers: { "retry-after": "1" } })))
      const running = yield* watch("--json")
      yield* running.match(/"state":"valid"/)
      yield* running.interrupt
      const changes = running.stdout().trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(changes.find(({ state }) => state === "failed")).toEqual({
        at: expect.stringMatching(/Z$/),
        state: "failed",
        renewals: 0,
        failures: 1,
        error: "TokenEndpointUnavailable",
        message: expect.stringContaining("answered 503"),
        debug_identifier: "mock-debug-1",
        retry_after: 1
      })
      // Whoever comes back a little too early finds in the store that it is to wait, which is one more failure.
      const failures = new Set(changes.flatMap(({ failures, state }) => state === "failed" ? [failures] : [])).size
      expect(changes.at(-1)).toMatchObject({ state: "valid", renewals: 0, failures })
      expect(yield* mock.use(({ tokenRequests }) => tokenRequests)).toBe(2)
      expect(changes.at(-1)).not.toHaveProperty("error")
    }).pipe(Effect.provide(Spotnana)))

  it.live("ends where the credentials are refused at once", () =>
    Effect.gen(function*() {
      const running = yield* start(["watch"], { ...yield* variables, SPOTNANA_CLIENT_SECRET: "wrong" })
      expect(yield* running.end).toBe(6)
      expect(running.stderr()).toMatch(/^error: .*invalid_client/)
      expect(yield* mock.use(({ tokenRequests }) => tokenRequests)).toBe(1)
    }).pipe(Effect.provide(Spotnana)))

  it.live("takes the token that is kept for this user, and sees what another process makes of it", () =>
    Effect.gen(function*() {
      const spotnana = yield* mock
      const { run, start, startProcess } = yield* configuredUser
      yield* run(["token"])
      const running = yield* startProcess(["watch"])
      yield* running.match(/state=valid .*renewals=0/)
      expect(yield* spotnana.tokenRequests).toBe(1)
      yield* spotnana.revokeTokens
      expect((yield* run(["request", "GET", "/v2/companies"])).code).toBe(0)
      yield* running.match(/state=valid .*renewals=1/)
      expect(yield* spotnana.tokenRequests).toBe(2)
      const alone = yield* start(["watch", "--no-store"])
      yield* alone.match(/state=valid/)
      expect(yield* spotnana.tokenRequests).toBe(3)
    }).pipe(Effect.provide(Spotnana)))

  const cursor = { hidden: "\x1b[?25l", shown: "\x1b[?25h" }
  const colour = /\x1b\[\d+m/

  describe("on a terminal", () => {
    it.live.skipIf(!hasTerminal)("draws a view in place, and gives the cursor back", () =>
      Effect.gen(function*() {
        const running = yield* (yield* configuredUser).startOnTerminal(["watch"])
        yield* running.match(/● valid[^]+● valid/)
        expect(yield* running.interrupt).toBe(130)
        const text = running.stdout()
        expect(text.startsWith(cursor.hidden)).toBe(true)
        expect(text.indexOf(cursor.shown)).toBe(text.lastIndexOf("\x1b[?"))
        expect(text).toMatch(colour)
        // Each frame begins as many lines higher as the one before it has.
        const frames = text.split("Spotnana access token").slice(1)
        const heights = frames.map((frame) => frame.split("\r\n").length - 1)
        const steps = frames.map((frame) => /\x1b\[(\d+)A\r(?:\x1b\[1m)?$/.exec(frame)?.[1]).slice(0, -1)
        expect(steps.length).toBeGreaterThan(0)
        expect(steps.map(Number)).toEqual(heights.slice(0, -1))
        for (const secret of yield* hidden) expect(text).not.toContain(secret)
      }).pipe(Effect.provide(Spotnana)))

    it.live("does without colour", () =>
      Effect.gen(function*() {
        const running = yield* draw({ NO_COLOR: "1" })
        yield* running.match(/● valid +█+ +(59m \d+s|1h) left/)
        yield* running.interrupt
        expect(running.stdout()).not.toMatch(colour)
        expect(running.stdout()).toContain(cursor.hidden)
      }).pipe(Effect.provide(Spotnana)))

    it.live("gives the cursor back when the credentials are refused", () =>
      Effect.gen(function*() {
        const running = yield* draw({ SPOTNANA_CLIENT_SECRET: "wrong" })
        expect(yield* running.end).toBe(6)
        expect(running.stdout().startsWith(cursor.hidden)).toBe(true)
        expect(running.stdout().endsWith(cursor.shown)).toBe(true)
        expect(running.stderr()).toContain("invalid_client")
      }).pipe(Effect.provide(Spotnana)))

    it.live("prints lines on one that can do no better", () =>
      Effect.gen(function*() {
        const running = yield* draw({ TERM: "dumb" })
        yield* running.match(/state=valid/)
        yield* running.interrupt
        expect(running.stdout()).not.toContain("\x1b")
      }).pipe(Effect.provide(Spotnana)))
  })
})

const plain = (text: string) => text
const style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain }
const at = (seconds: number) => DateTime.makeUnsafe(seconds * 1000)
const error = new AuthError.TokenEndpointUnavailable({
  message: "The token endpoint answered 503. Try again later.",
  reason: "ServerError",
  status: 503,
  retryAfter: Duration.seconds(7),
  debugIdentifier: "debug-1"
})

/** A provider's status, as it is seen some seconds after the beginning. */
const seen = (seconds: number, status: Partial<TokenProvider.Status>) => ({
  at: at(seconds),
  status: {
    state: "valid" as const,
    issuedAt: undefined,
    expiresAt: undefined,
    nextRenewalAt: undefined,
    lastError: undefined,
    ...status
  }
})
const token = (issued: number) => ({
  issuedAt: at(issued),
  expiresAt: at(issued + 100),
  nextRenewalAt: at(issued + 80)
})
const after = (...looks: ReadonlyArray<Parameters<typeof observe>[1]>): Observed =>
  looks.reduce<Observed | undefined>(observe, undefined)!
const shown = (observed: Observed, columns = 80) => frame(observed, { columns, environment: "https://x", style })

describe("what is seen of a token's life", () => {
  it("counts a token that replaces another one, also where a rejection lies in between", () => {
    expect(after(seen(0, token(0)), seen(1, token(0))).renewals).toBe(0)
    expect(after(seen(0, token(0)), seen(80, token(80))).renewals).toBe(1)
    const rejected = seen(1, { state: "acquiring" })
    expect(after(seen(0, token(0)), rejected).renewals).toBe(0)
    expect(after(seen(0, token(0)), rejected, rejected, seen(2, token(2))).renewals).toBe(1)
    expect(after(rejected, seen(2, token(2))).renewals).toBe(0)
  })

  it("counts a failure once, however often it is looked at", () => {
    const failed = seen(1, { state: "failed", lastError: error })
    const again = seen(9, {
      state: "failed",
      lastError: new AuthError.TokenEndpointUnavailable({ message: error.message, reason: error.reason })
    })
    expect(after(failed, failed, failed).failures).toBe(1)
    expect(after(failed, failed, again).failures).toBe(2)
    expect(after(failed, seen(2, token(2)), seen(3, token(2))).failures).toBe(1)
  })

  it("tells a change from a countdown", () => {
    const before = after(seen(0, token(0)))
    expect(isUnchanged(before, observe(before, seen(50, { ...token(0), nextRenewalAt: at(81) })))).toBe(true)
    expect(isUnchanged(before, observe(before, seen(50, { ...token(0), state: "renewing" })))).toBe(false)
    expect(isUnchanged(before, observe(before, seen(80, token(80))))).toBe(false)
    expect(isUnchanged(before, observe(before, seen(80, { ...token(0), lastError: error })))).toBe(false)
  })

  it("quotes in a line what has spaces in it", () => {
    expect(toLine(after(seen(0, { state: "failed", lastError: error })))).toBe(
      "at=1970-01-01T00:00:00.000Z state=failed renewals=0 failures=1 error=TokenEndpointUnavailable " +
        "message=\"The token endpoint answered 503. Try again later.\" debug_identifier=debug-1 retry_after=7"
    )
  })
})

describe("the view", () => {
  it("shows how much of a token is left", () => {
    const [, , state, , ...rows] = shown(after(seen(25, token(0))))
    expect(state).toBe("● valid       ██████████████████████████████░░░░░░░░░░  1m 15s left")
    expect(rows.map((row) => row.replace(/\d\d:\d\d:\d\d/, "…"))).toEqual([
      "issued        …",
      "expires       …",
      "next renewal  …  in 55s",
      "renewals      0",
      "failures      0",
      "",
      "Ctrl-C ends this view"
    ])
  })

  it("shows when it tries again after a failure, and counts down to that", () => {
    const failed = seen(1, { state: "failed", lastError: error })
    expect(shown(after(failed))).toContainEqual(expect.stringMatching(/^next attempt {2}\S+ {2}in 7s$/))
    expect(shown(after(failed, { ...failed, at: at(5) }))).toContainEqual(
      expect.stringMatching(/^next attempt {2}\S+ {2}in 3s$/)
    )
    expect(shown(after(failed, { ...failed, at: at(50) }))).toContainEqual(
      expect.stringMatching(/^next attempt {2}\S+ {2}in 0$/)
    )
  })

  it("shows what to do about an error, within the width of the terminal", () => {
    const rows = shown(after(seen(1, { ...token(0), lastError: error })), 40)
    const index = rows.findIndex((row) => row.startsWith("last error"))
    expect(rows.slice(index, index + 3)).toEqual([
      "last error    The token endpoint",
      "              answered 503. Try again",
      "              later."
    ])
    expect(rows[index + 3]).toBe("              debugIdentifier: debug-1")
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(40)
  })

  it("shows an end that nobody took notice of", () => {
    expect(shown(after(seen(130, { ...token(0), state: "expired", nextRenewalAt: undefined })))[2]).toBe(
      "● expired     ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  expired"
    )
  })

  it("has a bar of the same width for every share, and words that are too long for themselves", () => {
    for (const share of [-1, 0, 0.5, 1, 7]) expect(bar(share, 10).length).toBe(10)
    expect(bar(7, 10)).toBe("██████████")
    expect(wrap("a incomprehensibilities b\n\nc", 5)).toEqual(["a", "incomprehensibilities", "b", "", "c"])
  })
})
