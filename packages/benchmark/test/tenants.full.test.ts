import { describe, expect, it } from "vitest"
import type { Client, Peer, Setting } from "../src/Peer.ts"
import { mapOfTokens } from "../src/peers/mapOfTokens.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import { tenants } from "../src/scenarios/tenants.ts"
import { settingOf } from "../src/support/server.ts"
import { clientTenancy } from "../src/support/tenancy.ts"
import { bytesOf } from "../src/support/tenants.ts"
import { byValue, emptyEntry, tenantsOf } from "../src/support/tenantsOf.ts"
import { named, quickly } from "./support/extent.ts"

const setting = settingOf("http://127.0.0.1:1", { stubbed: true })

/** A peer that tells what it is asked. */
const telling = () => {
  const told: Array<string> = []
  const open = async ({ clientId }: Setting): Promise<Client> => ({
    get: async () => 200,
    token: async () => {
      told.push(clientId)
      return "token"
    },
    close: async () => void told.push(`${clientId} closed`)
  })
  const peer: Peer = { ...named("telling", []), open }
  return { peer, told }
}

describe("tenants", () => {
  it("of a peer are a client each, with its token", async () => {
    const { peer, told } = telling()
    const { get, lookUp, open, pass } = clientTenancy(setting, peer)
    await pass(1)
    await open(2)
    await open(3)
    expect(told).toEqual(["PASSING0", "PASSING0 closed", "TENANT0", "TENANT1", "TENANT2"])
    await get(Uint32Array.of(2, 0, 2))
    await lookUp(Uint32Array.of(1, 2))
    expect(told.slice(5)).toEqual(["TENANT2", "TENANT0", "TENANT2"])
  })

  it.each([spotnana.name, byValue, mapOfTokens.name, emptyEntry])("of %s are entries of a map", async (name) => {
    const { get, lookUp, open, pass } = await tenantsOf(name, setting)
    await pass(2)
    await open(3)
    await get(Uint32Array.of(0, 2, 1))
    await lookUp(Uint32Array.of(2, 0))
    await expect(get(Uint32Array.of(3))).rejects.toBeInstanceOf(TypeError)
  })

  it("of nobody are an error", async () => {
    await expect(bytesOf("nobody", 1)).rejects.toThrow("ended: 1")
  })

  it("take more memory the more they are, and those of the library more than empty entries", async () => {
    const [few, many, library] = await Promise.all([
      bytesOf(emptyEntry, 100),
      bytesOf(emptyEntry, 1000),
      bytesOf(byValue, 1000)
    ])
    expect(many).toBeGreaterThan(3 * few)
    expect(library).toBeGreaterThan(many)
  })

  it("have a row for each way to keep them, and a goal each", async () => {
    const unable = named("unable", [], { tenants: "it has no tenants" })
    const { columns, goals, rows } = await tenants.run(quickly([spotnana, unable]))
    expect(rows.map(([name]) => name)).toEqual([spotnana.name, byValue, "unable", mapOfTokens.name, emptyEntry])
    for (const row of rows) expect(row.length).toBe(columns.length)
    expect(rows[2]![1]).toBe("cannot: it has no tenants")
    for (const row of [rows[0]!, rows[1]!, rows[3]!, rows[4]!]) {
      expect(row.slice(1).join(" | ")).toMatch(/^[\d,]+ \| [\d,]+ ns \(.*\) \| [\d,]+ ns$/)
    }
    expect(goals.length).toBe(2)
    expect(goals[1]!.figure).toContain(`of ${mapOfTokens.name}`)
  })
})
