import { Arbitrary, Effect } from "effect"
import type { Situations, Violation } from "./model.ts"

/** What came of a history. */
export interface Report {
  readonly violation: Violation | undefined
  /** Everything that was seen, in order, one line each. */
  readonly log: ReadonlyArray<string>
  readonly searches: number
}

/** Something to live through, at random. */
export interface Simulation<History> {
  readonly history: Arbitrary.Arbitrary<History>
  readonly live: (history: History, situations: Situations) => Effect.Effect<Report>
}

/** What came of many histories. */
export interface Result<History> {
  readonly histories: number
  readonly events: number
  readonly searches: number
  readonly situations: Situations
  readonly failure: Failure<History> | undefined
}

/** The first history that broke an invariant, made as small as it would go. */
export interface Failure<History> {
  readonly violation: Violation
  readonly history: History
  readonly log: ReadonlyArray<string>
  /** After how many histories it was found. */
  readonly after: number
  /** Replays exactly this history. */
  readonly replay: string
}

/** Lives through random histories until one breaks an invariant; shrinks that one. */
export const run = <History>({ history, live }: Simulation<History>, options: {
  readonly histories: number
  readonly seed: number
  readonly replay?: string | undefined
  /** How often to try to make a failing history smaller: 2,000 times unless it says otherwise. */
  readonly shrinks?: number | undefined
  readonly onHistory?: ((count: number) => void) | undefined
}): Effect.Effect<Result<History>> =>
  Effect.gen(function*() {
    const situations: Situations = new Map()
    let histories = 0
    let events = 0
    let searches = 0
    const checked = yield* Arbitrary.checkEffect(
      history,
      (history) =>
        Effect.map(live(history, situations), (report) => {
          histories += 1
          events += report.log.length
          searches += report.searches
          options.onHistory?.(histories)
          return report.violation === undefined
        }),
      {
        runs: options.histories,
        seed: options.seed,
        size: 100,
        replay: options.replay,
        maxShrinks: options.shrinks ?? 2_000
      }
    )
    const done = { histories, events, searches, situations }
    switch (checked._tag) {
      case "Passed":
        return { ...done, failure: undefined }
      case "Falsified": {
        const { log, violation } = yield* live(checked.shrunkInput, new Map())
        if (violation === undefined) return yield* Effect.die(new Error("a failing history did not fail again"))
        return {
          ...done,
          failure: { violation, log, history: checked.shrunkInput, after: checked.runs, replay: checked.replay }
        }
      }
      default:
        return yield* Effect.die(new Error(Arbitrary.formatCheckFailure(checked)))
    }
  })
