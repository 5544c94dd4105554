// The picture of README.md is drawn by hand. It shows the transitions that the histories of the simulation see.
import { assert, describe, it } from "@effect/vitest"
import * as Path from "node:path"
import { readPicture } from "../../../scripts/pictures/svg.ts"
import { edges, phases } from "./transitions.ts"

const { lines, texts } = readPicture(Path.join(import.meta.dirname, "../lifecycle.svg"))

describe("the picture of the lifecycle", () => {
  it("describes the transitions that the simulation sees, and no others", () => {
    assert.deepStrictEqual(lines, edges().map(({ causes, from, to }) => `${from} to ${to}: ${causes.join(", ")}.`))
  })

  it("shows each phase, and each event that leads from one to another", () => {
    const causes = new Set(edges().flatMap(({ causes }) => causes).filter((cause) => cause !== "Time"))
    const shown = [...texts].join("\n")
    assert.deepStrictEqual([...phases, ...causes].filter((word) => !shown.includes(word)), [])
  })
})
