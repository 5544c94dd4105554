// The token endpoint is down for most of a token's lifetime.
import * as Policy from "@effect-spotnana/engine/Policy"
import { setTimeout as sleep } from "node:timers/promises"
import { spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { contendersOf, enter, rowsOf } from "../support/contenders.ts"
import type { Failures } from "../support/failures.ts"
import { explained, note, requested, settled, total } from "../support/failures.ts"
import { count, duration, percent } from "../support/format.ts"
import { steadily } from "../support/load.ts"
import { startServer } from "../support/server.ts"
import { median } from "../support/statistics.ts"

const columns = [
  "client",
  "requests",
  "failed",
  "token requests during the outage",
  "the most of one client",
  "longest request"
]

const tokenLatency = 100
/** For which part of a token's lifetime the endpoint is down. */
const outageShare = 0.85
/** How long the load lasts, in lifetimes of a token. It includes part of the second lifetime. */
const loadShare = 1.2

/**
 * The attempts of a renewal that begins as early as possible and waits as briefly as possible, in milliseconds since
 * the token was issued.
 */
export const earliestAttempts = (lifetime: number, end: number): ReadonlyArray<number> => {
  const policy = Policy.defaults
  const usable = Policy.usableLifetime(policy, lifetime)
  const attempts: Array<number> = []
  let at = Policy.renewalDelay(policy, lifetime, 1)
  while (at < end) {
    attempts.push(at)
    at += Policy.retryDelay(policy, attempts.length, undefined, 0, usable - at)
  }
  return attempts
}

/** The results of a peer's clients. */
interface Figures {
  readonly tokenRequests: Array<number>
  readonly failures: Failures
  requests: number
  longest: number
}

const run = async (extent: Extent): Promise<Report> => {
  const { each, lifetime, perSecond } = extent.quick
    ? { each: 1, lifetime: 2, perSecond: 50 }
    : { each: 5, lifetime: 20, perSecond: 20 }
  const contenders = contendersOf(extent.peers, "outage").flatMap((peer) => Array.from({ length: each }, () => peer))
  const figures = new Map(
    contenders.map(({ name }): [string, Figures] => [
      name,
      { tokenRequests: [], failures: new Map(), requests: 0, longest: 0 }
    ])
  )
  const end = lifetime * outageShare * 1000
  const loaded = lifetime * loadShare * 1000
  const server = await startServer()
  let busy = 0
  try {
    await server.configure({ lifetime, tokenLatency })
    const entrants = await Promise.all(contenders.map((peer) => enter(peer, server, lifetime)))
    const calls = entrants.map(({ client }) => () => requested(client.get("/v2/companies")))
    const issuedAt = performance.now()
    await Promise.all(calls.map(settled))
    const down = await server.configure({ down: true })
    extent.say(`outage: down for ${duration(end)}, then up`)
    const load = steadily(calls, { perSecond, turns: Math.round(perSecond * loaded / 1000) })
    await sleep(issuedAt + end - performance.now())
    const up = await server.configure({ down: false })
    extent.say("outage: up")
    const { lanes } = await load
    busy = (await load).busy
    lanes.forEach(({ failures, latencies }, index) => {
      const { clientId, name } = entrants[index]!
      const asked = (counts: typeof down) => counts.tokenRequestsOf[clientId]?.length ?? 0
      const own = figures.get(name)!
      own.tokenRequests.push(asked(up) - asked(down))
      own.requests += latencies.length
      own.longest = Math.max(own.longest, ...latencies)
      for (const [reason, times] of failures) note(own.failures, reason, times)
    })
    await Promise.all(entrants.map(({ client }) => client.close()))
  } finally {
    server.close()
  }
  const attempts = earliestAttempts(lifetime * 1000, end)
  const ours = figures.get(spotnana.name)
  return {
    columns,
    rows: rowsOf(extent.peers, "outage", columns, (name) => {
      const { failures, longest, requests, tokenRequests } = figures.get(name)!
      return [
        count(requests),
        count(total(failures)),
        count(median(tokenRequests)),
        count(Math.max(...tokenRequests)),
        duration(longest)
      ]
    }),
    goals: ours === undefined ? [] : [
      {
        goal: "no request fails",
        figure: `${count(total(ours.failures))} of ${count(ours.requests)} failed`,
        met: ours.failures.size === 0
      },
      {
        goal: `at most ${attempts.length} token requests of a client, as many as its backoff lets fit`,
        figure: `${count(Math.max(...ours.tokenRequests))} at most`,
        met: Math.max(...ours.tokenRequests) <= attempts.length
      }
    ],
    notes: [
      `${each} clients of each at once, ${count(perSecond)} requests/s of each client for ${duration(loaded)}. Token ` +
      `requests are the median of the clients. This process was busy ${percent(busy)} of the time.`,
      "The bound, from `RefreshPolicy`: the earliest renewal and the shortest delays after it make attempts " +
      `${attempts.map(duration).join(", ")} after the token was issued; the outage ends at ${duration(end)}.`,
      "effect-spotnana waits for half of what is left of a token at most before it asks again, so that it finds the " +
      "endpoint back in time whatever the lifetime is; its tests go through this with tokens of 10 s to 24 h.",
      "Longest request: who has no token when the endpoint is back waits for the next attempt, or makes one.",
      ...explained([...figures].map(([name, { failures }]) => [name, failures]))
    ]
  }
}

export const outage: Scenario = {
  id: "outage",
  title: "Outage of the token endpoint",
  what: "The token endpoint answers 503 from right after the first token until 85 % of that token's life are " +
    "over, and works again after that. Tokens live for 20 s. All clients are under a steady, open " +
    "load at the same time, until a fifth of the next token's life is over.",
  run
}
