// Every answer that a token endpoint could give, over loopback sockets. What is expected is stated here, by rules of RFC
// 6749, RFC 9110 and the documentation of the errors; nothing is asked of the code under test.
import { Credentials, Environment, TokenEndpoint, TokenProvider } from "@effect-spotnana/core"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Redacted, References } from "effect"
import { makeAudit } from "../support/audit.ts"
import { reportFigure, reportSearches, reportTable } from "../support/figures.ts"
import { clientId, clientSecret } from "../support/harness.ts"
import { platformClients } from "../support/sockets.ts"
import type { connections } from "./faults/server.ts"
import { bodies, huge, serve, token } from "./faults/server.ts"

const secret = Redacted.value(clientSecret)

/** What came: a token, or the error's tag with its reason. */
const outcomeOf = (exit: Exit.Exit<unknown, { readonly _tag: string; readonly reason?: unknown }>): string => {
  if (Exit.isSuccess(exit)) return "token"
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (error === undefined) return "a defect"
  return typeof error.reason === "string" ? `${error._tag}: ${error.reason}` : error._tag
}

const intermediary = "TokenEndpointUnavailable: Intermediary"
const unavailable = "TokenEndpointUnavailable: ServerError"
const broken = "TokenEndpointUnavailable: Transport"
const timedOut = "TokenEndpointUnavailable: Timeout"
const refused = "InvalidCredentials"
const malformed = "MalformedTokenResponse"

/** By the status alone. */
const byStatus = (status: number): string =>
  status === 429
    ? "TokenEndpointUnavailable: RateLimited"
    : status >= 500 || status === 408 || status === 425
    ? unavailable
    : status === 400 || status === 401 || status === 403
    ? refused
    : malformed

/** What a 400, a 401 or a 403 with this body is: a refusal is a JSON object, and a 401 without a body. */
const refusalOr = (status: number, body: keyof typeof bodies): string => {
  switch (body) {
    case "a token":
    case "RFC 6749 §5.2":
    case "Spotnana's error":
      return refused
    case "nothing":
      return status === 401 ? refused : intermediary
    default:
      return intermediary
  }
}

/** Statuses whose answer has no body, whatever is sent (RFC 9110 §15.3.5, §15.4.5; 205 for `fetch`). */
const isBodiless = (status: number, client: string): boolean =>
  status === 204 || status === 304 || (status === 205 && client === "FetchHttpClient")

const expected = (status: number, body: keyof typeof bodies, client: string): string => {
  // The Fetch standard makes a network error of 407, which is about a proxy.
  if (status === 407 && client === "FetchHttpClient") return broken
  if (isBodiless(status, client)) return byStatus(status)
  switch (body) {
    case "a token":
      return status < 300 ? "token" : byStatus(status)
    case "RFC 6749 §5.2":
      // The code says what the status leaves open; 5xx, 429, 408 and 425 leave nothing open.
      return byStatus(status) === malformed ? refused : byStatus(status)
    case "a truncated chunk":
    case "Content-Length too large":
      return broken
    case "an endless drip":
      return timedOut
    default:
      return byStatus(status) === refused ? refusalOr(status, body) : byStatus(status)
  }
}

