// Random histories until one breaks an invariant: `node packages/engine/test/simulate.ts --histories 1000000 --seed 7`.
import { parseArgs } from "node:util"
import { engine } from "./simulation/engine.ts"
import { describe, simulate } from "./simulation/history.ts"

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" }
  }
})

const count = (name: string, text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 1) return value
  console.error(`--${name} is ${text}; expected a whole number of at least 1`)
  process.exit(2)
}

const startedAt = performance.now()
const { events, found, histories, situations } = simulate({
  engine,
  histories: count("histories", values.histories),
  seed: count("seed", values.seed)
})
const seconds = (performance.now() - startedAt) / 1_000

if (found === undefined) {
  for (const [situation, times] of [...situations].toSorted(([a], [b]) => a.localeCompare(b))) {
    console.log(`${times}\t${situation}`)
  }
  console.log(`${histories} histories of ${events} events in ${seconds.toFixed(1)} s: every invariant held`)
} else {
  console.log(describe(found))
  process.exitCode = 1
}
