/**
 * Sends signed webhooks as Spotnana does, and also faulty ones: late, with a wrong signature, twice.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/**
 * A delivery.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The secrets to sign with (`whsec_…`): each makes a signature, as during a rotation of the secret. */
  readonly secrets: Redacted.Redacted | ReadonlyArray<Redacted.Redacted>
  /** The body. Text and bytes are sent as they are, everything else as JSON. */
  readonly body: unknown
  /** The id of the delivery. Default: a random one. */
  readonly id?: string | undefined
  /** How long ago it was signed. Default: now. */
  readonly age?: Duration.Input | undefined
  /** How far ahead the signer's clock is. Default: not at all. */
  readonly ahead?: Duration.Input | undefined
  /** What is wrong: the body (it is changed after signing) or the signature (it is random). */
  readonly wrong?: "Body" | "Signature" | undefined
}

/**
 * A delivery, ready to be sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignedDelivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer>
}

const crypto = /* #__PURE__ */ Layer.provideMerge(Mac.layerWebCrypto, SecureRandom.layerWebCrypto)

const utf8 = new TextEncoder()

const bytesOf = (body: unknown): Uint8Array<ArrayBuffer> =>
  body instanceof Uint8Array
    ? new Uint8Array(body)
    : utf8.encode(Predicate.isString(body) ? body : JSON.stringify(body))

/**
 * Signs a delivery by the convention of Standard Webhooks, under Spotnana's header names.
 *
 * **Details**
 *
 * A secret that is not Base64 is a defect.
 *
 * **Example** (A request to your own handler)
 *
 * ```ts
 * import { WebhookSender } from "@effect-spotnana/testing"
 * import { Effect, Redacted } from "effect"
 *
 * const request = WebhookSender.sign({
 *   secrets: Redacted.make("whsec_c2VjcmV0IG9mIHRoZSB0ZXN0"),
 *   body: { type: "trip.booked" }
 * }).pipe(
 *   Effect.map((signed) => new Request("http://localhost/webhooks/spotnana", { method: "POST", ...signed }))
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const sign = (options: Options): Effect.Effect<SignedDelivery> =>
  Effect.gen(function*() {
    const { age = 0, ahead = 0, secrets, wrong } = options
    const mac = yield* Mac.Mac
    const random = yield* SecureRandom.SecureRandom
    const id = options.id ?? `msg_${Hex.encode(yield* random.randomBytes(12))}`
    const now = yield* Clock.currentTimeMillis
    const signedAt = now - Duration.toMillis(Duration.fromInputUnsafe(age)) +
      Duration.toMillis(Duration.fromInputUnsafe(ahead))
    const timestamp = `${Math.floor(signedAt / 1_000)}`
    const body = bytesOf(options.body)
    const data = new Uint8Array([...utf8.encode(`${id}.${timestamp}.`), ...body])
    const signatureBy = (secret: Redacted.Redacted) =>
      Effect.gen(function*() {
        const bytes = yield* Effect.fromResult(Base64.decode(Redacted.value(secret).replace(/^whsec_/, "")))
        const key = yield* Mac.key(Mac.hmacSha256, bytes)
        const signature = wrong === "Signature" ? yield* random.randomBytes(32) : yield* mac.sign(key, data)
        return `v1,${Base64.encode(signature)}`
      })
    const signatures = yield* Effect.forEach(Redacted.isRedacted(secrets) ? [secrets] : secrets, signatureBy)
    return {
      headers: {
        "content-type": "application/json",
        "x-spotnana-webhook-id": id,
        "x-spotnana-webhook-timestamp": timestamp,
        "x-spotnana-webhook-signature": signatures.join(" ")
      },
      body: wrong === "Body" ? new Uint8Array([...body, 0x20]) : body
    }
  }).pipe(Effect.orDie, Effect.provide(crypto))

/**
 * Sends a delivery until it is accepted, and returns the status of each attempt.
 *
 * **Details**
 *
 * Each attempt has the same id and a new signature. There are up to `attempts`
 * attempts (default 3), a second apart. After the first answer of 2xx, the
 * delivery is sent `duplicates` times more (default 0), as by a sender that never
 * received the answer.
 *
 * **Example** (A handler that is called twice)
 *
 * ```ts
 * import { WebhookSender } from "@effect-spotnana/testing"
 * import { Effect, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const statuses = WebhookSender.deliver("http://127.0.0.1:3000/webhooks/spotnana", {
 *   secrets: Redacted.make("whsec_c2VjcmV0IG9mIHRoZSB0ZXN0"),
 *   body: { type: "trip.booked" },
 *   duplicates: 1
 * }).pipe(Effect.provide(FetchHttpClient.layer))
 * ```
 *
 * @category sending
 * @since 0.1.0
 */
export const deliver = (
  url: string | URL,
  options: Options & {
    readonly attempts?: number | undefined
    readonly duplicates?: number | undefined
  }
): Effect.Effect<ReadonlyArray<number>, HttpClientError.HttpClientError, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const { attempts = 3, duplicates = 0 } = options
    const { headers } = yield* sign(options)
    const id = headers["x-spotnana-webhook-id"]
    const send = Effect.gen(function*() {
      const signed = yield* sign({ ...options, id })
      const response = yield* HttpClient.execute(
        HttpClientRequest.post(url, { headers: signed.headers }).pipe(
          HttpClientRequest.bodyUint8Array(signed.body, "application/json")
        )
      )
      return response.status
    })
    const statuses: Array<number> = []
    const isAccepted = () => statuses.some((status) => status >= 200 && status < 300)
    while (!isAccepted() && statuses.length < attempts) {
      if (statuses.length > 0) yield* Effect.sleep("1 second")
      statuses.push(yield* send)
    }
    if (!isAccepted()) return statuses
    return [...statuses, ...(yield* Effect.replicateEffect(send, duplicates))]
  })
