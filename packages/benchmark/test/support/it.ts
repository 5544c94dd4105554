import { test } from "vitest"
import { startServer } from "../../src/support/server.ts"

/** A test with a token endpoint and an API of its own, over sockets. */
export const it = test.extend("server", async ({ onTestFinished }) => {
  const server = await startServer()
  onTestFinished(server.close)
  return server
})
