// What the library adds to an application is what it says it is.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { reportFigure, reportTable } from "../packages/core/test/support/figures.ts"
import { budget, firstProgram, goal, measure, optionalModules, sizes, withModule, withValues } from "./size/measure.ts"

describe("size", () => {
  // With an empty list, rollup's resolver takes every module for one with side effects, and leaves none out.
  it.each(["core", "effect3", "engine", "testing"])("%s says that its modules have no side effects", (name) => {
    expect(JSON.parse(Fs.readFileSync(`packages/${name}/package.json`, "utf8")).sideEffects).toBe(false)
  })

  it("is told", async (context) => {
    const rows = await sizes()
    reportTable(context, {
      title: "Bytes that the library adds to a bundle, effect aside",
      columns: ["what", "minified", "gzip -9", "brotli"],
      rows: rows.map(([what, { brotli, gzip, minified }]) => [what, ...[minified, gzip, brotli].map(String)])
    })
    expect(rows.length).toBe(optionalModules.length + 2)
  })

  it("of the first program is within its budget", async (context) => {
    const { gzip } = await measure(firstProgram())
    reportFigure(context, {
      of: "bytes of the first program, minified and compressed by gzip -9",
      figure: String(gzip),
      claim: `at most ${budget}, effect aside; the goal of ${goal} is ${gzip > goal ? "missed" : "met"}`
    })
    expect(gzip).toBeLessThanOrEqual(budget)
  })

  it.each(optionalModules)("has nothing of %s where that is not used", async (module) => {
    const isThere = ([file]: readonly [string, number]) => Path.basename(file, ".ts") === module
    expect((await measure(firstProgram())).modules.filter(isThere)).toEqual([])
    expect((await measure(withModule(module))).modules.filter(isThere).length).toBe(1)
  })

  it("has nothing of the configuration where the credentials are values", async () => {
    const ofConfiguration = ([file]: readonly [string, number]) => Path.basename(file) === "variables.ts"
    expect((await measure(firstProgram())).modules.filter(ofConfiguration).length).toBe(1)
    expect((await measure(withValues(firstProgram()))).modules.filter(ofConfiguration)).toEqual([])
  })
})
