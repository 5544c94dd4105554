// Runs the simulation on mutants, one after the other, until each is found, and prints a line of JSON for each. Effect is
// loaded once for all of them. The core and the simulation are loaded for each mutant anew: every module has the mutant's
// number in its address.
import { Effect } from "effect"
import { registerHooks, stripTypeScriptTypes } from "node:module"
import { mutants as ofFleet } from "../fleetSimulation/mutants.ts"
import type { Mutant } from "./mutants.ts"
import { edited, mutants } from "./mutants.ts"
import type { run as Run, Simulation } from "./run.ts"

/** What the simulation said about a mutant. */
export interface Found {
  readonly name: string
  /** The message of the violation, and the number of the history; absent if every history ended well. */
  readonly violation?: { readonly message: string; readonly after: number }
  /** A crash of the simulation. */
  readonly crash?: string
}

const sources = new Map<string, string>()

/** The module of a file, with the one edit that the mutant makes. */
const moduleOf = (path: string, source: string, mutant: Mutant): string => {
  if (path.endsWith(`/packages/core/src/${mutant.file}`)) return stripTypeScriptTypes(edited(source, mutant))
  const known = sources.get(path) ?? stripTypeScriptTypes(source)
  sources.set(path, known)
  return known
}

const all = [...mutants, ...ofFleet]
const mutantIn = (url: string): Mutant | undefined => all[Number(/\?mutant=(\d+)$/.exec(url)?.[1] ?? -1)]

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const resolved = nextResolve(specifier, context)
    const [query] = /\?mutant=\d+$/.exec(context.parentURL ?? "") ?? []
    // Nothing else imports the core.
    const isForEach = query !== undefined && /\/packages\/(core|testing)\/.*\.ts$/.test(resolved.url)
    return isForEach ? { ...resolved, url: resolved.url + query } : resolved
  },
  load: (url, context, nextLoad) => {
    const mutant = mutantIn(url)
    if (mutant === undefined) return nextLoad(url, context)
    const { source } = nextLoad(url, context)
    const text = new TextDecoder().decode(source as Uint8Array)
    return { format: "module", source: moduleOf(new URL(url).pathname, text, mutant) }
  }
})

const find = async (mutant: Mutant): Promise<Found> => {
  const { name, seed = 1 } = mutant
  const query = `?mutant=${all.indexOf(mutant)}`
  const { run } = (await import(`./run.ts${query}`)) as { readonly run: typeof Run }
  const { simulation } = (await import(
    ofFleet.includes(mutant) ? `../fleetSimulation/world.ts${query}` : `./world.ts${query}`
  )) as { readonly simulation: Simulation<unknown> }
  // Histories grow with their index: with few of them, a mutant is found sooner.
  const { failure } = await Effect.runPromise(run(simulation, { histories: 100, seed, shrinks: 0 }))
  return failure === undefined
    ? { name }
    : { name, violation: { message: failure.violation.message, after: failure.after } }
}

for (const name of process.argv.slice(2)) {
  const mutant = all.find((mutant) => mutant.name === name)
  if (mutant === undefined) throw new Error(`There is no mutant "${name}"`)
  const found = await find(mutant).catch((error: unknown): Found => ({
    name,
    crash: error instanceof Error ? String(error.stack) : String(error)
  }))
  console.log(JSON.stringify(found))
}
