/** What the engine has to get right, one situation each, with the referee watching. */
import * as Policy from "../../src/Policy.ts"
import type { Engine } from "./engine.ts"
import { Violation } from "./model.ts"
import { makeRandom } from "./random.ts"
import type { Kind, Options, Outcome } from "./shell.ts"
import { Process } from "./shell.ts"
import { World } from "./world.ts"

const second = 1_000
const minute = 60_000
const hour = 3_600_000

interface Setting {
  readonly engine: Engine
  readonly onTransition: Options["onTransition"]
}

export interface Scenario {
  /** The invariant that it holds, first. */
  readonly name: string
  readonly run: (setting: Setting) => void
}

/** Calls that were made, by how they ended. */
type Counts = Partial<Record<Outcome, number>>

const make = (
  { engine, onTransition }: Setting,
  policy: Partial<Policy.Policy> = {},
  processes = 1
) => {
  const world = new World(makeRandom(1), processes > 1)
  const all = Array.from(
    { length: processes },
    () => new Process({ engine, world, policy: { ...Policy.defaults, ...policy }, situations: new Map(), onTransition })
  )
  for (const process of all) process.peers = all
  const [process] = all as [Process]
  const call = (kind: Kind = "ok", by = process): Counts => {
    const counts: Counts = {}
    by.call(kind, (outcome) => {
      counts[outcome] = (counts[outcome] ?? 0) + 1
    })
    return counts
  }
  /** A call each `every` milliseconds, for `duration`. */
  const callEach = (every: number, duration: number, kind: (index: number) => ReadonlyArray<Kind>) => {
    const counts: Record<Kind, Counts> = { ok: {}, forbidden: {} }
    for (let index = 0; index * every < duration; index++) {
      for (const each of kind(index)) {
        process.call(each, (outcome) => {
          counts[each][outcome] = (counts[each][outcome] ?? 0) + 1
        })
      }
      world.advance(every)
    }
    return counts
  }
  return { world, processes: all, process, call, callEach }
}

const must = (invariant: number, condition: boolean, message: string): void => {
  if (!condition) throw new Violation(invariant, message)
}

const onlyAccepted = (invariant: number, counts: Counts): void =>
  must(
    invariant,
    Object.keys(counts).every((outcome) => outcome === "accepted"),
    `calls ended with ${JSON.stringify(counts)}`
  )

const atMost = (invariant: number, requests: number, limit: number): void =>
  must(invariant, requests <= limit, `${requests} token requests where ${limit} are allowed`)

