import { expect } from "@effect/vitest"
import type { TestContext } from "vitest"
import { runToEnd } from "../../../../../scripts/processes.ts"
import { reportFigure, reportTable } from "../../support/figures.ts"
import type { Mutant } from "./mutants.ts"

/** Mutants, and the simulation that has to find each. */
export interface Search {
  readonly title: string
  readonly of: string
  readonly claim: string
  readonly mutants: ReadonlyArray<Mutant>
  /** What `simulate.ts` is called with. */
  readonly args: ReadonlyArray<string>
}

// Histories grow with their index: with few of them, a mutant is found sooner.
const simulate = async ({ name, seed = 1 }: Mutant, args: ReadonlyArray<string>): Promise<string> => {
  const script = [
    "--import",
    "./packages/core/test/trust/simulation/mutate.ts",
    "packages/core/test/trust/simulate.ts"
  ]
  const { stderr, stdout } = await runToEnd(
    process.execPath,
    [...script, ...args, "--histories", "100", "--seed", String(seed), "--no-shrink"],
    { env: { ...process.env, MUTANT: name } }
  )
  return stdout.startsWith("invariant") ? stdout : stdout + stderr
}

/** Finds every mutant by an invariant, and reports which it was. */
export const findAll = async (context: TestContext, { args, claim, mutants, of, title }: Search): Promise<void> => {
  const waiting = [...mutants.entries()]
  const rows: Array<ReadonlyArray<string>> = []
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, mutant] = next
      // After a time-out the next one is not started.
      context.signal.throwIfAborted()
      const said = await simulate(mutant, args)
      const [, invariant] = /^(invariant \d+): /.exec(said) ?? []
      expect([mutant.name, invariant === undefined ? said.slice(-2_000) : "found"]).toEqual([mutant.name, "found"])
      rows[index] = [mutant.name, invariant!, /^Found in history (\d+)/m.exec(said)![1]!, String(mutant.seed ?? 1)]
    }
  }
  await Promise.all([work(), work()])
  reportTable(context, { title, columns: ["mutant", "found by", "in history", "of seed"], rows })
  reportFigure(context, { of, figure: `${rows.length} of ${mutants.length}`, claim })
}
