import * as Clock from "effect/Clock"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { duration } from "../options.ts"
import { keyOf, secretProblem } from "./secrets.ts"

/** What is wrong with a delivery. */
export type Problem =
  | "MissingHeader"
  | "InvalidTimestamp"
  | "TimestampTooOld"
  | "TimestampInFuture"
  | "NoMatchingSignature"

/** A verified delivery. */
export interface Delivery {
  readonly id: string
  readonly timestamp: DateTime.Utc
  readonly body: Uint8Array<ArrayBuffer>
}

export interface Options {
  readonly secrets: Redacted.Redacted | ReadonlyArray<Redacted.Redacted>
  readonly tolerance?: Duration.Input | undefined
}

interface Refusal {
  readonly problem: Problem
  readonly message: string
}

const headerNames = {
  id: "x-spotnana-webhook-id",
  timestamp: "x-spotnana-webhook-timestamp",
  signature: "x-spotnana-webhook-signature"
} as const

// A rotation needs two. Each one costs a comparison with each secret.
const maxSignatures = 16

const mac = /* #__PURE__ */ Mac.layerWebCrypto.pipe(/* #__PURE__ */ Layer.provide(SecureRandom.layerWebCrypto))

/**
 * Signatures of the version that is signed with a shared secret; Standard Webhooks writes `v1,` before each. HTTP joins
 * several headers of one name to one, with a comma and a space in between (RFC 9110 §5.3).
 */
const signaturesOf = (header: string): ReadonlyArray<Uint8Array> =>
  header.split(/,? /).slice(0, maxSignatures).flatMap((entry) => {
    const bytes = Base64.decode(entry.startsWith("v1,") ? entry.slice(3) : entry)
    return Result.isSuccess(bytes) ? [bytes.success] : []
  })

const signedBytes = (id: string, timestamp: string, body: Uint8Array): Uint8Array => {
  // In Express a body has the type `any`. Not `instanceof`: in a test runner it may be of another realm.
  if (!ArrayBuffer.isView(body)) {
    throw new TypeError(
      "Webhook.verify: the body is not a Uint8Array; expected the bytes as they were received, before they are parsed"
    )
  }
  const head = new TextEncoder().encode(`${id}.${timestamp}.`)
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

/** Checks the options once, and throws if they cannot be used. The result checks deliveries. */
export const makeVerify = ({ secrets, tolerance: input = "5 minutes" }: Options) => {
  const all = [secrets].flat()
  const keys = all.map((secret, index) => {
    const key = keyOf(secret)
    if (key === undefined) throw new TypeError(`Webhook.secrets: ${secretProblem(index + 1, all.length)}`)
    return key
  })
  if (keys.length === 0) throw new TypeError("Webhook.secrets is empty: without a secret nothing can be verified")
  const tolerance = duration("Webhook.tolerance", input, 1)
  const tolerated = Duration.toMillis(tolerance)
  const imported = Effect.runSync(Effect.forEach(keys, (key) => Mac.key(Mac.hmacSha256, key)))

  const isSigned = (signatures: ReadonlyArray<Uint8Array>, data: Uint8Array): Effect.Effect<boolean> =>
    Effect.gen(function*() {
      const { verify } = yield* Mac.Mac
      for (const key of imported) {
        for (const signature of signatures) {
          if (yield* verify(key, signature, data)) return true
        }
      }
      return false
    }).pipe(Effect.orDie, Effect.provide(mac))

  return Effect.fnUntraced(function*(input: Headers.Input, body: Uint8Array): Effect.fn.Return<Delivery, Refusal> {
    const refuse = (problem: Problem, message: string) => Effect.fail<Refusal>({ problem, message })
    const headers = Headers.fromInput(input)
    for (const name of Object.values(headerNames)) {
      if ((headers[name] ?? "") === "") return yield* refuse("MissingHeader", `The header ${name} is missing.`)
    }
    const id = headers[headerNames.id]!
    const seconds = headers[headerNames.timestamp]!
    if (!/^\d{1,11}$/.test(seconds)) {
      return yield* refuse("InvalidTimestamp", `${headerNames.timestamp} is not a number of Unix seconds.`)
    }
    const at = Number(seconds) * 1_000
    const age = (yield* Clock.currentTimeMillis) - at
    const limit = Duration.format(tolerance)
    if (age > tolerated) {
      return yield* refuse(
        "TimestampTooOld",
        `The delivery was signed more than ${limit} ago. If it is a new one, this machine's clock is ahead: compare ` +
          "the clocks."
      )
    }
    if (-age > tolerated) {
      return yield* refuse(
        "TimestampInFuture",
        `The delivery was signed more than ${limit} from now. This machine's clock may be behind: compare the clocks.`
      )
    }
    if (!(yield* isSigned(signaturesOf(headers[headerNames.signature]!), signedBytes(id, seconds, body)))) {
      return yield* refuse(
        "NoMatchingSignature",
        "No signature of the delivery was made with one of the secrets: compare them with Spotnana's, and verify the " +
          "body as it came, before it is parsed."
      )
    }
    // Copied: a body may be in shared memory, which a `Request` or a `Response` does not accept.
    return { id, timestamp: DateTime.makeUnsafe(at), body: new Uint8Array(body) }
  })
}
