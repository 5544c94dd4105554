// The engine against a referee of the invariants, in random histories of one to four processes.
import { assert, describe, it } from "@effect/vitest"
import { reportFigure } from "../../core/test/support/figures.ts"
import { engine } from "./simulation/engine.ts"
import { describe as describeFound, makeHistory, simulate } from "./simulation/history.ts"

// Some 10 s on a quiet core. The clock is looked at, since nothing else can end what never yields.
const histories = 100_000
const longest = 100_000

/** What has to occur, or the histories show less than they are said to. */
const situations = [
  "a 401 for a token that another request was accepted with since",
  "a 401 for a token that is not in use",
  "a 401 in the last second of a token",
  "a call fails with the error of the token endpoint",
  "a call fails with the refusal",
  "a call is not tried with credentials that may have changed",
  "a caller goes on during a renewal",
  "a caller sleeps until the next attempt",
  "a caller stops waiting for an acquisition",
  "a caller waits for the first token",
  "a caller waits for the replacement of a suspect token",
  "a failure that comes after its acquisition was given up",
  "a failure while the token is good",
  "a failure without a good token",
  "a lost acquisition",
  "a new token in place of a good one",
  "a new token is rejected too",
  "a notification of a token that is not newer",
  "a notification that comes twice",
  "a process waits for the lease of another one",
  "a rejected request fails with the error of the replacement",
  "a replacement after one in vain",
  "a replacement held back is reported",
  "a replacement that has to wait",
  "a replay was accepted",
  "a token from another process",
  "a token from the store",
  "a token that comes after its acquisition was given up",
  "a token that comes after the lease went to another process",
  "a token that expired before it came",
  "an acquisition because of a 401",
  "an event that comes twice",
  "an overdue acquisition is replaced",
  "another process replaced a token",
  "changed credentials refused again and again",
  "new credentials after a refusal",
  "recovered",
  "refused credentials not sent",
  "refused credentials sent again in time",
  "refused for the first time",
  "refused in a row",
  "Retry-After",
  "the same token again",
  "the same token, made to last longer",
  "TokenExpired"
]

describe("simulation", () => {
  it("invariants 1, 3 to 7, 10, 12 and 13 hold in random histories", { timeout: 120_000 }, (context) => {
    const startedAt = performance.now()
    const cpu = process.cpuUsage()
    const isOver = () => performance.now() - startedAt > longest
    const run = simulate({ engine, histories, seed: 1, isOver })
    if (run.found !== undefined) assert.fail(describeFound(run.found))
    assert.strictEqual(run.histories, histories, "the time was over")
    assert.deepStrictEqual(situations.filter((situation) => !run.situations.has(situation)), [])
    const perSecond = Math.round(histories / process.cpuUsage(cpu).user * 1_000_000)
    reportFigure(context, {
      of: "histories of the engine",
      figure: String(histories),
      claim: `${run.events} events on two clocks; every invariant held; ${perSecond} histories per second of CPU time`
    })
  })

  it("a seed makes the same history each time", () => {
    assert.deepStrictEqual(makeHistory(7), makeHistory(7))
    const [one, other] = [7, 7].map((seed) => simulate({ engine, histories: 50, seed }))
    assert.deepStrictEqual(one, other)
  })
})
