import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { Client, Setting } from "../src/Peer.ts"
import { peers } from "../src/peers/index.ts"
import type { Server } from "../src/support/server.ts"
import { settingOf, startServer } from "../src/support/server.ts"

const path = "/v2/trips"

const once = fileURLToPath(new URL("support/once.ts", import.meta.url))

let server: Server

beforeAll(async () => {
  server = await startServer()
})

beforeEach(() => server.reset())

afterAll(() => server.close())

it("has a name for each", () => {
  expect(new Set(peers.map(({ name }) => name)).size).toBe(peers.length)
})

describe.each(peers)("$name", (peer) => {
  const using = async (setting: Setting, use: (client: Client) => Promise<void>) => {
    const client = await peer.open(setting)
    try {
      await use(client)
    } finally {
      await client.close()
    }
  }

  it("gets a token once, for its requests and for who asks for it", () =>
    using(server.setting(), async (client) => {
      expect(await client.get(path)).toBe(200)
      expect(await client.get(path)).toBe(200)
      await client.getMany?.(path, 3)
      const token = await client.token()

      // The endpoint issued one token, and no other opens the API.
      const { status } = await fetch(server.baseUrl + path, { headers: { authorization: `Bearer ${token}` } })
      expect(status).toBe(200)
      expect(await server.counts()).toMatchObject({
        tokenRequests: 1,
        apiRequests: client.getMany === undefined ? 3 : 6,
        rejected: 0
      })
    }))

  it("hands out a token before the first request, and sends the same", () =>
    using(server.setting(), async (client) => {
      expect(await client.token()).toMatch(/^token-/)
      expect(await client.get(path)).toBe(200)
      expect(await server.counts()).toMatchObject({ tokenRequests: 1, rejected: 0 })
    }))

  it(`${peer.replays === true ? "replaces" : "goes on with"} a token that is refused`, () =>
    using(server.setting(), async (client) => {
      expect(await client.get(path)).toBe(200)
      await server.revoke()
      expect(await client.get(path)).toBe(peer.replays === true ? 200 : 401)
      expect((await server.counts()).rejected).toBe(1)
    }))

  it("tells a refusal by its status", () =>
    using({ ...server.setting(), constant: "unknown" }, async (client) => {
      expect(await client.get(path)).toBe(401)
    }))

  it("sends nothing where there is no token, and fails", () =>
    using(server.setting(), async (client) => {
      await server.configure({ down: true })
      await expect(client.get(path)).rejects.toBeInstanceOf(Error)
      const { apiRequests, tokenRequests } = await server.counts()
      expect(apiRequests).toBe(0)
      expect(tokenRequests).toBeGreaterThan(0)
    }))

  it("asks for no token where the bearer is constant", () =>
    using(server.setting({ constant: true }), async (client) => {
      expect(await client.get(path)).toBe(200)
      expect(await client.token()).toBe(server.setting({ constant: true }).constant)
      expect(await server.counts()).toMatchObject({ tokenRequests: 0, apiRequests: 1, rejected: 0 })
    }))

  it.each([false, true])(
    "sends nothing where it is stubbed, constant: %s",
    (constant) =>
      using(settingOf(server.baseUrl, { constant, stubbed: true }), async (client) => {
        expect(await client.get(path)).toBe(200)
        expect(await client.get(path)).toBe(200)
        expect(await client.token()).toMatch(constant ? /^constant-/ : /^stub-token-/)
        expect(await server.counts()).toMatchObject({ tokenRequests: 0, apiRequests: 0 })
      })
  )

  it("lets its process end once it is closed", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [once, peer.name, server.baseUrl], {
      timeout: 120_000
    })
    expect(stdout).toBe("200")
  })
})
