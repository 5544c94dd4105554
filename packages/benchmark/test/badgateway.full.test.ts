import { describe, expect } from "vitest"
import { badgateway } from "../src/peers/badgateway.ts"
import { it } from "./support/it.ts"

describe("@badgateway/oauth2-client", () => {
  it("replaces a rejected token and sends the request once more", async ({ server }) => {
    const client = await badgateway.open(server.setting())
    expect(await client.get("/v2/companies")).toBe(200)
    await server.revoke()
    expect(await client.get("/v2/companies")).toBe(200)
    expect(await server.counts()).toMatchObject({ tokenRequests: 2, apiRequests: 3, rejected: 1 })
    await client.close()
  })
})
