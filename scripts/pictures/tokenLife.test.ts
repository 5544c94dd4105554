// The pictures of a token's life are drawn by hand. Each line of their descriptions is held against a run of the
// library in simulated time.
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { Clock, DateTime, Duration, Effect, Layer, Logger, Random, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { setImmediate } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { readPicture } from "./svg.ts"

const second = 1000
const minute = 60 * second
const tokenLatency = 300
const apiLatency = 80
const clientId = "client"
const clientSecret = Redacted.make("p1ctur3-0f-l1f3")

/** Chance that is always in the middle: the run does not depend on how often it is asked. */
const middle: typeof Random.Random.Service = { nextDoubleUnsafe: () => 0.5, nextIntUnsafe: () => 0 }

/** Small steps, and after each of them what waits for a promise: a body is read through one. */
const settle = TestClock.adjust(10).pipe(
  Effect.andThen(Effect.promise(() => setImmediate())),
  Effect.repeat({ times: second / 10 - 1 })
)

const play = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const provider = yield* TokenProvider.TokenProvider
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const calls: Array<{ readonly from: number; readonly to: number; readonly status: number }> = []
  const call = Effect.gen(function*() {
    const from = yield* Clock.currentTimeMillis
    const { status } = yield* spotnana.get("/v2/companies")
    calls.push({ from, to: yield* Clock.currentTimeMillis, status })
  }).pipe(Effect.forkScoped)
  const renewalTime = Effect.map(
    provider.status,
    ({ nextRenewalAt }) => nextRenewalAt === undefined ? Infinity : DateTime.toEpochMillis(nextRenewalAt)
  )
  /** Lets time pass, slowly wherever the library has something to do. */
  const until = (time: number): Effect.Effect<void> =>
    Effect.gen(function*() {
      if ((yield* Clock.currentTimeMillis) >= time) return
      const next = Math.min(time, yield* renewalTime)
      yield* TestClock.setTime(next)
      if (next < time) yield* Effect.andThen(settle, until(time))
    })
  const callAt = (...times: ReadonlyArray<number>) =>
    Effect.forEach(times, (time) => until(time * minute).pipe(Effect.andThen(call), Effect.andThen(settle)))

  yield* Effect.all([call, call, call])
  yield* settle
  yield* callAt(10, 20, 30, 40)
  // In the midst of the renewal.
  yield* TestClock.setTime(yield* renewalTime)
  yield* TestClock.adjust(tokenLatency / 3)
  yield* Effect.andThen(call, settle)
  yield* callAt(50, 60)
  yield* until(65 * minute)
  yield* mock.revokeTokens
  yield* callAt(66, 75, 85, 95, 105)
  yield* until(108 * minute)
  yield* mock.inject("token", Fault.status(503), { times: Infinity })
  yield* callAt(110, 112, 114, 116)
  yield* until(118 * minute)
  yield* mock.clearFaults
  yield* callAt(120)
  return { calls, ledger: yield* mock.ledger }
})

const { calls, ledger } = await play.pipe(
  Effect.scoped,
  Effect.provide(
    SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(
      Layer.provide(MockSpotnana.layerHttpClient),
      Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, tokenLatency, apiLatency })),
      Layer.provideMerge(TestClock.layer()),
      Layer.provideMerge(Logger.layer([]))
    )
  ),
  Effect.provideService(Random.Random, middle),
  Effect.runPromise
)

/** Hours, minutes and seconds. */
const clock = (millis: number): string =>
  [Math.floor(millis / 3600_000), Math.floor(millis / minute) % 60, Math.floor(millis / second) % 60]
    .map((part, index) => String(part).padStart(index === 0 ? 1 : 2, "0"))
    .join(":")

const requests = ledger.filter(({ endpoint }) => endpoint === "token")
const issued = requests.filter(({ status }) => status === 200)
const failed = requests.filter(({ status }) => status === 503)
/** Tokens are called A, B, … */
const nameOf = (token: Redacted.Redacted): string =>
  String.fromCharCode(65 + issued.findIndex((entry) => Redacted.value(entry.token!) === Redacted.value(token)))
const requestsAt = (at: string) => requests.filter((entry) => clock(entry.at) === at)
const answers = ledger
  .filter(({ endpoint }) => endpoint === "api")
  .map(({ at, status, token }) => ({ at: clock(at + apiLatency), kind: `${status} with ${nameOf(token!)}` }))
const callsBetween = (from: string, to: string) =>
  calls.filter((call) => from <= clock(call.to) && clock(call.to) <= to)
