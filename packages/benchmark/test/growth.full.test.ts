import { describe, expect, it } from "vitest"
import type { Client, Peer, Setting } from "../src/Peer.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import { growth } from "../src/scenarios/growth.ts"
import { requestAll } from "../src/support/width.ts"
import { xmlFaults } from "../src/support/xml.ts"
import { named, quickly } from "./support/extent.ts"

/** It asks for a token before each request. */
const forgetful: Peer = {
  ...named("forgetful", [], { tenants: "it keeps none" }),
  open: async ({ baseUrl, clientId, clientSecret, tokenUrl }: Setting): Promise<Client> => {
    const token = async () => {
      const body = new URLSearchParams({
        grant_type: "client_credentials",
        client_id: clientId,
        client_secret: clientSecret
      })
      const answer: { readonly access_token: string } = await (await fetch(tokenUrl, { method: "POST", body })).json()
      return answer.access_token
    }
    return {
      get: async (path) => {
        const response = await fetch(baseUrl + path, { headers: { authorization: `Bearer ${await token()}` } })
        await response.text()
        return response.status
      },
      token,
      close: async () => {}
    }
  }
}

describe("requests, so many at a time", () => {
  it("are all made, never more of them at once, and counted where they fail", async () => {
    let [made, open, most] = [0, 0, 0]
    const client: Client = {
      get: async () => {
        const number = made++
        most = Math.max(most, ++open)
        await Promise.resolve()
        open -= 1
        if (number % 10 === 0) throw new Error("no answer")
        return number % 10 === 1 ? 503 : 200
      },
      token: async () => "",
      close: async () => {}
    }
    expect(await requestAll(client, 100, 7)).toBe(20)
    expect(made).toBe(100)
    expect(most).toBe(7)
  })
})

describe("growth", () => {
  it("counts the token requests, and draws what it measured", async () => {
    const unable = named("unable", [], { growth: "it does not grow" })
    const { columns, goals, notes, plots, rows } = await growth.run(quickly([spotnana, forgetful, unable]))
    for (const row of rows) expect(row.length).toBe(columns.length)
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ["effect-spotnana", "1 / 1 / 1"],
      ["forgetful", "1 / 10 / 100"],
      ["unable", "cannot: it does not grow"],
      ["HttpClient, constant bearer", "0 / 0 / 0"],
      ["LayerMap, an empty entry", "–"]
    ])
    expect(rows[1]![3]).toBe("–")
    expect(goals.map(({ met }) => met)).toEqual([true])
    expect(notes.join()).not.toContain("failed")
    expect(rows.flat().join()).not.toContain("NaN")

    const [tokens, times, memory] = plots!
    const namesIn = (svg: string) => new Set([...svg.matchAll(/<text x="556"[^>]*>([^<]*)</g)].map(([, name]) => name))
    expect(namesIn(tokens!.svg)).toEqual(new Set(["effect-spotnana", "forgetful"]))
    expect(namesIn(times!.svg)).toEqual(new Set(["HttpClient, constant bearer", "effect-spotnana", "forgetful"]))
    expect(namesIn(memory!.svg)).toEqual(new Set(["LayerMap, an empty entry", "effect-spotnana"]))
    for (const { svg } of plots!) expect(xmlFaults(svg)).toEqual([])
  })
})