const refusedOrMalformed: ReadonlyArray<readonly [string, string, string]> = [
  ["expires_in absent", `{"access_token":"${token}","token_type":"Bearer"}`, "token"],
  ["expires_in \"3600\"", `{"access_token":"${token}","expires_in":"3600"}`, "token"],
  ["expires_in 3600.5", `{"access_token":"${token}","expires_in":3600.5}`, "token"],
  ["expires_in 0", `{"access_token":"${token}","expires_in":0}`, malformed],
  ["expires_in -1", `{"access_token":"${token}","expires_in":-1}`, malformed],
  ["expires_in 1e12", `{"access_token":"${token}","expires_in":1e12}`, "token"],
  ["expires_in 1e400", `{"access_token":"${token}","expires_in":1e400}`, "token"],
  ["expires_in null", `{"access_token":"${token}","expires_in":null}`, "token"],
  ["expires_in NaN", `{"access_token":"${token}","expires_in":NaN}`, malformed],
  ["expires_in true", `{"access_token":"${token}","expires_in":true}`, malformed],
  ["expires_in {}", `{"access_token":"${token}","expires_in":{}}`, malformed],
  ["expires_in []", `{"access_token":"${token}","expires_in":[]}`, malformed],
  ["expires_in \"\"", `{"access_token":"${token}","expires_in":""}`, malformed],
  ["expires_in \"soon\"", `{"access_token":"${token}","expires_in":"soon"}`, malformed],
  ["token_type absent", `{"access_token":"${token}","expires_in":3600}`, "token"],
  ["token_type bearer", `{"access_token":"${token}","token_type":"bearer"}`, "token"],
  ["token_type BEARER", `{"access_token":"${token}","token_type":"BEARER"}`, "token"],
  ["token_type MAC", `{"access_token":"${token}","token_type":"MAC"}`, malformed],
  ["token_type 7", `{"access_token":"${token}","token_type":7}`, malformed],
  ["token empty", `{"access_token":""}`, malformed],
  ["token absent", `{"token_type":"Bearer"}`, malformed],
  ["token null", `{"access_token":null}`, malformed],
  ["token a number", `{"access_token":7}`, malformed],
  ["token with a newline", `{"access_token":"${token}\\n"}`, malformed],
  ["token with a header", `{"access_token":"${token}\\r\\nx-evil: 1"}`, malformed],
  ["token with NUL", `{"access_token":"${token}\\u0000"}`, malformed],
  ["token outside ASCII", `{"access_token":"${token}é"}`, malformed],
  ["token with a space", `{"access_token":"${token} x"}`, malformed],
  ["token of 60 KB", `{"access_token":"${token}${"x".repeat(60_000)}"}`, "token"],
  ["token of 64 KB", `{"access_token":"${token}${"x".repeat(65_536)}"}`, malformed],
  ["the last of two tokens", `{"access_token":"","access_token":"${token}"}`, "token"],
  ["__proto__", `{"__proto__":{"access_token":"${token}"}}`, malformed],
  ["30,000 levels deep", `{"access_token":"${token}","x":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, "token"],
  ["a byte order mark", `\ufeff{"access_token":"${token}"}`, "token"],
  ["an array", `["${token}"]`, malformed],
  ["a string", `"${token}"`, malformed],
  ["null", "null", malformed],
  ["two objects", `{"access_token":"${token}"}{}`, malformed],
  ["unknown fields", `{"access_token":"${token}","new":{"field":[1]}}`, "token"]
]

const texts = new Map(refusedOrMalformed.map(([name, text]) => [name, text]))

const connectionOutcomes: Record<keyof typeof connections, string> = {
  "reset before an answer": broken,
  "reset in the headers": broken,
  "reset in the body": broken,
  "closed without an answer": broken,
  "never answered": timedOut,
  "slow headers": timedOut,
  "headers without end": broken,
  "no HTTP": broken,
  "103 before the answer": "token"
}

const allStatuses = Array.from({ length: 400 }, (_, index) => 200 + index)

/** Those that something is decided by, here or in a client, and the first and the last of each class. */
const notable = [
  "200 201 202 203 204 205 206 299 300 301 302 303 304 307 308 399",
  "400 401 402 403 404 405 407 408 409 421 425 429 451 499 500 501 502 503 504 511 599"
].flatMap((text) => text.split(" ").map(Number))

/** A client reads these until it has had enough, whatever the status. */
const withoutEnd: ReadonlyArray<string> = ["a gzip bomb", "an endless drip", "100 MB"]

/**
 * The statuses that a client gets with a body. Each status comes with each body to one of the two clients, and with half
 * of the bodies to each client. The notable ones come with each body to both.
 */
const statusesOf = (body: keyof typeof bodies, client: string): ReadonlyArray<number> => {
  if (withoutEnd.includes(body)) return notable
  const half = Object.keys(bodies).indexOf(body) + platformClients.findIndex(([name]) => name === client)
  return allStatuses.filter((status) => status % 2 === half % 2 || notable.includes(status))
}

/** What only the time-out ends is not waited for long. All else has time enough, however busy the machine. */
const timeoutFor = (outcome: string, atMost: "300 millis" | "2 seconds" = "300 millis") =>
  outcome === timedOut ? atMost : "60 seconds"

const environmentOf = (port: number, path: string) =>
  Environment.makeUnsafe({ baseUrl: `http://127.0.0.1:${port}`, tokenUrl: `http://127.0.0.1:${port}${path}` })

/** Rows of statuses that follow each other and have the same outcome, as ranges. */
const merged = (
  statuses: ReadonlyArray<number>,
  outcomes: ReadonlyArray<string>
): ReadonlyArray<readonly [string, string]> => {
  const ranges: Array<{ from: number; to: number; outcome: string }> = []
  outcomes.forEach((outcome, index) => {
    const [status, last] = [statuses[index]!, ranges.at(-1)]
    if (last?.outcome === outcome) last.to = status
    else ranges.push({ from: status, to: status, outcome })
  })
  return ranges.map(({ from, outcome, to }) => [from === to ? String(from) : `${from}–${to}`, outcome])
}

describe.each(platformClients)("faults of the token endpoint, with %s", (name, platform) => {
  // What these tests cause on purpose is logged as it should be, and of no interest here.
  const live = Layer.merge(platform, Layer.succeed(References.MinimumLogLevel, "None"))

  const acquire = (port: number, path: string, outcome: string) =>
    Effect.flatMap(
      TokenEndpoint.make({ environment: environmentOf(port, path), timeout: timeoutFor(outcome) }),
      (endpoint) => Effect.exit(endpoint.acquire({ clientId, clientSecret }))
    )

  it.live("invariant 12: each status with each body is a token or the one error that fits", (context) =>
    Effect.gen(function*() {
      const server = yield* serve(secret, texts)
      const audit = makeAudit()
      const before = process.memoryUsage().rss
      let peak = before
      let exchanges = 0
      const rows: Array<ReadonlyArray<string>> = []
      for (const body of Object.keys(bodies) as ReadonlyArray<keyof typeof bodies>) {
        const statuses = statusesOf(body, name)
        const outcomes = yield* Effect.forEach(
          statuses,
          (status) => {
            const expectation = expected(status, body, name)
            const path = `/${status}/${encodeURIComponent(body)}`
            return Effect.map(audit.run(acquire(server.port, path, expectation)), (exit) => {
              exchanges += 1
              peak = Math.max(peak, process.memoryUsage().rss)
              if (Exit.isFailure(exit)) audit.add(exit)
              const outcome = outcomeOf(exit)
              // By the Fetch standard a 421 is asked about once more, and that may fail by itself.
              return status === 421 && name === "FetchHttpClient" && outcome === broken ? expectation : outcome
            })
          },
          { concurrency: 16 }
        )
        expect(audit.search([secret, token])).toEqual([])
        const expectations = statuses.map((status) => expected(status, body, name))
        expect([body, merged(statuses, outcomes)]).toEqual([body, merged(statuses, expectations)])
        rows.push(...merged(statuses, outcomes).map(([range, outcome]) => [body, range, outcome]))
      }
      // Socket buffers on both sides are all that goes out after the limit of 64 KiB is reached. What comes with a status
      // that has no body is the platform's to throw away, and it may read on to do so.
      const sent = [...server.sent].filter(([path]) => !isBodiless(Number(path.split("/")[1]), name))
      expect(sent.filter(([, bytes]) => bytes > huge / 8)).toEqual([])
      // Sixteen answers of 100 MB at a time, if they were kept.
      expect(peak - before).toBeLessThan(8 * huge)
      const mostSent = Math.max(...sent.map(([, bytes]) => bytes))
      reportTable(context, {
        title: `Answers of the token endpoint, ${name}`,
        columns: ["body", "status", "outcome"],
        rows
      })
      reportFigure(context, {
        of: `faults, ${name}`,
        figure: String(exchanges),
        claim: `each gave the expected result; of an answer of 100 MB, of which 64 KiB are read, ` +
          `${(mostSent / 2 ** 20).toFixed(1)} MB at most left the server; 16 such answers at once took ` +
          `${Math.round((peak - before) / 2 ** 20)} MB of memory`
      })
      reportSearches(context, audit.searches())
    }).pipe(Effect.scoped, Effect.provide(live)))

  it.live("invariant 12: each odd field and each broken connection is a token or the one error that fits", (context) =>
    Effect.gen(function*() {
      const server = yield* serve(secret, texts)
      const audit = makeAudit()
      const rows: Array<ReadonlyArray<string>> = []
      const cases = [
        ...refusedOrMalformed.map(([fault, , outcome]) =>
          [fault, `/text/${encodeURIComponent(fault)}`, outcome] as const
        ),
        ...Object.entries(connectionOutcomes).map(([fault, outcome]) =>
          [fault, `/connection/${encodeURIComponent(fault)}`, outcome] as const
        )
      ]
      yield* Effect.forEach(
        cases,
        ([fault, path, outcome]) =>
          Effect.map(audit.run(acquire(server.port, path, outcome)), (exit) => {
            if (Exit.isFailure(exit)) audit.add(exit)
            expect([fault, outcomeOf(exit)]).toEqual([fault, outcome])
            rows.push([fault, outcome])
          }),
        { concurrency: 8 }
      )
      const nobody = yield* acquire(1, "/", broken)
      expect(outcomeOf(nobody)).toBe(broken)
      rows.push(["connection refused", broken])
      const tls = yield* Effect.flatMap(
        TokenEndpoint.make({ environment: Environment.makeUnsafe({ baseUrl: `https://127.0.0.1:${server.port}` }) }),
        (endpoint) => Effect.exit(endpoint.acquire({ clientId, clientSecret }))
      )
      expect(outcomeOf(tls)).toBe(broken)
      rows.push(["TLS to a port without", broken])
      audit.add(nobody, tls)
      expect(audit.search([secret, token])).toEqual([])
      reportTable(context, {
        title: `Odd fields and broken connections, ${name}`,
        columns: ["fault", "outcome"],
        rows
      })
      reportFigure(context, {
        of: `odd answers, ${name}`,
        figure: String(rows.length),
        claim: "each gave the expected result"
      })
    }).pipe(Effect.scoped, Effect.provide(live)))

  it.live("invariant 5: after each fault that passes, the same provider has a token", (context) =>
    Effect.gen(function*() {
      const server = yield* serve(secret, texts)
      const faults = [
        ...[503, 302].flatMap((status) =>
          (Object.keys(bodies) as ReadonlyArray<keyof typeof bodies>).map((body) =>
            [body, `/${status}/${encodeURIComponent(body)}?once`, expected(status, body, name)] as const
          )
        ),
        ...Object.entries(connectionOutcomes).map(([fault, outcome]) =>
          [fault, `/connection/${encodeURIComponent(fault)}?once`, outcome] as const
        )
      ].filter(([fault, path]) => !(fault === "RFC 6749 §5.2" && path.startsWith("/302")))
      yield* Effect.forEach(faults, ([fault, path, outcome]) => {
        // The same time is for the good answer that comes next.
        const timeout = timeoutFor(outcome, "2 seconds")
        const Provider = TokenProvider.layer({ refresh: { backoffBase: "1 millis" } }).pipe(
          Layer.provide(TokenEndpoint.layer({ environment: environmentOf(server.port, path), timeout })),
          Layer.provide(Credentials.layer({ clientId, clientSecret }))
        )
        return Effect.flatMap(TokenProvider.TokenProvider, (provider) => provider.get).pipe(
          Effect.provide(Provider),
          Effect.exit,
          Effect.map((exit) => expect([fault, outcomeOf(exit)]).toEqual([fault, "token"]))
        )
      }, { concurrency: 8 })
      reportFigure(context, {
        of: `good answers after a fault, ${name}`,
        figure: String(faults.length),
        claim: "the token of each answer is used"
      })
    }).pipe(Effect.scoped, Effect.provide(live)))
})
