import { Webhook } from "@effect-spotnana/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Redacted from "effect/Redacted"
import type { Header } from "./headers.ts"

/** A delivery as it was received. */
export interface Recorded {
  readonly headers: ReadonlyArray<Header>
  readonly body: Uint8Array
}

/** The result: the delivery, or what is wrong with it. */
export type Finding =
  | { readonly ok: true; readonly id: string; readonly timestamp: string }
  | {
    readonly ok: false
    readonly problem: Webhook.InvalidWebhook["problem"]
    readonly message: string
    readonly advice?: string
  }

// Longer than anybody stores a delivery.
const anyAge = Duration.days(36_500)

const lineFeed = 0x0a

/** The body without the last line break, which editors and `echo` add. */
const withoutLineBreak = (body: Uint8Array): Uint8Array =>
  body.at(-1) === lineFeed ? body.slice(0, body.at(-2) === 0x0d ? -2 : -1) : body

/** Verifies a delivery, and looks for the reason if it is not valid. */
export const examine = (
  { body, headers }: Recorded,
  options: { readonly secrets: ReadonlyArray<Redacted.Redacted>; readonly tolerance?: Duration.Duration | undefined }
): Effect.Effect<Finding> => {
  const passes = (body: Uint8Array) =>
    Effect.map(
      Effect.exit(Webhook.verify({ headers, body }, { ...options, tolerance: anyAge })),
      Exit.isSuccess
    )
  /** Whether the signature matches, whatever the time. */
  const signature = Effect.gen(function*() {
    if (yield* passes(body)) return "fits"
    return (yield* passes(withoutLineBreak(body))) ? "fitsWithoutLineBreak" : "doesNotFit"
  })
  const withoutLineBreakFits = "The signature matches the body without the line break at its end."
  const adviceOn = Effect.fnUntraced(function*(
    problem: Webhook.InvalidWebhook["problem"]
  ): Effect.fn.Return<string | undefined> {
    if (problem === "MissingHeader") return "Give the headers of the delivery with --header or --headers-file."
    if (problem === "InvalidTimestamp") return undefined
    const found = yield* signature
    if (problem === "NoMatchingSignature") return found === "doesNotFit" ? undefined : withoutLineBreakFits
    return {
      fits: "The signature matches. For a recorded delivery set --tolerance, such as --tolerance 24h.",
      fitsWithoutLineBreak: withoutLineBreakFits,
      doesNotFit: "The signature does not match either."
    }[found]
  })
  return Webhook.verify({ headers, body }, options).pipe(
    Effect.map(({ id, timestamp }): Finding => ({ ok: true, id, timestamp: DateTime.formatIso(timestamp) })),
    Effect.catch(({ message, problem }) =>
      Effect.map(
        adviceOn(problem),
        (advice): Finding => ({ ok: false, problem, message, ...(advice === undefined ? undefined : { advice }) })
      )
    )
  )
}
