import { describe, expect, it } from "vitest"
import type { Client, Peer } from "../src/Peer.ts"
import { msal } from "../src/peers/msal.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import type { Scenario } from "../src/Scenario.ts"
import { hotPath } from "../src/scenarios/hotPath.ts"
import { throughput } from "../src/scenarios/throughput.ts"
import { named, quickly } from "./support/extent.ts"

/** It keeps the thread for a fifth of a millisecond at each authenticated request, and for none with a constant bearer. */
const slow: Peer = {
  ...named("slow", []),
  open: async ({ constant }): Promise<Client> => ({
    get: async () => {
      const end = performance.now() + 0.2
      while (constant === undefined && performance.now() < end);
      return 200
    },
    token: async () => "",
    close: async () => {}
  })
}

const failing: Peer = {
  ...named("failing", []),
  open: async (): Promise<Client> => ({ get: async () => 503, token: async () => "", close: async () => {} })
}

const run = async (scenario: Scenario, others: ReadonlyArray<Peer>) => {
  const unable = named("unable", [], { hotPath: "it has no path", throughput: "nothing goes through" })
  const report = await scenario.run(quickly([spotnana, ...others, unable]))
  for (const row of report.rows) expect(row.length).toBe(report.columns.length)
  expect(report.rows.flat().join()).not.toContain("NaN")
  return report
}

describe("the hot path", () => {
  it("is what authentication adds to a peer's own stack", async () => {
    const { goals, notes, rows } = await run(hotPath, [msal])
    expect(rows.map(([name]) => name)).toEqual([
      "effect-spotnana",
      "@azure/msal-node",
      "unable",
      "HttpClient, looking at the answer",
      "HttpClient, constant bearer"
    ])
    // It does much at each request, and its stack is a stub of `fetch`.
    expect(rows[1]![5]).toMatch(/^\d{4,}\.\d %$/)
    expect(rows[2]![1]).toBe("cannot: it has no path")
    expect(goals.length).toBe(3)
    expect(goals.at(-1)!.figure).toContain("of the others")
    expect(notes.join()).not.toContain("–.")
  })
})

describe("throughput", () => {
  it("is that with authentication against that without, and tells of failures", async () => {
    const { goals, notes, rows } = await run(throughput, [slow, failing])
    expect(rows.map(([name]) => name)).toEqual([
      "effect-spotnana",
      "slow",
      "failing",
      "unable",
      "HttpClient, looking at the answer",
      "HttpClient, with a User-Agent",
      "HttpClient, constant bearer"
    ])
    expect(rows[1]![3]).toMatch(/^0\.[0-4]\d ×$/)
    expect(rows[3]![1]).toBe("cannot: nothing goes through")
    expect(goals.length).toBe(1)
    expect(notes.at(-1)).toBe("Failures of failing: 1,200 × status 503.")
  })
})
