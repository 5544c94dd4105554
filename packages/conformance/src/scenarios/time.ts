// Clocks that are set, and processes that are suspended. Tokens live for four seconds. No scenario claims how long
// anything takes.
import { setTimeout } from "node:timers/promises"
import type { Outcome } from "../Protocol.ts"
import { expectStatus } from "../Scenario.ts"
import type { Scenario } from "../Scenario.ts"
import { gate } from "../Spotnana.ts"
import type { Spotnana } from "../Spotnana.ts"
import { expectEqual, expectThat } from "../Violation.ts"

const hour = 3_600_000
const lifetime = 4
/** Longer than a token of this file lives. */
const past = lifetime * 1_000 + 300

/** Expects a call for `/after` to carry a token that was issued after the first `before`. */
const expectNewToken = async (server: Spotnana, before: number, call: Promise<Outcome>): Promise<void> => {
  expectStatus("a call after that", 200, await call)
  const [bearer] = server.bearers("/after")
  expectThat(`a token later than number ${before}`, Number(bearer?.replace("token ", "")) > before, bearer)
}

const suspension = (mode: "background" | "onDemand"): Scenario => ({
  name: `a process that was suspended for longer than its token lives requests a new one, in mode ${mode}`,
  holds: "invariant 10",
  finds: "sendsExpired",
  ownProcess: true,
  run: async ({ process, server, start }) => {
    const client = await start({ mode })
    server.lifetime = lifetime
    expectStatus("the call before", 200, await client.call("/before"))
    process.suspend()
    await setTimeout(past)
    const { issued } = server
    server.lifetime = 3600
    // So that the process reads it first.
    const call = client.call("/after")
    process.resume()
    await expectNewToken(server, issued, call)
  }
})

export const time: ReadonlyArray<Scenario> = [
  {
    name: "a wall clock that is set forward past the end of the token: a new one is requested",
    holds: "invariant 10",
    finds: "monotonicOnly",
    ownProcess: true,
    run: async ({ process, server, start }) => {
      const client = await start()
      expectStatus("the call before", 200, await client.call("/before"))
      await process.tell({ type: "stepClock", by: 2 * hour })
      await expectNewToken(server, server.issued, client.call("/after"))
    }
  },
  {
    name: "a wall clock that is set back makes no token live longer",
    holds: "invariant 10",
    finds: "wallOnly",
    ownProcess: true,
    run: async ({ process, server, start }) => {
      const client = await start({ mode: "onDemand" })
      server.lifetime = lifetime
      expectStatus("the call before", 200, await client.call("/before"))
      await process.tell({ type: "stepClock", by: -hour })
      await setTimeout(past)
      server.lifetime = 3600
      await expectNewToken(server, server.issued, client.call("/after"))
    }
  },
  {
    name: "a wall clock that is set forward in the middle of a token request: a token that is over by then is not used",
    holds: "invariant 10",
    finds: "agesFromAnswer",
    ownProcess: true,
    run: async ({ process, server, start }) => {
      const client = await start()
      const { open, opened } = gate()
      server.token = async (request) => {
        await opened
        return server.judge(request)
      }
      const call = client.call("/call")
      await server.until("the token request", () => server.tokenRequests.length > 0)
      await process.tell({ type: "stepClock", by: 2 * hour })
      open()
      expectStatus("the call", 200, await call)
      expectEqual("the tokens of the call", server.bearers("/call"), ["token 2"])
    }
  },
  suspension("background"),
  suspension("onDemand")
]
