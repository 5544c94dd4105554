// Calls that go on while something happens in the background, drawn as a line that grows.
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { Clock, Duration, Effect, Equal, Schedule, Stream } from "effect"
import * as Screen from "./screen.ts"
import * as Wire from "./wire.ts"

export interface Call {
  readonly status: number
  /** The name of the token that it carried. */
  readonly token: string
  /** Whether the successor of the token was being requested as it began. */
  readonly renewing: boolean
  /** Whether it carried the token that was there as it began: then it waited for no other. */
  readonly atOnce: boolean
  readonly duration: Duration.Duration
}

/**
 * Calls ten times a second, and draws a letter for each call: the name of the token that it carried, in lower case
 * while the successor is being requested. An `x` is a token request that failed.
 */
export const draw = Effect.fnUntraced(function*(enough: (calls: ReadonlyArray<Call>) => boolean) {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const provider = yield* TokenProvider.TokenProvider
  const mock = yield* MockSpotnana.MockSpotnana
  const calls: Array<Call> = []
  let failures = 0

  const call = Effect.gen(function*() {
    const { state } = yield* provider.status
    // With a valid token `get` does not wait; without one there is nothing to compare with.
    const inHand = state === "valid" || state === "renewing" ? (yield* provider.get).value : undefined
    const [duration, response] = yield* spotnana.get("/v2/companies", { urlParams: { limit: 1 } }).pipe(
      Effect.tap((response) => response.text),
      Effect.timed
    )
    const ledger = yield* mock.ledger
    const carried = Wire.ofApi(ledger).at(-1)?.token
    const token = Wire.nameTokens(ledger)(carried)
    const renewing = state === "renewing"
    calls.push({
      status: response.status,
      token,
      renewing,
      atOnce: inHand !== undefined && Equal.equals(carried, inHand),
      duration
    })

    const failed = Wire.withStatus(Wire.ofTokenEndpoint(ledger), 503).length
    yield* Screen.draw("x".repeat(failed - failures), "red")
    failures = failed
    yield* Screen.draw(renewing ? token.toLowerCase() : token, renewing ? "yellow" : "green")
  })

  yield* Screen.beginDrawing
  yield* Effect.repeat(call, { schedule: Schedule.fixed("100 millis"), until: () => enough(calls) }).pipe(
    Effect.ensuring(Screen.endDrawing)
  )
  return calls
})

/** How long each renewal took while an effect ran, from what the provider says of itself. */
export const timeRenewals = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const provider = yield* TokenProvider.TokenProvider
  const renewals: Array<Duration.Duration> = []
  let since: number | undefined
  yield* provider.changes.pipe(
    Stream.runForEach(({ state }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        if (state === "valid" && since !== undefined) renewals.push(Duration.millis(now - since))
        since = state === "renewing" ? now : undefined
      })
    ),
    Effect.forkChild
  )
  return [renewals, yield* effect] as const
})
