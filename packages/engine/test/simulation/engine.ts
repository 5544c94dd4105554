import * as Instant from "../../src/Instant.ts"
import * as Lifecycle from "../../src/Lifecycle.ts"
import * as Policy from "../../src/Policy.ts"

/** What the simulation runs: the engine, or a copy of it with one wrong rule. */
export interface Engine {
  readonly Instant: typeof Instant
  readonly Policy: typeof Policy
  readonly Lifecycle: typeof Lifecycle
}

export const engine: Engine = { Instant, Policy, Lifecycle }
