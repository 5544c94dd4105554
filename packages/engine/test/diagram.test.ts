// The picture of README.md shows the transitions that the histories of the simulation see.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Path from "node:path"
import { holdsOfPicture } from "../../../scripts/drawn.ts"
import { draw } from "./diagram/draw.ts"
import { edges, phases } from "./diagram/transitions.ts"

const file = Path.join(import.meta.dirname, "../lifecycle.svg")
const makePicture = Effect.sync(() => ({ svg: draw(edges()) }))

describe("the picture of the lifecycle", () => {
  holdsOfPicture(file, makePicture, Effect.runSync(makePicture).svg)

  it("shows a way into each phase and out of it", () => {
    const drawn = edges()
    for (const phase of phases) {
      assert.isTrue(drawn.some(({ from }) => from === phase), `a way out of ${phase}`)
      assert.isTrue(phase === "empty" || drawn.some(({ to }) => to === phase), `a way into ${phase}`)
    }
  })
})
