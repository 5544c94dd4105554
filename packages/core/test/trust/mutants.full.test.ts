// Each wrong edit of the core is found by the simulation: by an invariant, not by a crash or a time-out.
import { describe, it } from "@effect/vitest"
import { findAll } from "./simulation/findMutants.ts"
import { mutants } from "./simulation/mutants.ts"

describe("mutants", () => {
  it("each is found by the simulation", (context) =>
    findAll(context, {
      title: "Mutants of the core, and what found them",
      of: "mutants of the provider",
      claim: "found by the simulation",
      mutants
    }))
})
