import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * How far a request has come on its way to the API: it waits for its turn, or for a token; it was sent, and is not answered;
 * or it was answered 401, and waits for another token.
 */
export type Stage = "queued" | "token" | "sent" | "rejected"

/** What is known of a request that has no answer yet. */
export interface Progress {
  stage: Stage
  /** When something happened to it last, on the monotonic clock. */
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

/** Notes that a request has come so far, or that its body goes on. */
export const reach = (stage: Stage): Effect.Effect<void> =>
  Effect.gen(function*() {
    const progress = yield* Current
    progress.stage = stage
    progress.at = yield* Clock.monotonicTimeNanos
  })
