import * as Fs from "node:fs"
import { isBuiltin } from "node:module"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { bundle, firstProgram, goal, measure, measureWhole } from "../../../scripts/size/measure.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import { size } from "../src/scenarios/size.ts"
import { programOf, programs } from "../src/support/programs.ts"
import { named, quickly } from "./support/extent.ts"

const bytesIn = (cell: string | undefined): number => Number(cell?.replaceAll(/[ ,B]/g, ""))

describe("size", () => {
  it.each(Fs.readdirSync(programs))("of %s is that of all it imports but Node's own modules", async (program) => {
    const { dynamicImports, imports } = await bundle({ input: Path.join(programs, program), platform: "node" })
    expect([...imports, ...dynamicImports].filter((name) => !isBuiltin(name))).toEqual([])
  })

  it("of the library is with effect, and that of the core without", async () => {
    const ofEffect = ([file]: readonly [string, number]) => file.includes("/effect/dist/")
    expect((await measureWhole(Path.join(programs, programOf(spotnana)))).modules.some(ofEffect)).toBe(true)
    expect((await measure(firstProgram())).modules.some(ofEffect)).toBe(false)
  })

  it("has the bytes of each, and judges the core by what `pnpm size` measures", async () => {
    const unable = named("unable", [], { size: "it has no size" })
    const smithy = named("smithy", ["@smithy/core"])
    const { columns, goals, rows } = await size.run(quickly([spotnana, smithy, unable]))
    expect(rows.map(([name]) => name)).toEqual([
      "effect-spotnana, without effect",
      "effect-spotnana, with effect",
      "smithy",
      "unable",
      "HttpClient, constant bearer",
      "fetch, no library"
    ])
    for (const row of rows) expect(row.length).toBe(columns.length)
    const { gzip } = await measure(firstProgram())
    const gzips = rows.map((row) => bytesIn(row[2]))
    expect(gzips[0]).toBe(gzip)
    expect(gzips[1]).toBeGreaterThan(gzips[4]!)
    expect(gzips[4]).toBeGreaterThan(gzips[5]!)
    expect(rows[3]![1]).toBe("cannot: it has no size")
    expect(goals.map(({ met }) => met)).toEqual([gzip <= goal])
  })
})
