import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * The progress of a request to the API: it waits for a free place (`queued`) or for a token (`token`), it was sent and
 * is not answered (`sent`), or it was answered 401 and waits for another token (`rejected`).
 */
export type Stage = "queued" | "token" | "sent" | "rejected"

/** What is known about a request that has no answer yet. */
export interface Progress {
  stage: Stage
  /** When its progress last changed, on the monotonic clock. */
  at: bigint
}

export const make: Effect.Effect<Progress> = Effect.map(
  Clock.monotonicTimeNanos,
  (at): Progress => ({ stage: "queued", at })
)

/** The progress of the request that a fiber serves. */
export const Current = Context.Reference<Progress>("@effect-spotnana/cli/proxy/Progress", {
  defaultValue: () => ({ stage: "queued", at: 0n })
})

/** Records that a request has reached this stage, or that more of its body was sent. */
export const reach = (stage: Stage): Effect.Effect<void> =>
  Effect.gen(function*() {
    const progress = yield* Current
    progress.stage = stage
    progress.at = yield* Clock.monotonicTimeNanos
  })
