import { Webhook } from "@effect-spotnana/core"
import { WebhookSender } from "@effect-spotnana/testing"
import { SecureRandom } from "effect/crypto"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { FetchHttpClient } from "effect/http"
import * as Option from "effect/Option"
import * as Client from "../client.ts"
import { Failure, statusExitCode, usageFailure } from "../exitCode.ts"
import { within } from "../maxTime.ts"
import { Output } from "../output.ts"
import { readData } from "../request/body.ts"

export interface Input {
  readonly url: string
  readonly data: string
  readonly id: Option.Option<string>
  readonly age: Option.Option<Duration.Duration>
  readonly ahead: Option.Option<Duration.Duration>
  readonly wrong: Option.Option<"body" | "signature">
  readonly attempts: number
  readonly duplicates: number
  readonly maxTime: Option.Option<number>
  readonly json: boolean
}

const urlOf = (text: string): Effect.Effect<URL, Failure> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return Effect.fail(usageFailure("Expected the URL of the endpoint, as in http://127.0.0.1:3000/webhooks/spotnana"))
  }
  return url.username + url.password === ""
    ? Effect.succeed(url)
    : Effect.fail(usageFailure("The URL must not contain a user name or a password. Nothing was sent."))
}

const madeUp = Effect.gen(function*() {
  const { randomBytes } = yield* SecureRandom.SecureRandom
  return `msg_${Hex.encode(yield* Effect.orDie(randomBytes(12)))}`
}).pipe(Effect.provide(SecureRandom.layerWebCrypto))

const wrongOf = { body: "Body", signature: "Signature" } as const

/** Signs a delivery as Spotnana does, and sends it to an endpoint. */
export const send = (input: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    const { style } = output
    const url = yield* urlOf(input.url)
    const secrets = yield* Webhook.secrets
    const body = yield* readData(input.data)
    const id = Option.isSome(input.id) ? input.id.value : yield* madeUp
    const statuses = yield* WebhookSender.deliver(url, {
      secrets,
      body,
      id,
      age: Option.getOrUndefined(input.age),
      ahead: Option.getOrUndefined(input.ahead),
      wrong: Option.getOrUndefined(Option.map(input.wrong, (what) => wrongOf[what])),
      attempts: input.attempts,
      duplicates: input.duplicates
    }).pipe(
      Effect.provide(Client.layer(url.href)),
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
      within(input.maxTime)
    )
    yield* input.json
      ? output.line(JSON.stringify({ id, statuses }))
      : Effect.forEach(
        statuses,
        (status) => output.line(`${(status < 300 ? style.green : style.red)(`HTTP ${status}`)} ${id}`),
        { discard: true }
      )
    const last = statuses.at(-1) ?? 0
    if (last < 200 || last >= 300) {
      return yield* new Failure({
        message: input.json ? "" : `The endpoint answered ${last}.`,
        exitCode: statusExitCode(last)
      })
    }
  })