/** How long after a failure the next request is sent. */
const delayAfter = (failure: number): string =>
  Duration.format(
    Duration.millis(requests[requests.indexOf(failed[failure]!) + 1]!.at - failed[failure]!.at - tokenLatency)
  )
const inWords = (text: string): string => text.replace("1.5 s", "1s 500ms").replace(/(\d+) (m?s)$/, "$1$2")

/** What must be so for a line of a description to be true. */
const proofs: ReadonlyArray<readonly [line: RegExp, isTrue: (at: string, ...parts: ReadonlyArray<string>) => boolean]> =
  [
    [
      /^(\S+): (\d+) calls, and no token\. They wait for one token request$/,
      (at, count) =>
        calls.filter(({ from, to }) => clock(from) === at && to - from === tokenLatency + apiLatency).length ===
          +count! &&
        requestsAt(at).length === 1
    ],
    [
      /^(\S+): Token (\w), for 1h$/,
      (at, name) => issued.some((entry) => clock(entry.at + tokenLatency) === at && nameOf(entry.token!) === name)
    ],
    [
      /^(\S+): (\d+) calls?: (\d+ with \w)(?:\. Until ([\d:]+))?(\. None waits|\. Does not wait)?$/,
      (at, count, kind, to = at, rest) =>
        answers.filter((answer) => at <= answer.at && answer.at <= to && answer.kind === kind).length === +count! &&
        (rest === undefined || callsBetween(at, to).every((call) => call.to - call.from === apiLatency))
    ],
    [/^(\S+): Renewal, (.+) before expiry\. A new token is requested; (\w) stays in use$/, (at, left, name) => {
      const [request] = requestsAt(at)
      const inUse = issued.findLast((entry) => entry.at < request!.at)!
      return nameOf(inUse.token!) === name &&
        Duration.format(Duration.millis(inUse.at + 60 * minute - request!.at)) === left
    }],
    [
      /^(\S+): (\w) is suspect\. A new token is requested, and waited for$/,
      (at, name) =>
        answers.some((answer) => answer.at === at && answer.kind === `401 with ${name}`) && requestsAt(at).length === 1
    ],
    [
      /^(\S+): The call, sent again: (200 with \w)\. All that the program gets is the 200$/,
      (at, kind) =>
        answers.some((answer) => answer.at === at && answer.kind === kind) &&
        calls.every(({ status }) => status === 200)
    ],
    [/^(\S+): 503: next attempt in (.+)$/, (at, delay) => {
      const index = failed.findIndex((entry) => clock(entry.at + tokenLatency) === at)
      return delayAfter(index) === inWords(delay!)
    }],
    [
      /^(\S+): (\d+) × 503, until ([\d:]+)\. The delays grow to (.+)$/,
      (at, count, to, delay) =>
        failed.filter((entry) => at <= clock(entry.at + tokenLatency)).length === +count! &&
        clock(failed.at(-1)!.at + tokenLatency) === to && delayAfter(failed.length - 1) === inWords(delay!)
    ],
    [/^1:05:00: Spotnana revokes the token$/, () => true],
    [/^1:48:00: The token endpoint goes down$/, () => true],
    [/^1:58:00: It is up again$/, () => true],
    [
      /^(.)he program made (\d+) calls, and got (\d+) × 200$/,
      (_, made, good) => calls.length === +made! && calls.filter(({ status }) => status === 200).length === +good!
    ],
    [
      /^(.)oken requests: (\d+) × 200, (\d+) × 503$/,
      (_, good, bad) => issued.length === +good! && failed.length === +bad!
    ]
  ]

describe.each(["docs/token-life.svg", "docs/renewal.svg"])("%s", (file) => {
  const { lines, texts } = readPicture(file)

  it.each(lines.map((line) => line.replace(/\.$/, "")))("is true of a run: %s", (line) => {
    const [found] = proofs.flatMap(([pattern, isTrue]) => {
      const match = pattern.exec(line)
      return match === null ? [] : [isTrue(match[1] ?? "", ...match.slice(2))]
    })
    expect(found ?? "no proof knows such a line").toBe(true)
  })

  it("shows no time that its description does not have", () => {
    const described = lines.join("\n")
    expect([...texts].filter((text) => /^\d+:\d\d:\d\d$/.test(text) && !described.includes(text))).toEqual([])
  })
})

it("docs/token-life.svg shows what its description says", () => {
  const { lines, texts } = readPicture("docs/token-life.svg")
  const sentences = lines.flatMap((line) => line.replace(/^\d\S+: /, "").replace(/\.$/, "").split(/\. (?=[A-Z])/))
  const shown = [...texts].join("\n")
  expect(sentences.filter((sentence) => !shown.includes(sentence))).toEqual([])
})
