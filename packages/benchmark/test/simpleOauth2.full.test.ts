import { describe, expect } from "vitest"
import { simpleOauth2 } from "../src/peers/simpleOauth2.ts"
import { it } from "./support/it.ts"

// A client that is told of a lifetime of 100 seconds has a window of 20: a token of 10 is always in it.
const lifetime = 100

describe("simple-oauth2", () => {
  it("asks for the next token once that which it has is in the window", async ({ server }) => {
    await server.configure({ lifetime: 10 })
    const client = await simpleOauth2.open(server.setting({ lifetime }))
    const first = await client.token()
    expect(await client.token()).not.toBe(first)
    await client.close()
  })

  it("goes on with a token in the window while no other is to be had", async ({ server }) => {
    await server.configure({ lifetime: 10 })
    const client = await simpleOauth2.open(server.setting({ lifetime }))
    const first = await client.token()
    await server.configure({ down: true })
    expect(await client.token()).toBe(first)
    expect(await client.get("/v2/companies")).toBe(200)
    await client.close()
  })

  it("fails once the token has expired and no other is to be had", async ({ server }) => {
    await server.configure({ lifetime: 0 })
    const client = await simpleOauth2.open(server.setting({ lifetime }))
    await client.token()
    await server.configure({ down: true })
    await expect(client.get("/v2/companies")).rejects.toThrow("503")
    await client.close()
  })
})
