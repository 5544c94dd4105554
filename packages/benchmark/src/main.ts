// `npx pnpm@10 bench [--quick] [--update] [scenario…]`: measures, prints, and writes RESULTS.md where all was measured.
import { execFileSync } from "node:child_process"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { allPeers } from "./peers/load.ts"
import { documentOf, shown, update, write } from "./results.ts"
import type { Result } from "./results.ts"
import type { Goal } from "./Scenario.ts"
import { scenarios } from "./scenarios/index.ts"

const usage = `npx pnpm@10 bench [--quick] [--update] [scenario…]

  --quick    as little as shows that each scenario works; the figures say nothing, and nothing is written
  --update   puts the scenarios that are named into RESULTS.md, in place of what it has of them
  scenario   only these, printed and not written without --update: ${scenarios.map(({ id }) => id).join(", ")}
`

const asked = (() => {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        update: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false }
      }
    })
    const unknown = positionals.filter((name) => !scenarios.some(({ id }) => id === name))
    if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(", ")}.`)
    return { ...values, names: positionals }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return process.exit(2)
  }
})()

if (asked.help) {
  console.log(usage)
  process.exit(0)
}

const start = performance.now()
const isTerminal = process.stderr.isTTY === true
let told = ""
const say = (line: string): void => {
  // A terminal shows one line, a log one line for each scenario.
  if (isTerminal) process.stderr.write(`\r\u001b[2K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`)
  else if (line.split(":")[0] !== told) process.stderr.write(`${line}\n`)
  told = line.split(":")[0] ?? ""
}

const secondsSince = (from: number): number => (performance.now() - from) / 1000

/** The goal that it is quick enough to run after each change. */
const quickGoal = (): Goal => {
  say("all scenarios with --quick")
  const from = performance.now()
  execFileSync(process.execPath, [import.meta.filename, "--quick"], { stdio: "ignore" })
  const seconds = secondsSince(from)
  return {
    goal: "`--quick` runs all scenarios in at most 3 minutes",
    figure: `${seconds.toFixed(0)} s for ${scenarios.length} scenarios`,
    met: seconds <= 180
  }
}

const peers = await allPeers()
const isWhole = !asked.quick && !asked.update && asked.names.length === 0
const own = isWhole ? [quickGoal()] : []
const results: Array<Result> = []
const taken: Array<string> = []
for (const scenario of scenarios) {
  if (asked.names.length > 0 && !asked.names.includes(scenario.id)) continue
  const from = performance.now()
  const result = { scenario, report: await scenario.run({ quick: asked.quick, peers, say }) }
  taken.push(`${scenario.id} ${secondsSince(from).toFixed(0)} s`)
  if (isTerminal) process.stderr.write("\r\u001b[2K")
  console.log(shown(result))
  results.push(result)
}

const goals = [...results.flatMap(({ report }) => report.goals), ...own]
console.log(`${goals.filter(({ met }) => met).length} of ${goals.length} goals met.`)
console.log(`Taken: ${taken.join(", ")}; ${secondsSince(start).toFixed(0)} s in all.`)
const directory = Path.join(import.meta.dirname, "..")
if (!asked.quick && asked.update) {
  update(directory, results)
  console.log("Put into packages/benchmark/RESULTS.md")
} else if (isWhole) {
  write(
    directory,
    documentOf(results, peers, secondsSince(start) / 60, own),
    results.flatMap(({ report }) => report.plots ?? [])
  )
  console.log("Written to packages/benchmark/RESULTS.md")
}
// Connections that some clients leave open must not keep the process alive.
process.exit(0)
