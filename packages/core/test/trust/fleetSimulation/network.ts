import type { MockSpotnana } from "@effect-spotnana/testing"
import { Cause, Clock, Effect, Schema } from "effect"
import { HttpClient } from "effect/http"
import type { HttpClientResponse } from "effect/http"
import { nameOf } from "./facts.ts"
import type { Process } from "./process.ts"
import type { Answer } from "./requestRules.ts"

/** What is seen of one process by who stands between it and Spotnana. */
export interface Wire {
  readonly requested: () => ((answer: Answer) => void) | undefined
  readonly sent: (call: string, token: string | undefined) => void
  readonly answered: (call: string, token: string | undefined, status: number) => void
}

const TokenResponse = Schema.Struct({ access_token: Schema.String })

/** How an answer of the token endpoint reads. */
const answerOf = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Answer> => {
  if (response.status === 401) return Effect.succeed({ _tag: "Refused" })
  if (response.status !== 200) {
    const { "retry-after": seconds } = response.headers
    return Effect.succeed({ _tag: "Failed", retryAfter: seconds === undefined ? undefined : Number(seconds) * 1_000 })
  }
  return response.json.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(TokenResponse)),
    Effect.map(({ access_token }): Answer => ({ _tag: "Issued", token: nameOf(access_token) })),
    Effect.orDie
  )
}

/** Spotnana as one process reaches it: what leaves while the process is stopped leaves later, and so does what arrives. */
export const network = (
  mock: MockSpotnana.MockSpotnana["Service"],
  clock: Clock.Clock,
  process: Process,
  wire: Wire
): HttpClient.HttpClient =>
  HttpClient.make((request, url) => {
    const exchange = process.awake.pipe(
      Effect.andThen(mock.httpClient.execute(request)),
      Effect.provideService(Clock.Clock, clock),
      // It has its span and its headers already.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Effect.tap(() => process.awake),
      Effect.tapError(() => process.awake)
    )
    if (url.pathname === "/v2/auth/oauth2-token") {
      return Effect.suspend(() => {
        const ended = wire.requested()
        const failed = (cause: Cause.Cause<unknown>): Answer =>
          Cause.hasInterrupts(cause) ? { _tag: "Interrupted" } : { _tag: "Failed", retryAfter: undefined }
        return exchange.pipe(
          Effect.tap((response) => Effect.map(answerOf(response), (answer) => ended?.(answer))),
          Effect.onError((cause) => Effect.sync(() => ended?.(failed(cause))))
        )
      })
    }
    return Effect.suspend(() => {
      const call = request.headers["x-call"] ?? ""
      const [, bearer] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? []
      const token = bearer === undefined ? undefined : nameOf(bearer)
      wire.sent(call, token)
      return Effect.tap(exchange, ({ status }) => Effect.sync(() => wire.answered(call, token, status)))
    })
  })
