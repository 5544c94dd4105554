import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { runToEnd } from "../../../../scripts/processes.ts"
import { reportFigure, reportSearches, reportTable } from "../support/figures.ts"
import { expectReplays } from "./simulation/replays.ts"
import { run } from "./simulation/run.ts"
import { simulation } from "./simulation/world.ts"

const count = (variable: string, otherwise: number): number => {
  const value = Number(process.env[variable] ?? otherwise)
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new Error(`${variable} is ${process.env[variable]}; expected a whole number of at least 1`)
}

const histories = count("SIMULATION_HISTORIES", 300)
const seed = count("SIMULATION_SEED", 7)

/** Where a run must have been, or it has stopped exploring. */
const situations = [
  "Retry-After",
  "TokenExpired: NotReplayable",
  "TokenExpired: Rejected",
  "a 401 for an older token",
  "a caller was interrupted during the acquisition",
  "a rejection",
  "a renewal failed while the token was valid",
  "an acquisition failed",
  "an acquisition frozen with the process, and replaced",
  "clock set back with a token",
  "clock set forward with a token",
  "closed with callers waiting",
  "credentials refused",
  "recovered",
  "renewed while valid",
  "sent a third time",
  "sent again with another token",
  "sent again with the same token",
  "suspended",
  "the credentials source failed",
  "the same token handed out again"
]

describe("simulation of the shell", () => {
  it.live(`${histories} random histories break no invariant`, (context) =>
    Effect.gen(function*() {
      const result = yield* run(simulation, { histories, seed })
      expect(
        result.failure === undefined ? "every invariant held" : [
          result.failure.violation.message,
          `node packages/core/test/trust/simulate.ts --replay '${result.failure.replay}'`
        ]
      ).toBe("every invariant held")
      const reached = [...result.situations].toSorted(([a], [b]) => a.localeCompare(b))
      if (histories >= 300) expect(new Set(result.situations.keys())).toEqual(new Set(situations))
      reportTable(context, {
        title: `Where ${histories} random histories have been (seed ${seed})`,
        columns: ["situation", "times"],
        rows: reached.map(([situation, times]) => [situation, String(times)])
      })
      reportFigure(context, {
        of: "histories of a provider through Effect",
        figure: `${result.histories}`,
        claim: `${result.events} events, each allowed by the referee`
      })
      reportSearches(context, result.searches)
    }))

  it("the same seed is the same run, and a violation is replayed and shrunk", async () => {
    await expectReplays("never set the timer")
  })

  it("refuses a number of histories that is none", async () => {
    const { status, stderr } = await runToEnd(
      process.execPath,
      ["packages/core/test/trust/simulate.ts", "--histories", "many"]
    )
    expect([status, stderr]).toEqual([2, "--histories is many; expected a whole number of at least 1\n"])
  })
})
