// What holds of each picture that is drawn from a run.
import { Effect } from "effect"
import * as Fs from "node:fs"
import { expect, it } from "vitest"
import { xmlFaults } from "./xml.ts"

export const holdsOfPicture = (
  file: string,
  makePicture: Effect.Effect<{ readonly svg: string }>,
  svg: string
): void => {
  it("is what the library does now", () => {
    expect(Fs.readFileSync(file, "utf8") === svg, `${file} is not what the library does now: run pnpm pictures`).toBe(
      true
    )
  })

  it("is the same whenever it is drawn", async () => {
    expect((await Effect.runPromise(makePicture)).svg).toBe(svg)
  })

  it("is well-formed XML", () => {
    expect(xmlFaults(svg)).toEqual([])
  })
}
