// Each wrong edit of the core is found by the simulation: by an invariant, not by a crash or a time-out.
import { describe, expect, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { reportFigure, reportTable } from "../support/figures.ts"
import type { Mutant } from "./simulation/mutants.ts"
import { mutants } from "./simulation/mutants.ts"

const simulate = ({ name, seed = 1 }: Mutant): Promise<string> =>
  new Promise((resolve) => {
    const script = [
      "--import",
      "./packages/core/test/trust/simulation/mutate.ts",
      "packages/core/test/trust/simulate.ts"
    ]
    execFile(
      process.execPath,
      [...script, "--histories", "2000", "--seed", String(seed)],
      { env: { ...process.env, MUTANT: name }, maxBuffer: 2 ** 28 },
      (_, stdout, stderr) => resolve(stdout.startsWith("invariant") ? stdout : stdout + stderr)
    )
  })

describe("mutants", () => {
  it("each is found by the simulation", async (context) => {
    const waiting = [...mutants.entries()]
    const rows: Array<ReadonlyArray<string>> = []
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, mutant] = next
        const said = await simulate(mutant)
        const [, invariant] = /^(invariant \d+): /.exec(said) ?? []
        expect([mutant.name, invariant === undefined ? said.slice(-2_000) : "found"]).toEqual([mutant.name, "found"])
        rows[index] = [mutant.name, invariant!, /^Found in history (\d+)/m.exec(said)![1]!, String(mutant.seed ?? 1)]
      }
    }
    await Promise.all([work(), work()])
    reportTable(context, {
      title: "Mutants of the core, and what found them",
      columns: ["mutant", "found by", "in history", "of seed"],
      rows
    })
    reportFigure(context, {
      of: "mutants",
      figure: `${rows.length} of ${mutants.length}`,
      claim: "found by the simulation"
    })
  })
})
