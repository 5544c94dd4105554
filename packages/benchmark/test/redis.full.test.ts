import { expect, it } from "vitest"
import { has } from "../../core/test/support/redis.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import { redis, reportOf, withoutServer } from "../src/scenarios/redis.ts"
import { xmlFaults } from "../src/support/xml.ts"
import { named, quickly } from "./support/extent.ts"

const traffic = (processes: number, scripts: number) => ({
  processes,
  scripts,
  tokens: 2,
  commands: 3 * scripts,
  received: 300,
  sent: 600,
  cpu: 4,
  redisCpu: 0.1
})

it("the goal is about 10 processes and more", () => {
  const goalsOf = (scripts: number) =>
    reportOf([traffic(1, 4), traffic(10, 1.8), traffic(200, scripts)]).goals.map(({ figure, met }) => [figure, met])
  expect(goalsOf(2)).toEqual([["1.80 with 10, 2.00 with 200", true]])
  expect(goalsOf(2.1)).toEqual([["1.80 with 10, 2.10 with 200", false]])
})

it("the goal is missed where there is no server, and the row says why", () => {
  expect(withoutServer.rows[0]!.slice(0, 2)).toEqual([
    spotnana.name,
    expect.stringContaining("cannot: there is neither")
  ])
  expect(withoutServer.goals.map(({ met }) => met)).toEqual([false])
})

it.skipIf(!has("redis-server") && !has("valkey-server"))(
  "what processes ask of Redis is counted and drawn",
  async () => {
    const { columns, goals, plots = [], rows } = await redis.run(quickly([spotnana, named("other", [])]))
    for (const row of rows) expect(row.length).toBe(columns.length)
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      [spotnana.name, "1"],
      [spotnana.name, "10"],
      ["other", expect.stringContaining("cannot: it brings no store on Redis")]
    ])
    for (const row of rows.slice(0, 2)) expect(Number(row[3])).toBeGreaterThan(1)
    expect(rows.flat().join()).not.toMatch(/NaN|undefined|Infinity/)
    expect(goals.length).toBe(1)
    expect(plots.map(({ file }) => file)).toEqual(["redis-commands.svg", "redis-cpu.svg"])
    for (const { svg } of plots) expect(xmlFaults(svg)).toEqual([])
  }
)
