// Each wrong edit of how processes share is found by the simulation of a fleet, in the same way.
import { describe, it } from "@effect/vitest"
import { mutants } from "./fleetSimulation/mutants.ts"
import { findAll } from "./simulation/findMutants.ts"

describe("mutants of sharing", () => {
  it("each is found by the simulation of a fleet", (context) =>
    findAll(context, {
      title: "Mutants of sharing, and what found them",
      of: "mutants of sharing",
      claim: "found by the simulation of a fleet",
      mutants,
      args: ["--fleet"]
    }))
})
