import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { google } from "../src/peers/google.ts"
import { peers } from "../src/peers/index.ts"
import { spotnana } from "../src/peers/spotnana.ts"
import { start } from "../src/scenarios/start.ts"
import { constantBearer } from "../src/server.ts"
import { launch } from "../src/support/launch.ts"
import * as Programs from "../src/support/programs.ts"
import { startServer } from "../src/support/server.ts"
import type { Server } from "../src/support/server.ts"
import { named, quickly } from "./support/extent.ts"

const withoutRequests = [Programs.nothing, "given.mjs"]
const requesting = Fs.readdirSync(Programs.programs).filter((program) => !withoutRequests.includes(program))

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

  it.each(requesting)("%s makes one token request and one call", async (program) => {
    expect(await run(program)).toEqual({ apiRequests: 1, rejected: 0, tokenRequests: 1 })
  })

  it("nothing requests nothing", async () => {
    expect(await run(Programs.nothing)).toEqual({ apiRequests: 0, rejected: 0, tokenRequests: 0 })
  })

  it("are there for each peer", () => {
    for (const peer of peers) expect(requesting).toContain(Programs.programOf(peer))
    expect(() => Programs.programOf(named("new", ["new-package"]))).toThrow("no program of new")
  })

  it("are an error where they have no answer", async () => {
    await expect(launch(Path.join(Programs.programs, "given.mjs"), {})).rejects.toThrow("had said: ")
  })
})

describe("start", () => {
  it("has a row for each that is started, and compares the library with its floor and with the peers", async () => {
    const unable = named("unable", [], { start: "it is never started" })
    const axios = named("axios", ["axios", "axios-oauth-client"])
    const { columns, goals, rows } = await start.run(quickly([spotnana, axios, google, unable]))
    expect(rows.map(([name]) => name)).toEqual([
      "effect-spotnana",
      "effect-spotnana, by sub-paths",
      "effect-spotnana, over node:http",
      "axios",
      "google-auth-library",
      "google-auth-library, over fetch",
      "HttpClient, constant bearer",
      "HttpClient, constant bearer, by sub-paths",
      "HttpClient, constant bearer, over node:http",
      "fetch, no library",
      "node, nothing imported",
      "unable"
    ])
    for (const row of rows) expect(row.length).toBe(columns.length)
    expect(rows.at(-1)![1]).toBe("cannot: it is never started")
    expect([...rows.slice(0, -1).flat(), ...goals.map(({ figure }) => figure)].join()).not.toMatch(/NaN|undefined|–,/)
    expect(goals.length).toBe(6)
    for (const { figure } of goals.slice(-2)) {
      expect(figure).toMatch(/ of (axios|google-auth-library).*google-auth-library, bundled/)
    }
  })
})
