import { beforeAll, describe, expect, it } from "@effect/vitest"
import { reportFigure, reportTable } from "../../core/test/support/figures.ts"
import { defects } from "../src/broken/defects.ts"
import { runSubject } from "../src/run.ts"
import type { Result } from "../src/run.ts"
import { scenarios } from "../src/scenarios/index.ts"
import { broken, control, subjects } from "../src/subjects.ts"
import type { Broken } from "../src/subjects.ts"

const sound = [...subjects, control]
/** Calls `run` for all of them, for so many at a time. */
const inPool = async <A>(atATime: number, all: ReadonlyArray<A>, run: (one: A) => Promise<unknown>): Promise<void> => {
  const queue = [...all]
  await Promise.all(Array.from({ length: atATime }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(next)
  }))
}

const results = new Map<string, ReadonlyArray<Result>>()
const resultOf = (subject: string, scenario: string) =>
  results.get(subject)?.find((result) => result.scenario.name === scenario)

/** A broken subject runs only what has to find it. */
const scenariosOf = ({ defect }: Broken) => scenarios.filter(({ finds }) => finds === defect)

/** Runs these scenarios, and so many times in all those whose result is in doubt. */
const runUntilSure = async (
  subject: (typeof sound)[number],
  all: typeof scenarios,
  runs: number,
  isInDoubt: (result: Result) => boolean
): Promise<ReadonlyArray<Result>> => {
  const found = new Map<string, Result>()
  let left = all
  for (let run = 0; run < runs && left.length > 0; run++) {
    const results = await runSubject(subject, left)
    for (const result of results) found.set(result.scenario.name, result)
    left = results.filter(isInDoubt).map(({ scenario }) => scenario)
  }
  return [...found.values()]
}

/** A broken subject that looks sound may have been saved by a slow machine, which waits where the subject does not. */
const runBroken = (subject: Broken) =>
  runUntilSure(subject, scenariosOf(subject), 3, ({ failure }) => failure === undefined)

/** On a slow machine, forty scenarios at once make calls late. What failed then runs once more, without the others. */
const runSound = (subject: (typeof sound)[number]) =>
  runUntilSure(subject, scenarios, 2, ({ failure }) => failure !== undefined)

// A sound subject has some forty scenarios at once, of which most wait: more subjects than these would make calls late.
beforeAll(async () => {
  await inPool(2, sound, async (subject) => results.set(subject.name, await runSound(subject)))
  await inPool(12, broken, async (subject) => results.set(subject.name, await runBroken(subject)))
})

describe.each(sound.map(({ name }) => name))("%s", (subject) => {
  it.each(scenarios)("$holds: $name", ({ name }) => {
    const failure = resultOf(subject, name)?.failure
    if (failure !== undefined) throw new Error(failure.text)
  })
})

describe("broken subjects", () => {
  it.each(broken)("$name fails each scenario that names it", ({ defect, name }) => {
    const named = scenarios.filter(({ finds }) => finds === defect)
    expect(named).not.toEqual([])
    const passed = named.filter((scenario) => resultOf(name, scenario.name)?.failure === undefined)
    expect(passed.map((scenario) => scenario.name)).toEqual([])
  })

  it("are found by every scenario; the table of all subjects", (context) => {
    const rows = scenarios.map(({ finds, holds, name }) => [
      name,
      holds,
      ...sound.map((subject) => resultOf(subject.name, name)?.failure === undefined ? "passes" : "fails"),
      finds
    ])
    reportTable(context, {
      title: "Conformance, on sockets",
      columns: [
        "scenario",
        "of",
        ...sound.map(({ name }) => name),
        "broken client that fails it"
      ],
      rows
    })
    reportTable(context, {
      title: "Broken subjects: the naive client with one defect each",
      columns: ["subject", "what it does", "what its scenario expected"],
      rows: broken.map(({ defect, name }) => {
        const [found] = scenarios.filter(({ finds }) => finds === defect)
        return [
          name,
          defects[defect],
          resultOf(name, found!.name)?.failure?.expected.replaceAll("\n", " ") ?? "nothing else"
        ]
      })
    })
    const passing = subjects.filter(({ name }) => results.get(name)?.every(({ failure }) => failure === undefined))
    const found =
      broken.filter(({ defect, name }) =>
        scenarios.every((scenario) => scenario.finds !== defect || resultOf(name, scenario.name)?.failure !== undefined)
      ).length
    reportFigure(context, {
      of: "conformance scenarios",
      figure: String(scenarios.length),
      claim: `passed by ${
        passing.map(({ name }) => name).join(", ")
      }; ${found} of ${broken.length} broken clients found`
    })
  })
})
