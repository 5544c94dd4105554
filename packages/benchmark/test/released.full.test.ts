import { expect, it } from "vitest"
import { spotnana } from "../src/peers/spotnana.ts"
import { released } from "../src/scenarios/released.ts"
import { seriesOf } from "../src/support/series.ts"
import { emptyEntry } from "../src/support/tenantsOf.ts"
import { named, quickly } from "./support/extent.ts"

it("the series of client ids that come and go are counted, right after and later", async () => {
  const [one, many] = [await seriesOf(1), await seriesOf(20)]
  expect(one.released).toBeGreaterThan(0)
  expect(many.released).toBe(20 * one.released)
  expect(many.later).toBe(0)
})

it("there is a row for each client, and one goal", async () => {
  const unable = named("unable", [], { tenants: "it has no tenants" })
  const { columns, goals, rows } = await released.run(quickly([spotnana, unable]))
  expect(rows.map(([name]) => name)).toEqual([spotnana.name, "unable", emptyEntry])
  for (const row of rows) expect(row.length).toBe(columns.length)
  expect(rows[0]!.slice(1).join(" | ")).toMatch(/^\d+ \| \d+ \| -?[\d,]+$/)
  expect(rows[1]![1]).toBe("cannot: it has no tenants")
  expect(goals.map(({ goal, met }) => [goal, met])).toEqual([
    ["no series stays of 100 client ids", rows[0]![2] === "0"]
  ])
})
