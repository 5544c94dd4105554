import { describe, expect } from "vitest"
import { axiosOauthClient } from "../src/peers/axios.ts"
import { it } from "./support/it.ts"

describe("axios-oauth-client", () => {
  it("keeps a token for a fifth of the lifetime less than it lives", async ({ server }) => {
    // Told of a lifetime of 100 seconds it has a margin of 20: a token of 10 is never kept.
    await server.configure({ lifetime: 10 })
    const client = await axiosOauthClient.open(server.setting({ lifetime: 100 }))
    const first = await client.token()
    expect(await client.token()).not.toBe(first)
    await client.close()
  })

  it("tells the status of the API, but rejects that of the token endpoint", async ({ server }) => {
    const client = await axiosOauthClient.open(server.setting())
    await client.token()
    await server.revoke()
    expect(await client.get("/v2/companies")).toBe(401)
    await server.configure({ down: true })
    const cold = await axiosOauthClient.open(server.setting())
    await expect(cold.get("/v2/companies")).rejects.toThrow("503")
    await client.close()
    await cold.close()
  })
})
