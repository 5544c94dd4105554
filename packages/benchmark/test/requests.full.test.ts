import { describe, expect, it } from "vitest"
import type { Client } from "../src/Peer.ts"
import type { Peer } from "../src/Peer.ts"
import { badgateway } from "../src/peers/badgateway.ts"
import { msal } from "../src/peers/msal.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import type { Scenario } from "../src/Scenario.ts"
import { hotPath } from "../src/scenarios/hotPath.ts"
import { throughput } from "../src/scenarios/throughput.ts"
import { measureCpu } from "../src/support/throughputProcess.ts"
import { named, quickly } from "./support/extent.ts"

const run = async (scenario: Scenario, others: ReadonlyArray<Peer>) => {
  const unable = named("unable", [], { hotPath: "it has no path", throughput: "nothing goes through" })
  const report = await scenario.run(quickly([spotnana, ...others, unable]))
  for (const row of report.rows) expect(row.length).toBe(report.columns.length)
  expect([...report.rows.flat(), ...report.goals.map(({ figure }) => figure)].join()).not.toMatch(/NaN|undefined/)
  return report
}

describe("the hot path", () => {
  it("is what authentication adds to a peer's own stack, and is compared with who handles a 401", async () => {
    const { goals, rows } = await run(hotPath, [msal, badgateway])
    expect(rows.map((row) => [row[0], row.at(-1)])).toEqual([
      ["effect-spotnana", "yes"],
      ["@azure/msal-node", "no"],
      ["@badgateway/oauth2-client", "yes"],
      ["unable", "–"],
      ["HttpClient, looking at the answer", "no"],
      ["HttpClient, constant bearer", "no"]
    ])
    expect(rows[3]![1]).toBe("cannot: it has no path")
    expect(goals.length).toBe(2)
    expect(goals[1]!.figure).toContain("of the others @badgateway/oauth2-client, ")
  })
})

/** It keeps the thread for so many milliseconds at each request. */
const clientOf = (millis: number, status = 200): Client => ({
  get: async () => {
    const end = performance.now() + millis
    while (performance.now() < end);
    return status
  },
  token: async () => "",
  close: async () => {}
})

describe("throughput", () => {
  it("is the CPU time of a request, of each client in turns", async () => {
    const { cpu, failures } = await measureCpu(
      { constant: clientOf(0.1), control: clientOf(0.1, 503), authenticated: clientOf(2) },
      { turns: 2, requests: 20, inFlight: 4 }
    )
    expect(Object.values(cpu).map((values) => values.length)).toEqual([2, 2, 2])
    // A machine that does other things takes the thread away, and with it the CPU time of the busier one.
    expect(Math.max(...cpu.authenticated)).toBeGreaterThan(Math.min(...cpu.constant))
    expect(failures).toEqual([["status 503", 40]])
  })

  it("is that with authentication over that without, beside a control", async () => {
    const { columns, goals, notes, rows } = await run(throughput, [msal])
    expect(rows.map(([name]) => name)).toEqual([
      "effect-spotnana",
      "@azure/msal-node",
      "unable",
      "HttpClient, constant bearer"
    ])
    expect(columns).toContain("control: constant over constant")
    expect(rows[1]!.slice(3).join()).toMatch(/^\d\.\d{3} ×,.* ×,\d\.\d{3} ×,.* ×$/)
    expect(rows[2]![1]).toBe("cannot: nothing goes through")
    expect(goals.length).toBe(1)
    expect(goals[0]!.figure).toContain("the control, constant to constant, ")
    expect(notes.join()).not.toContain("Failures")
  })
})
