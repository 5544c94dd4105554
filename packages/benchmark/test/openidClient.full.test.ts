import { describe, expect } from "vitest"
import { openidClient } from "../src/peers/openidClient.ts"
import { it } from "./support/it.ts"

describe("openid-client", () => {
  it("tells the status of a response with a challenge, which it takes for an error", async ({ server }) => {
    const client = await openidClient.open(server.setting())
    expect(await client.get("/v2/companies")).toBe(200)
    await server.revoke()
    expect(await client.get("/v2/companies")).toBe(401)
    expect(await server.counts()).toMatchObject({ tokenRequests: 1, rejected: 1 })
    await client.close()
  })

  it("asks for the next token in the last second of the one it has", async ({ server }) => {
    await server.configure({ lifetime: 0.5 })
    const client = await openidClient.open(server.setting())
    const first = await client.token()
    expect(await client.token()).not.toBe(first)
    await client.close()
  })
})
