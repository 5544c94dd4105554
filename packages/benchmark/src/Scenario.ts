// A scenario, and its result: a table, goals with their figures, and plots.
import type { Peer, ScenarioId } from "./Peer.ts"

/** A goal and its result. */
export interface Goal {
  /** The goal: `at most 0.25 µs over the constant bearer`. */
  readonly goal: string
  /** What was measured, with its unit. */
  readonly figure: string
  readonly met: boolean
}

/** A picture beside the results. */
export interface Plot {
  /** The name of its file, below `results/`. */
  readonly file: string
  /** What it shows, for readers who cannot see it. */
  readonly title: string
  readonly svg: string
}

/** The result of a scenario. */
export interface Report {
  readonly columns: ReadonlyArray<string>
  /** The row of each peer, and of the floor. A row without figures has the reason in its second cell. */
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly goals: ReadonlyArray<Goal>
  /** Notes to the table, one sentence each. */
  readonly notes: ReadonlyArray<string>
  readonly plots?: ReadonlyArray<Plot> | undefined
}

/** How much is measured: everything, or just enough to show that each scenario works. */
export interface Extent {
  readonly quick: boolean
  /** The peers that are measured. */
  readonly peers: ReadonlyArray<Peer>
  /** Prints the progress. */
  readonly say: (line: string) => void
}

export interface Scenario {
  readonly id: ScenarioId
  readonly title: string
  /** What is measured and how, for the reader of the results. */
  readonly what: string
  readonly run: (extent: Extent) => Promise<Report>
}

/** The row of a peer that cannot run a scenario. */
export const cannot = (name: string, reason: string, columns: ReadonlyArray<string>): ReadonlyArray<string> => [
  name,
  `cannot: ${reason}`,
  ...columns.slice(2).map(() => "–")
]
