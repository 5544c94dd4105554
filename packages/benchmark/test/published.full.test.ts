import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { peers } from "../src/peers/index.ts"
import { scenarios } from "../src/scenarios/index.ts"

const directory = Path.join(import.meta.dirname, "..")
const results = Fs.readFileSync(Path.join(directory, "RESULTS.md"), "utf8")

const [, ...parts] = results.split("\n## ")
const sections = new Map(parts.map((part) => [part.slice(0, part.indexOf("\n")), part]))
/** Those of scenarios. */
const titles = [...sections.keys()].filter((title) => title !== "Goals" && title !== "Who is measured")

const rowsOf = (title: string): ReadonlyArray<ReadonlyArray<string>> =>
  sections.get(title)!.split("\n").filter((line) => line.startsWith("| "))
    .map((line) => line.slice(2, -2).split(" | "))

describe("RESULTS.md", () => {
  it("has a section of each scenario, which says what is measured", () => {
    expect(titles).toEqual(scenarios.map(({ title }) => title))
    for (const { title, what } of scenarios) expect(sections.get(title)).toContain(what)
  })

  it.each(titles)("has a row with a figure or a reason for each client: %s", (title) => {
    const rows = rowsOf(title)
    for (const { name } of peers) {
      const own = rows.filter(([client]) => client === name || client?.startsWith(`${name}, `))
      expect(own.map((row) => row.slice(0, 2))).not.toEqual([])
      for (const row of own) expect(row.join()).toMatch(/,(.*\d|cannot: \S)/)
    }
    for (const cell of rows.flat().slice(1)) expect(cell).not.toMatch(/NaN|undefined|Infinity/)
  })

  it("has a goal of each scenario, met or missed, with a figure", () => {
    const goals = rowsOf("Goals").slice(2)
    expect(new Set(goals.map(([scenario]) => scenario))).toEqual(new Set([...titles, "This benchmark"]))
    for (const goal of goals) expect(goal.slice(2).join()).toMatch(/(\d|cannot: \S).*,(met|\*\*missed\*\*)$/)
  })

  it("shows the pictures that there are", () => {
    const shown = [...results.matchAll(/\]\(results\/([^)]+)\)/g)].map(([, file]) => file!)
    expect(shown.length).toBeGreaterThan(0)
    expect(Fs.readdirSync(Path.join(directory, "results")).toSorted()).toEqual(shown.toSorted())
  })
})
