import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { peers } from "../src/peers/index.ts"
import { scenarios } from "../src/scenarios/index.ts"

const directory = Path.join(import.meta.dirname, "..")
const results = Fs.readFileSync(Path.join(directory, "RESULTS.md"), "utf8")

const sectionOf = (document: string, title: string): string => {
  const from = document.indexOf(`\n## ${title}\n`)
  expect(from).toBeGreaterThan(0)
  const to = document.indexOf("\n## ", from + 1)
  return document.slice(from, to === -1 ? undefined : to)
}

const rowsOf = (section: string): ReadonlyArray<ReadonlyArray<string>> =>
  section.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.slice(2, -2).split(" | "))

describe("RESULTS.md", () => {
  it.each(scenarios)("has a row with a figure or a reason for each client: $title", ({ title, what }) => {
    const section = sectionOf(results, title)
    expect(section).toContain(what)
    const rows = rowsOf(section)
    for (const { name } of peers) {
      const own = rows.filter(([client]) => client === name || client?.startsWith(`${name}, `))
      expect(own.map((row) => row.slice(0, 2))).not.toEqual([])
      for (const row of own) expect(row.join()).toMatch(/,(.*\d|cannot: \S)/)
    }
    for (const cell of rows.flat().slice(1)) expect(cell).not.toMatch(/NaN|undefined|Infinity/)
  })

  it("has a goal of each scenario, met or missed, with a figure", () => {
    const goals = rowsOf(sectionOf(results, "Goals")).slice(2)
    expect(new Set(goals.map(([title]) => title))).toEqual(new Set(scenarios.map(({ title }) => title)))
    for (const goal of goals) expect(goal.slice(2).join()).toMatch(/\d.*,(met|\*\*missed\*\*)$/)
  })

  it("shows the pictures that there are", () => {
    const shown = [...results.matchAll(/\]\(results\/([^)]+)\)/g)].map(([, file]) => file!)
    expect(shown.length).toBeGreaterThan(0)
    expect(Fs.readdirSync(Path.join(directory, "results")).toSorted()).toEqual(shown.toSorted())
  })
})
