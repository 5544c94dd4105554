import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { peers } from "../src/peers/index.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import { start } from "../src/scenarios/start.ts"
import { constantBearer } from "../src/server.ts"
import { launch } from "../src/support/launch.ts"
import * as Programs from "../src/support/programs.ts"
import { startServer } from "../src/support/server.ts"
import type { Server } from "../src/support/server.ts"
import { named, quickly } from "./support/extent.ts"

const withoutToken = [Programs.nothing, Programs.constantBearer, "given.mjs"]
const withToken = Fs.readdirSync(Programs.programs).filter((program) => !withoutToken.includes(program))

describe("the programs that are started", () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.close())

  const run = async (program: string) => {
    await server.reset()
    const { clientId, clientSecret } = server.setting()
    await launch(Path.join(Programs.programs, program), {
      SPOTNANA_BASE_URL: server.baseUrl,
      SPOTNANA_CLIENT_ID: clientId,
      SPOTNANA_CLIENT_SECRET: clientSecret,
      CONSTANT_BEARER: constantBearer
    })
    const { apiRequests, rejected, tokenRequests } = await server.counts()
    return { apiRequests, rejected, tokenRequests }
  }

  it.each(withToken)("%s asks for one token and makes one request with it", async (program) => {
    expect(await run(program)).toEqual({ apiRequests: 1, rejected: 0, tokenRequests: 1 })
  })

  it("the floor makes a request without asking for a token, and nothing asks nobody", async () => {
    expect(await run(Programs.constantBearer)).toEqual({ apiRequests: 1, rejected: 0, tokenRequests: 0 })
    expect(await run(Programs.nothing)).toEqual({ apiRequests: 0, rejected: 0, tokenRequests: 0 })
  })

  it("are there for each peer", () => {
    for (const peer of peers) expect(withToken).toContain(Programs.programOf(peer))
    expect(() => Programs.programOf(named("new", ["new-package"]))).toThrow("no program of new")
  })

  it("are an error where they have no answer", async () => {
    await expect(launch(Path.join(Programs.programs, "given.mjs"), {})).rejects.toThrow("had said: ")
  })
})

describe("start", () => {
  it("has a row for each who is started, and says what helps", async () => {
    const unable = named("unable", [], { start: "it is never started" })
    const axios = named("axios", ["axios", "axios-oauth-client"])
    const { columns, goals, notes, rows } = await start.run(quickly([spotnana, axios, unable]))
    expect(rows.map(([name]) => name)).toEqual([
      "effect-spotnana",
      "effect-spotnana, over undici",
      "axios",
      "unable",
      "HttpClient, constant bearer",
      "fetch, no library",
      "node, nothing imported"
    ])
    for (const row of rows) expect(row.length).toBe(columns.length)
    expect(rows[3]![1]).toBe("cannot: it is never started")
    expect([...rows.flat(), ...notes].join()).not.toContain("NaN")
    for (const { figure } of goals) expect(figure).toContain("of axios")
  })
})
