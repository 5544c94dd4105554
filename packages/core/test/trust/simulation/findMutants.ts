import { expect } from "@effect/vitest"
import type { TestContext } from "vitest"
import { runToEnd } from "../../../../../scripts/processes.ts"
import { reportFigure, reportTable } from "../../support/figures.ts"
import type { Found } from "./findEach.ts"
import type { Mutant } from "./mutants.ts"

/** Mutants that the simulation has to find. */
export interface Search {
  readonly title: string
  readonly of: string
  readonly claim: string
  readonly mutants: ReadonlyArray<Mutant>
}

/** Finds every mutant by an invariant, and reports which it was. */
export const findAll = async (context: TestContext, { claim, mutants, of, title }: Search): Promise<void> => {
  const { stderr, stdout } = await runToEnd(
    process.execPath,
    ["packages/core/test/trust/simulation/findEach.ts", ...mutants.map(({ name }) => name)]
  )
  const said = stdout.split("\n").filter((line) => line !== "").map((line): Found => JSON.parse(line))
  const rows = mutants.map(({ name, seed = 1 }, index) => {
    const { crash, violation } = said[index] ?? { crash: stderr.slice(-2_000) }
    const [, invariant] = /^(invariant \d+): /.exec(violation?.message ?? "") ?? []
    expect([name, invariant === undefined ? violation?.message ?? crash ?? "not found" : "found"]).toEqual([
      name,
      "found"
    ])
    return [name, invariant!, String(violation!.after), String(seed)]
  })
  reportTable(context, { title, columns: ["mutant", "found by", "in history", "of seed"], rows })
  reportFigure(context, { of, figure: `${rows.length} of ${mutants.length}`, claim })
}
