// Random histories until one breaks an invariant: `pnpm simulate:shell --histories 10000 --seed 7`; with `--fleet`, of several
// processes that share a store; with `--no-shrink` the history is shown as it was found.
import { Effect } from "effect"
import { parseArgs } from "node:util"
import * as Fleet from "./fleetSimulation/world.ts"
import type { Result } from "./simulation/run.ts"
import { run } from "./simulation/run.ts"
import * as Provider from "./simulation/world.ts"

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    fleet: { type: "boolean", default: false },
    replay: { type: "string" },
    "no-shrink": { type: "boolean", default: false },
    log: { type: "boolean", default: false }
  }
})

const count = (name: string, text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 1) return value
  console.error(`--${name} is ${text}; expected a whole number of at least 1`)
  process.exit(2)
}

const histories = count("histories", values.histories)
const seed = count("seed", values.seed)

const options = {
  histories,
  seed,
  replay: values.replay,
  shrinks: values["no-shrink"] ? 0 : undefined,
  onHistory: (done: number) => {
    if (done % 1_000 === 0) console.error(`${done} of ${histories}`)
  }
}
const outcome: Effect.Effect<Result<{ readonly steps: ReadonlyArray<unknown> }>> = values.fleet
  ? run(Fleet.simulation, options)
  : run(Provider.simulation, options)
const result = await Effect.runPromise(outcome)

if (result.failure === undefined) {
  console.log(`${result.histories} histories of ${result.events} events, seed ${seed}: every invariant held`)
  for (const [situation, times] of [...result.situations].toSorted(([a], [b]) => a.localeCompare(b))) {
    console.log(`${times}\t${situation}`)
  }
} else {
  const { after, history, log, replay, violation } = result.failure
  console.log(
    `${violation.message}\n\nFound in history ${after} of seed ${seed}${values["no-shrink"] ? ":" : ", shrunk to:"}`
  )
  const { steps, ...setting } = history
  console.log(JSON.stringify(setting))
  for (const step of steps) console.log(JSON.stringify(step))
  console.log("\nWhat was seen, after milliseconds on the monotonic clock and at those of the wall clock:")
  console.log(log.slice(values.log ? 0 : -40).join("\n"))
  console.log(
    `\nReplay: node packages/core/test/trust/simulate.ts${values.fleet ? " --fleet" : ""} --replay '${replay}'`
  )
  process.exit(1)
}
