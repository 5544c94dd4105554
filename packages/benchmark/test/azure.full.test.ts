import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import { azure } from "../src/peers/azure.ts"
import { it } from "./support/it.ts"

it("leaves no renewal behind that fails when nobody waits for it", async ({ server }) => {
  await server.configure({ lifetime: 2 })
  const client = await azure.open(server.setting({ lifetime: 2 }))
  expect(await client.get("/v2/trips")).toBe(200)
  await server.configure({ down: true })
  // It begins to renew, and tries again after three seconds: the token is used up then, and the failure would be told.
  expect(await client.get("/v2/trips")).toBe(200)
  await client.close()
  await sleep(3500)
  expect((await server.counts()).tokenRequests).toBe(2)
})
