// That each is found is shown by the slower tests; that each can still be made is shown right away.
import { describe, expect, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { mutants as ofFleet } from "./fleetSimulation/mutants.ts"
import { mutants } from "./simulation/mutants.ts"

describe("mutants", () => {
  it.each([...mutants, ...ofFleet])("the text that \"$name\" replaces is there once", ({ file, from }) => {
    expect(Fs.readFileSync(`packages/core/src/${file}`, "utf8").split(from).length - 1).toBe(1)
  })
})
