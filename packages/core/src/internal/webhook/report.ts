import * as Effect from "effect/Effect"
import type { HttpServerError } from "effect/http"
import * as Metric from "effect/Metric"
import { currentInstant } from "../instant.ts"
import type { Problem } from "./verify.ts"

/** One per request to a webhook; the attribute `outcome` is `verified`, or says why the request was refused. */
const deliveries = /* #__PURE__ */ Metric.counter("spotnana_webhook_deliveries_total", {
  description: "Requests to a webhook, by outcome",
  incremental: true
})

type Refused = Problem | "BodyTooLarge" | "BodyUnreadable"

const count = (outcome: "verified" | Refused): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(deliveries, { outcome }), 1)

// Requests without these headers are not from Spotnana, unless a proxy changes them. A body breaks off if the sender
// closes the connection.
const levels = {
  MissingHeader: "Info",
  InvalidTimestamp: "Info",
  TimestampTooOld: "Warn",
  TimestampInFuture: "Warn",
  NoMatchingSignature: "Warn",
  BodyTooLarge: "Warn",
  BodyUnreadable: "Info"
} as const

const bodyProblem = ({ reason }: HttpServerError.HttpServerError, maxBodySize: number) =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
    ? { problem: "BodyTooLarge", message: `The body has more than ${maxBodySize} bytes (maxBodySize).` } as const
    : { problem: "BodyUnreadable", message: "The body could not be read completely." } as const

// Anybody can send requests to a webhook, and must not be able to fill the log.
const interval = 60_000

/** Counts each delivery, and logs each problem once a minute. The log has neither body, nor headers, nor secrets. */
export const makeReport = (maxBodySize: number) => {
  const logged = new Map<Refused, number>()
  return {
    verified: count("verified"),
    refused: (
      error:
        | { readonly _tag: "InvalidWebhook"; readonly problem: Problem; readonly message: string }
        | HttpServerError.HttpServerError
    ): Effect.Effect<void> =>
      Effect.gen(function*() {
        const { message, problem } = error._tag === "InvalidWebhook" ? error : bodyProblem(error, maxBodySize)
        yield* count(problem)
        const { mono } = yield* currentInstant
        const isRepeated = mono < (logged.get(problem) ?? -Infinity) + interval
        if (!isRepeated) logged.set(problem, mono)
        yield* Effect.logWithLevel(isRepeated ? "Debug" : levels[problem])(
          `A webhook delivery was refused. ${message}`
        ).pipe(Effect.annotateLogs({ problem }))
      })
  }
}
