// Each wrong edit of how processes share is found by the simulation of a fleet, in the same way.
import { describe, it } from "@effect/vitest"
import { mutants } from "./fleetSimulation/mutants.ts"
import { findAll } from "./simulation/findMutants.ts"
import { expectReplays } from "./simulation/replays.ts"

describe("mutants of sharing", () => {
  it("each is found by the simulation of a fleet", (context) =>
    findAll(context, {
      title: "Mutants of sharing, and what found them",
      of: "mutants of sharing",
      claim: "found by the simulation of a fleet",
      mutants
    }))

  it("the same seed is the same run, and a violation is replayed and shrunk", async () => {
    await expectReplays("do not extend the lease", "--fleet")
  })
})
