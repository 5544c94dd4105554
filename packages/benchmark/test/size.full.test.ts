import * as Fs from "node:fs"
import { isBuiltin } from "node:module"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { bundle, firstProgram, goal, input, measure, measureWhole, withValues } from "../../../scripts/size/measure.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import { size } from "../src/scenarios/size.ts"
import { programs } from "../src/support/programs.ts"
import { named, quickly } from "./support/extent.ts"

const bytesIn = (cell: string | undefined): number => Number(cell?.replaceAll(/[ ,B]/g, ""))

describe("size", () => {
  it.each(Fs.readdirSync(programs))("of %s is that of all it imports but Node's own modules", async (program) => {
    const { dynamicImports, imports } = await bundle({ input: Path.join(programs, program), platform: "node" })
    expect([...imports, ...dynamicImports].filter((name) => !isBuiltin(name))).toEqual([])
  })

  it("of the library is with effect, and that of the core without", async () => {
    const ofEffect = ([file]: readonly [string, number]) => file.includes("/effect/dist/")
    expect((await measureWhole(input, firstProgram())).modules.some(ofEffect)).toBe(true)
    expect((await measure(firstProgram())).modules.some(ofEffect)).toBe(false)
  })

  it("has the bytes of each, and judges the core by what `pnpm size` measures", async () => {
    const unable = named("unable", [], { size: "it has no size" })
    const smithy = named("smithy", ["@smithy/core"])
    const { columns, goals, rows } = await size.run(quickly([spotnana, smithy, unable]))
    expect(rows.map(([name]) => name)).toEqual([
      "effect-spotnana, core and engine, by layerConfig",
      "effect-spotnana, core and engine, by layer with values",
      "effect-spotnana, with effect, by layerConfig",
      "effect-spotnana, with effect, by layer with values",
      "an application with Schema, Config and HttpClient",
      "the same application with the library",
      "smithy",
      "unable",
      "HttpClient, constant bearer",
      "fetch, no library"
    ])
    for (const row of rows) expect(row.length).toBe(columns.length)
    const byConfig = (await measure(firstProgram())).gzip
    const byValues = (await measure(withValues(firstProgram()))).gzip
    const gzips = rows.map((row) => bytesIn(row[2]))
    expect(gzips.slice(0, 2)).toEqual([byConfig, byValues])
    // Values take less than configuration; effect, the application and the library each take something.
    expect(gzips[0]).toBeGreaterThan(gzips[1]!)
    expect(gzips[3]).toBeGreaterThan(gzips[1]!)
    expect(gzips[2]).toBeGreaterThan(gzips[3]!)
    expect(gzips[5]).toBeGreaterThan(gzips[4]!)
    expect(gzips[8]).toBeGreaterThan(gzips[9]!)
    expect(rows[7]![1]).toBe("cannot: it has no size")
    expect(goals.map(({ met }) => met)).toEqual([
      gzips[5]! - gzips[4]! <= 15_000,
      byConfig <= goal,
      byValues <= 9_600,
      gzips[3]! <= 50_000
    ])
  })

  it("of an application is that of Schema and Config already, with the library and without", async () => {
    const modulesOf = async (program: string) =>
      (await measureWhole(Path.join(programs, "../size", program))).modules.map(([module]) => module)
    const [alone, authenticated] = [
      await modulesOf("application.mjs"),
      await modulesOf("applicationWithSpotnana.mjs")
    ]
    for (const used of ["Schema.js", "Config.js", "http/HttpClient.js"]) {
      for (const modules of [alone, authenticated]) {
        expect(modules.some((module) => module.endsWith(`effect/dist/${used}`))).toBe(true)
      }
    }
    const ofLibrary = (module: string) => module.startsWith("packages/core/")
    expect([alone.some(ofLibrary), authenticated.some(ofLibrary)]).toEqual([false, true])
  })
})
