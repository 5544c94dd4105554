// What is shown, in order. Every number on the screen was counted or timed; none is written down here.
import { AccessToken, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { Array, DateTime, Duration, Effect, Redacted } from "effect"
import type { Chapter } from "./chapter.ts"
import * as Screen from "./screen.ts"
import * as Timeline from "./timeline.ts"
import * as Wire from "./wire.ts"

const { count, time } = Screen

/** A call of the API as anybody would make it. Gives the status of the answer. */
const call = SpotnanaHttpClient.SpotnanaHttpClient.use((spotnana) =>
  spotnana.get("/v2/companies", { urlParams: { limit: 1 } })
).pipe(
  Effect.tap((response) => response.text),
  Effect.map((response) => response.status)
)

const callsAtOnce = (n: number) => Effect.all(Array.replicate(call, n), { concurrency: "unbounded" })

const isOk = (status: number) => status === 200

/** The error of an effect that should fail. */
const errorOf = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<E | undefined, never, R> =>
  Effect.match(effect, { onFailure: (error) => error, onSuccess: () => undefined })

const longest = (durations: ReadonlyArray<Duration.Duration>) => durations.reduce(Duration.max, Duration.zero)

const firstCall: Chapter = {
  title: "The first call",
  hint: "The program asks for companies, and knows nothing of tokens. Look at what Spotnana is asked for.",
  show: Effect.gen(function*() {
    const provider = yield* TokenProvider.TokenProvider
    const [duration, status] = yield* Effect.timed(call)
    const ledger = yield* (yield* MockSpotnana.MockSpotnana).ledger
    yield* Wire.print(ledger)

    const token = yield* provider.get
    const { nextRenewalAt = token.expiresAt } = yield* provider.status
    const now = yield* DateTime.now
    yield* Screen.line(
      `The call took ${time(duration)}, the token included. The token lives for ${
        time(AccessToken.lifetime(token))
      } and ` +
        `will be renewed in ${time(DateTime.distance(now, nextRenewalAt))}.`
    )
    return [{
      holds: isOk(status) && Wire.ofTokenEndpoint(ledger).length === 1 && Wire.ofApi(ledger).length === 1,
      fact: `${count(Wire.ofApi(ledger).length, "call")} by the program, ` +
        `${count(Wire.ofTokenEndpoint(ledger).length, "token request")} by the library`
    }]
  })
}

const manyCalls: Chapter = {
  title: "A hundred calls at once",
  hint: "There is no token yet, and the token endpoint is slow. Look at how often it is asked.",
  spotnana: { tokenLatency: "500 millis" },
  show: Effect.gen(function*() {
    const [duration, statuses] = yield* Effect.timed(callsAtOnce(100))
    const ledger = yield* (yield* MockSpotnana.MockSpotnana).ledger
    yield* Wire.print(ledger.slice(0, 3))
    const tokens = new Set(Wire.ofApi(ledger).map(({ token }) => Wire.nameTokens(ledger)(token)))
    yield* Screen.line(`… ${count(ledger.length - 3, "further request")} with token ${[...tokens].join(", ")}`)
    yield* Screen.line(`All calls were answered after ${time(duration)}.`)
    const tokenRequests = Wire.ofTokenEndpoint(ledger).length
    return [{
      holds: statuses.length === 100 && statuses.every(isOk) && tokenRequests === 1,
      fact: `${count(statuses.filter(isOk).length, "call")} answered 200, ${count(tokenRequests, "token request")}`
    }]
  })
}

const renewals: Chapter = {
  title: "Renewal in the background",
  hint: "Each letter is a call, ten a second, and names the token that it carries. In lower case: the next token is " +
    "being fetched meanwhile, slowly. Look at whether a call waits for it.",
  spotnana: { tokenLifetime: "3 seconds", tokenLatency: "300 millis" },
  // Early, since a token's last second is not used: the next one is there in time on a slow machine too.
  client: { refresh: { renewAt: 0.3 } },
  show: Effect.gen(function*() {
    yield* call
    const [renewals, calls] = yield* Timeline.timeRenewals(Timeline.draw((calls) => calls.length >= 60))
    const slowest = longest(calls.map(({ duration }) => duration))
    const during = calls.filter(({ renewing }) => renewing)
    const atOnce = calls.filter(({ atOnce }) => atOnce)
    yield* Screen.line(
      `The renewals took up to ${time(longest(renewals))} each, the slowest call took ${time(slowest)}.`
    )
    return [
      {
        holds: renewals.length >= 2 && calls.every(({ status }) => isOk(status)),
        fact: `${count(calls.length, "call")} answered 200, ${count(renewals.length, "renewal")} beside them`
      },
      {
        holds: during.length > 0 && atOnce.length === calls.length,
        fact: `${atOnce.length} of ${count(calls.length, "call")} left with the token in hand, ` +
          `${during.length} of them during a renewal`
      }
    ]
  })
}

const revocation: Chapter = {
  title: "A token is revoked",
  hint: "Spotnana kills the token long before it expires. Look at the 401, and at what the program gets.",
  show: Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    yield* call
    yield* mock.revokeTokens
    const [before, status, after] = yield* Effect.all([mock.ledger, call, mock.ledger])
    yield* Wire.print(after, before.length)
    const one = after.slice(before.length)

    // Once more, with ten calls at once.
    yield* mock.revokeTokens
    const statuses = yield* callsAtOnce(10)
    const ten = (yield* mock.ledger).slice(after.length)
    const rejected = Wire.withStatus(ten, 401).length
    return [
      {
        holds: isOk(status) && one.map((entry) => entry.status).join() === "401,200,200",
        fact: `1 call: ${Wire.withStatus(one, 401).length} × 401, ` +
          `${count(Wire.ofTokenEndpoint(one).length, "token request")}, and the program got ${status}`
      },
      {
        holds: statuses.every(isOk) && rejected === 10 && Wire.ofTokenEndpoint(ten).length === 1,
        fact: `${count(statuses.length, "call")} at once: ${rejected} × 401, ` +
          `${count(Wire.ofTokenEndpoint(ten).length, "token request")}, and the program got ` +
          `${statuses.filter(isOk).length} × 200`
      }
    ]
  })
}

