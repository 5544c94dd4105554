// Preloaded by Node (`--import`): makes the one edit of the core that MUTANT names, as its file is loaded.
import { registerHooks } from "node:module"
import { mutants as ofFleet } from "../fleetSimulation/mutants.ts"
import { edited, mutants } from "./mutants.ts"

const mutant = [...mutants, ...ofFleet].find(({ name }) => name === process.env["MUTANT"])
if (mutant === undefined) throw new Error(`MUTANT is ${process.env["MUTANT"]}; expected one of a mutants.ts`)

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!url.endsWith(`/packages/core/src/${mutant.file}`)) return loaded
    return { ...loaded, source: edited(new TextDecoder().decode(loaded.source as Uint8Array), mutant) }
  }
})
