import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { reportFigure, reportSearches, reportTable } from "../support/figures.ts"
import { simulation } from "./fleetSimulation/world.ts"
import { run } from "./simulation/run.ts"

const histories = 200
const seed = 3

/** Where a run must have been, or it has stopped exploring. */
const situations = [
  "Retry-After",
  "a call failed: InvalidCredentials",
  "a call failed: TokenEndpointUnavailable",
  "a call failed: TokenExpired",
  "a backoff for all",
  "a backoff seen",
  "a lease was lost",
  "a rejection",
  "a request for all",
  "a write came too late",
  "alone: a request without a lease",
  "back at the store",
  "came late, and gave way",
  "closed with the lease",
  "credentials refused",
  "killed with the lease",
  "stopped with the lease",
  "the store was emptied",
  "told of a token before anybody needed it",
  "took over a token",
  "waited for what another one asked for",
  "waited for the process that has the lease",
  "waited too long for the lease"
]

describe("simulation of a fleet", () => {
  it.live(`${histories} random sequences of events in 2 to 6 processes break no invariant`, (context) =>
    Effect.gen(function*() {
      const result = yield* run(simulation, { histories, seed })
      expect(
        result.failure === undefined ? "every invariant held" : [
          result.failure.violation.message,
          `node packages/core/test/trust/simulate.ts --fleet --replay '${result.failure.replay}'`
        ]
      ).toBe("every invariant held")
      const reached = [...result.situations].toSorted(([a], [b]) => a.localeCompare(b))
      expect(situations.filter((situation) => !result.situations.has(situation))).toEqual([])
      reportTable(context, {
        title: `Where ${histories} random histories of a fleet have been (seed ${seed})`,
        columns: ["situation", "times"],
        rows: reached.map(([situation, times]) => [situation, String(times)])
      })
      reportFigure(context, {
        of: "histories of a fleet through Effect",
        figure: `${result.histories}`,
        claim: `${result.events} events of 2 to 6 processes, each allowed by the rules between processes`
      })
      reportSearches(context, result.searches)
    }))
})