export const scenarios: ReadonlyArray<Scenario> = [
  {
    name: "invariant 7: a forbidden path next to a healthy one fails no healthy call, at 10 token requests an hour",
    run: (setting) => {
      const { callEach, world } = make(setting)
      const { forbidden, ok } = callEach(second, hour, (index) => index % 10 === 0 ? ["ok", "forbidden"] : ["ok"])
      onlyAccepted(7, ok)
      must(7, forbidden.TokenExpired === 360, `forbidden calls ended with ${JSON.stringify(forbidden)}`)
      atMost(6, world.tokenRequests, 10)
    }
  },
  {
    name: "invariant 6: a forbidden path and nothing else costs 10 token requests an hour",
    run: (setting) => {
      const { callEach, world } = make(setting)
      callEach(10 * second, hour, () => ["forbidden"])
      atMost(6, world.tokenRequests, 10)
    }
  },
  {
    name: "invariant 6: 401 to everything for a day costs one token request an hour after the first few",
    run: (setting) => {
      const { callEach, world } = make(setting)
      world.endpoint.lifetime = 48 * hour
      world.api.mode = "rejectAll"
      callEach(10 * second, 24 * hour, () => ["ok"])
      atMost(6, world.tokenRequests, 8 + 24)
      world.api.mode = "healthy"
      onlyAccepted(7, callEach(second, 10 * second, () => ["ok"]).ok)
    }
  },
  {
    name:
      "invariant 7: a server that hands out the same token until it expires costs 2 requests, and fails no other call",
    run: (setting) => {
      const { callEach, world } = make(setting)
      world.endpoint.isSame = true
      const { forbidden, ok } = callEach(
        10 * second,
        58 * minute,
        (index) => index === 30 ? ["ok", "forbidden"] : ["ok"]
      )
      onlyAccepted(7, ok)
      must(7, forbidden.TokenExpired === 1, `the forbidden call ended with ${JSON.stringify(forbidden)}`)
      atMost(7, world.tokenRequests, 2)
      onlyAccepted(7, callEach(10 * second, hour, () => ["ok"]).ok)
    }
  },
  ...([[second, 10], [300, 60], [10 * second, 600], [10 * second, 3_600]] as const).map((
    [each, lifetime]
  ): Scenario => ({
    name: `invariant 6: a server that hands out the same token for its ${lifetime} s costs 3 requests for that time`,
    run: (setting) => {
      const { callEach, world } = make(setting)
      Object.assign(world.endpoint, { isSame: true, lifetime: lifetime * second })
      const lifetimes = 10
      onlyAccepted(7, callEach(each, lifetimes * lifetime * second, () => ["ok"]).ok)
      atMost(6, world.tokenRequests, 3 * lifetimes + 1)
    }
  })),
  ...[1, 8].map((parallel): Scenario => ({
    name: `invariant 7: with one bad replica of 16 all calls succeed, ${parallel} at a time`,
    run: (setting) => {
      const { callEach, world } = make(setting)
      world.api.mode = "badReplica"
      const calls = Array.from({ length: parallel }, () => "ok" as const)
      onlyAccepted(7, callEach(100 * parallel, 40 * second, () => calls).ok)
    }
  })),
  ...[1, 3, 10].map((lifetime): Scenario => ({
    name: `invariant 3: tokens that live ${lifetime} s, or up to a second less, fail no call`,
    run: (setting) => {
      const { callEach, world } = make(setting)
      Object.assign(world.endpoint, { lifetime: lifetime * second, latency: 10 })
      world.api.latency = 4
      onlyAccepted(3, callEach(25, minute, () => ["ok"]).ok)
    }
  })),
  {
    name: "invariant 10: a token is expired on time when the clock is set back while it is requested",
    run: (setting) => {
      const { call, process, world } = make(setting, { mode: "onDemand" })
      Object.assign(world.endpoint, { lifetime: 10 * second, latency: 4 * second })
      call()
      world.advance(100)
      process.setClock(-minute)
      world.advance(9_700)
      const requests = world.tokenRequests
      const counts = call()
      world.advance(10 * second)
      must(10, world.tokenRequests > requests, "the expired token was not renewed first")
      onlyAccepted(10, counts)
    }
  },
  {
    name: "invariant 10: the next call is right after the clock was set by hours before, during or after the request",
    run: (setting) => {
      for (const millis of [-25 * hour, -hour, -second, second, hour, 25 * hour]) {
        for (const moment of [0, 1, 10, 25, 49, 50, 51, 100, hour / 2, 50 * minute, 59 * minute]) {
          for (const mode of ["background", "onDemand"] as const) {
            const { call, process, world } = make(setting, { mode })
            const first = call()
            world.advance(moment)
            process.setClock(millis)
            world.advance(second)
            onlyAccepted(10, first)
            const next = call()
            world.advance(2 * second)
            must(10, next.accepted === 1, `the next call ended with ${JSON.stringify(next)}`)
            world.advance(hour)
            const last = call()
            world.advance(second)
            must(10, last.accepted === 1, `a call an hour later ended with ${JSON.stringify(last)}`)
            atMost(10, world.tokenRequests, 6)
          }
        }
      }
    }
  },
  {
    name: "invariant 10: the first call after a machine slept past the end of its token gets a new one",
    run: (setting) => {
      const { call, process, world } = make(setting)
      call()
      world.advance(second)
      process.sleep(2 * hour)
      world.advance(2 * hour)
      const counts = call()
      world.advance(second)
      must(10, counts.accepted === 1, `the call ended with ${JSON.stringify(counts)}`)
    }
  },
  {
    name: "invariant 6: a secret that becomes valid after 10 s works within 20 s, after 6 token requests at most",
    run: (setting) => {
      const { callEach, world } = make(setting)
      world.validFrom.set(1, 10 * second)
      let firstSuccess = Infinity
      for (let index = 0; index < 30 && firstSuccess === Infinity; index++) {
        const { ok } = callEach(second, second, () => ["ok"])
        if (ok.accepted !== undefined) firstSuccess = world.now
      }
      must(6, firstSuccess <= 20 * second, `the first call succeeds after ${firstSuccess} ms`)
      atMost(6, world.tokenRequests, 6)
    }
  },
  {
    name: "invariant 6: refused credentials are sent at most 40 times in an hour of calls",
    run: (setting) => {
      const { callEach, world } = make(setting)
      world.endpoint.mode = "refuse"
      const { ok } = callEach(second, hour, () => ["ok"])
      must(6, ok.Refused === 3_600, `calls ended with ${JSON.stringify(ok)}`)
      atMost(6, world.tokenRequests, 40)
    }
  },
  {
    name: "invariant 13: new credentials are used at once, however long the old ones were refused",
    run: (setting) => {
      const { call, callEach, world } = make(setting)
      world.validFrom.set(1, Infinity)
      callEach(second, 10 * minute, () => ["ok"])
      world.rotate(0, false)
      const counts = call()
      world.advance(second)
      must(13, counts.accepted === 1, `the call with new credentials ended with ${JSON.stringify(counts)}`)
    }
  },
  ...(["inTurn", "anew"] as const).map((secrets): Scenario => ({
    name:
      `invariant 6: refused credentials that change with each read (${secrets}) are sent at most 40 times in an hour`,
    run: (setting) => {
      const { call, callEach, world } = make(setting)
      world.endpoint.mode = "refuse"
      world.setSecrets(secrets)
      const { ok } = callEach(second / 10, minute, () => ["ok"])
      must(6, ok.Refused === 600, `calls ended with ${JSON.stringify(ok)}`)
      atMost(6, world.tokenRequests, 12)
      callEach(second, hour, () => ["ok"])
      atMost(6, world.tokenRequests, 40)
      world.endpoint.mode = "ok"
      world.setSecrets("one")
      callEach(second, 5 * minute, () => ["ok"])
      const counts = call()
      world.advance(second)
      must(13, counts.accepted === 1, `a call five minutes after all is well ended with ${JSON.stringify(counts)}`)
    }
  })),
  {
    name: "invariant 13: changed credentials are used at once after three others were refused, each for minutes",
    run: (setting) => {
      const { call, callEach, world } = make(setting)
      world.validFrom.set(1, Infinity)
      for (let times = 1; times <= 3; times++) {
        callEach(second, 10 * minute, () => ["ok"])
        if (times < 3) world.rotate(Infinity, true)
      }
      world.rotate(0, false)
      const counts = call()
      world.advance(second)
      must(13, counts.accepted === 1, `the call with the fourth secret ended with ${JSON.stringify(counts)}`)
    }
  },
  {
    name: "invariant 13: a secret is used at once after ten others were refused, the last one for minutes",
    run: (setting) => {
      const { call, callEach, world } = make(setting)
      world.endpoint.mode = "refuse"
      world.setSecrets("anew")
      callEach(second, minute, () => ["ok"])
      world.setSecrets("one")
      callEach(second, 10 * minute, () => ["ok"])
      world.endpoint.mode = "ok"
      world.rotate(0, true)
      const counts = call()
      world.advance(second)
      must(13, counts.accepted === 1, `the call with the new secret ended with ${JSON.stringify(counts)}`)
    }
  },
  {
    name: "invariant 13: a rotation that kills every token fails no call",
    run: (setting) => {
      const { callEach, world } = make(setting)
      callEach(second, minute, () => ["ok"])
      world.rotate(0, true)
      world.revokeAll()
      onlyAccepted(13, callEach(second, minute, () => ["ok"]).ok)
      atMost(13, world.tokenRequests, 2)
    }
  },
  {
    name: "invariant 7: a revoked token is replaced within a minute though the budget of replacements is used up",
    run: (setting) => {
      const { call, callEach, world } = make(setting)
      callEach(second, 40 * minute, (index) => index % 10 === 0 ? ["ok", "forbidden"] : ["ok"])
      world.revokeAll()
      const { ok } = callEach(second, minute, () => ["ok"])
      must(7, (ok.TokenExpired ?? 0) < 60, "no call succeeded within a minute after the revocation")
      const counts = call()
      world.advance(second)
      must(7, counts.accepted === 1, `a call a minute later ended with ${JSON.stringify(counts)}`)
    }
  },
  {
    name:
      "invariant 6: a call that is always rejected, each 5 s, beside a healthy one a minute costs ten token requests an hour",
    run: (setting) => {
      const { callEach, world } = make(setting)
      const { ok } = callEach(5 * second, 4 * hour, (index) => index % 12 === 0 ? ["ok", "forbidden"] : ["forbidden"])
      onlyAccepted(7, ok)
      // With the first of each few minutes; from then on the replacements are further apart.
      atMost(6, world.tokenRequests, 4 * 10 + 8)
    }
  },
  {
    name: "invariant 7: a hundred calls that are rejected at once cause one acquisition",
    run: (setting) => {
      const { callEach, world } = make(setting)
      callEach(second, second, () => ["ok"])
      world.revokeAll()
      const { ok } = callEach(second, second, () => Array.from({ length: 100 }, () => "ok" as const))
      must(7, ok.accepted === 100, `calls ended with ${JSON.stringify(ok)}`)
      must(7, world.tokenRequests === 2, `${world.tokenRequests} token requests`)
    }
  },
  {
    name: "invariant 7: while a token endpoint hangs, a rejected request delays the others by a second at most",
    run: (setting) => {
      const { callEach, world } = make(setting)
      callEach(second, second, () => ["ok"])
      world.endpoint.mode = "hang"
      const { ok } = callEach(50, 40 * second, (index) => index % 100 === 5 ? ["ok", "forbidden"] : ["ok"])
      onlyAccepted(7, ok)
    }
  },
  {
    name: "invariant 5: an outage of the token endpoint fails no call while the token is good, and is not hammered",
    run: (setting) => {
      const { callEach, world } = make(setting)
      callEach(second, 47 * minute, () => ["ok"])
      world.endpoint.mode = "fail"
      onlyAccepted(5, callEach(second, 10 * minute, () => ["ok"]).ok)
      atMost(5, world.tokenRequests, 35)
      world.endpoint.mode = "ok"
      world.advance(minute)
      onlyAccepted(5, callEach(second, hour, () => ["ok"]).ok)
    }
  },
  {
    name: "invariant 5: a Retry-After of an hour is kept, whoever calls",
    run: (setting) => {
      const { callEach, world } = make(setting)
      Object.assign(world.endpoint, { mode: "fail", retryAfter: hour })
      const { ok } = callEach(second, hour - minute, () => ["ok"])
      must(5, world.tokenRequests === 1, `${world.tokenRequests} token requests before the hour is over`)
      must(5, ok.Unavailable === 3_540, `calls ended with ${JSON.stringify(ok)}`)
    }
  },
  ...["background", "onDemand"].map((mode): Scenario => ({
    name: `invariant 12: a caller gets a token although the fiber of its acquisition was lost (${mode})`,
    run: (setting) => {
      const { call, process, world } = make(setting, { mode: mode as "background" | "onDemand" })
      const counts = call()
      world.advance(10)
      process.loseAcquisition()
      world.advance(31 * second)
      must(12, counts.accepted === 1, `the call ended with ${JSON.stringify(counts)}`)
    }
  })),
  {
    name:
      "invariant 7: a token that was requested while the store was down is not replaced by an older one of the store",
    run: (setting) => {
      const { call, processes: [one], world } = make(setting, {}, 2)
      const store = world.store!
      call()
      world.advance(second)
      store.isDown = true
      world.revokeAll()
      call()
      world.advance(second)
      store.isDown = false
      world.revokeAll()
      const counts = call("ok", one!)
      world.advance(second)
      must(7, counts.accepted === 1, `the call after the second revocation ended with ${JSON.stringify(counts)}`)
    }
  },
  {
    name: "invariant 6: two processes cost as many token requests when a clock was set back before a revocation",
    run: (setting) => {
      const requests = [0, -10 * minute].map((step) => {
        const { processes, world } = make(setting, {}, 2)
        for (let index = 0; index < 20 * 60; index++) {
          if (index === 300) { for (const process of processes) process.setClock(step) }
          if (index === 400) world.revokeAll()
          for (const process of processes) process.call("ok")
          world.advance(second)
        }
        return world.tokenRequests
      })
      must(6, requests[0] === requests[1], `${requests.join(" token requests, and with the step ")}`)
      must(6, requests[0] === 2, `${requests[0]} token requests`)
    }
  },
  {
    name: "invariant 6: three processes on a store whose API answers 401 to everything cost three times what one costs",
    run: (setting) => {
      const { processes, world } = make(setting, {}, 3)
      world.endpoint.lifetime = 48 * hour
      world.api.mode = "rejectAll"
      for (let index = 0; index < 6 * 60; index++) {
        for (const process of processes) process.call("ok")
        world.advance(minute)
      }
      atMost(6, world.tokenRequests, 3 * 9)
    }
  }
]
