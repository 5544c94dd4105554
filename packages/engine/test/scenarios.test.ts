// One situation each, with the referee of the simulation watching.
import { describe, it } from "@effect/vitest"
import { engine } from "./simulation/engine.ts"
import { scenarios } from "./simulation/scenarios.ts"

describe("scenarios", () => {
  it.each(scenarios)("$name", ({ run }) => run({ engine, onTransition: undefined }))
})
