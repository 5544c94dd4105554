// Each wrong edit of the engine is found by the referee: by an invariant, not by a crash.
import { assert, describe, it } from "@effect/vitest"
import { reportFigure, reportTable } from "../../core/test/support/figures.ts"
import type { Engine } from "./simulation/engine.ts"
import { simulate } from "./simulation/history.ts"
import { Violation } from "./simulation/model.ts"
import { mutants } from "./simulation/mutants.ts"
import { mutate } from "./simulation/mutate.ts"
import { scenarios } from "./simulation/scenarios.ts"

const histories = 4_000
// All of them take some seconds. What never yields is ended by the clock, and by the events that a history may have.
const longest = 100_000

const findInScenarios = (engine: Engine): readonly [string, string] | undefined => {
  for (const { name, run } of scenarios) {
    try {
      run({ engine, onTransition: undefined })
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      return [`invariant ${error.invariant}`, `scenario: ${name}`]
    }
  }
  return undefined
}

const find = (engine: Engine, isOver: () => boolean): readonly [string, string] | undefined => {
  const { found } = simulate({ engine, histories, seed: 1, isOver, isShrunk: false })
  return found === undefined
    ? findInScenarios(engine)
    : [`invariant ${found.violation.invariant}`, `history ${found.index}`]
}

describe("mutants", () => {
  it("each is found by the simulation or a scenario", { timeout: 120_000 }, async (context) => {
    const startedAt = performance.now()
    const isOver = () => performance.now() - startedAt > longest
    const rows: Array<ReadonlyArray<string>> = []
    for (const { file, from, name, to } of mutants) {
      const found = find(await mutate(file, from, to), isOver)
      assert.isDefined(found, `not found: ${name}`)
      rows.push([name, ...found])
    }
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    reportTable(context, {
      title: "Mutants of the engine, and what found them",
      columns: ["mutant", "found by", "in"],
      rows
    })
    reportFigure(context, {
      of: "mutants of the engine",
      figure: `${rows.length} of ${mutants.length}`,
      claim: `found by an invariant, in ${seconds} s`
    })
  })

  it("are at least thirty, and each has a name of its own", () => {
    assert.isAtLeast(mutants.length, 30)
    assert.strictEqual(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  })
})
