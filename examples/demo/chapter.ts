// A chapter of the demo: a client of its own, something that happens to it, and what was found.
import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import type { AuthError, TokenProvider } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import type { Settings } from "@effect-spotnana/testing"
import { Effect, Inspectable, Layer, Logger } from "effect"
import type { Redacted } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import type { HttpClientError } from "effect/http"
import * as Screen from "./screen.ts"

export interface Chapter {
  readonly title: string
  /** What to look at. */
  readonly hint: string
  /** How Spotnana behaves in this chapter. */
  readonly spotnana?: Settings.Input
  /** What this client has that others do not. */
  readonly client?: SpotnanaHttpClient.Options<false> & { readonly clientSecret?: Redacted.Redacted }
  /** Shows something, and says what was found. */
  readonly show: Effect.Effect<
    ReadonlyArray<Screen.Check>,
    AuthError.AuthError | HttpClientError.HttpClientError,
    MockSpotnana.MockSpotnana | SpotnanaHttpClient.SpotnanaHttpClient | TokenProvider.TokenProvider
  >
}

const layerClient = (options: Chapter["client"]) =>
  Layer.unwrap(
    Effect.gen(function*() {
      const credentials = yield* (yield* MockSpotnana.MockSpotnana).credentials
      const { address } = yield* HttpServer.HttpServer
      const environment = Environment.makeUnsafe({ baseUrl: HttpServer.formatAddress(address) })
      return SpotnanaHttpClient.layer({ ...credentials, environment, ...options })
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))

interface LogLine {
  readonly level: string
  readonly text: string
}

/** Keeps the library's log for later: in the midst of a line that is being drawn it would be noise. */
const collect = (lines: Array<LogLine>) =>
  Logger.map(Logger.formatStructured, ({ annotations, level, message }) => {
    const details = ["error", "retry_after"].flatMap((key) =>
      key in annotations ? [`${key}=${Inspectable.toStringUnknown(annotations[key])}`] : []
    )
    lines.push({ level, text: [Inspectable.toStringUnknown(message), ...details].join(" ") })
  })

const printLog = Effect.fnUntraced(function*(lines: ReadonlyArray<LogLine>) {
  const [first, ...others] = lines
  if (first === undefined) return
  yield* Screen.log(first.level, first.text)
  if (others.length > 0) yield* Screen.line(`and ${Screen.count(others.length, "further line")} of log`)
})

/** Plays a chapter on the mock that is provided. Says whether all that it claims was found to be so. */
export const play = Effect.fnUntraced(function*(chapter: Chapter, number: number) {
  const mock = yield* MockSpotnana.MockSpotnana
  yield* mock.configure({ tokenLifetime: "1 hour", tokenLatency: 0, ...chapter.spotnana })
  yield* mock.clearFaults
  yield* mock.clearLedger
  yield* Screen.heading(number, chapter.title)
  yield* Screen.hint(chapter.hint)

  const log: Array<LogLine> = []
  const checks = yield* chapter.show.pipe(
    Effect.catch((error) => Effect.succeed([{ holds: false, fact: `${error._tag}: ${error.message}` }])),
    Effect.provide(layerClient(chapter.client).pipe(Layer.provideMerge(Logger.layer([collect(log)]))))
  )
  yield* printLog(log)
  yield* Effect.forEach(checks, Screen.check)
  return checks
})