const outage: Chapter = {
  title: "The token endpoint is down",
  hint: "As the token is due for renewal, the endpoint answers 503. Each x is an attempt that failed. Look at the " +
    "calls meanwhile.",
  spotnana: { tokenLifetime: "8 seconds" },
  client: { refresh: { renewAt: 0.15 } },
  show: Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    yield* call
    yield* mock.inject("token", Fault.status(503), { times: 3 })
    // Until the successor is there; a hundred calls are longer than the token lives.
    const calls = yield* Timeline.draw((calls) => calls.at(-1)?.token === "B" || calls.length >= 100)
    const attempts = Wire.ofTokenEndpoint(yield* mock.ledger).slice(1)
    const failed = Wire.withStatus(attempts, 503).length
    const answered = calls.filter(({ status }) => isOk(status)).length
    return [
      {
        holds: failed === 3 && attempts.length === 4,
        fact: `${count(failed, "token request")} failed, the next one succeeded`
      },
      {
        holds: answered === calls.length && calls.at(-1)?.token === "B",
        fact: `${count(calls.length, "call")} meanwhile, ${answered} answered 200: nobody noticed`
      }
    ]
  })
}

const wrongSecret: Chapter = {
  title: "Wrong credentials",
  hint: "The secret is not the right one. Look at the error that the program gets, and at the number of attempts.",
  client: { clientSecret: Redacted.make("not-the-secret") },
  show: Effect.gen(function*() {
    const mock = yield* MockSpotnana.MockSpotnana
    const error = yield* errorOf(call)
    if (error?._tag !== "InvalidCredentials") {
      return [{ holds: false, fact: `It should be InvalidCredentials, but is ${error?._tag}` }]
    }
    yield* Screen.error(error._tag, error.message)
    yield* Screen.line(`For Spotnana's support: debugIdentifier ${error.debugIdentifier}`)

    const others = yield* Effect.all(Array.replicate(errorOf(call), 100), { concurrency: "unbounded" })
    const same = others.filter((other) => other?._tag === error._tag).length
    const ledger = yield* mock.ledger
    const tokenRequests = Wire.ofTokenEndpoint(ledger).length
    return [
      {
        holds: Wire.ofApi(ledger).length === 0,
        fact: `${error._tag}: a typed error, and ${count(Wire.ofApi(ledger).length, "request")} without a token`
      },
      {
        // The first refusal is remembered for half a second to a second: on a slow machine that is over by then.
        holds: same === 100 && tokenRequests <= 2,
        fact: `${count(same, "further call")} got the same answer at once: ` +
          `${count(tokenRequests, "token request")} in all`
      }
    ]
  })
}

export const chapters: ReadonlyArray<Chapter> = [firstCall, manyCalls, renewals, revocation, outage, wrongSecret]
