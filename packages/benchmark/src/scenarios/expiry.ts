// Tokens that expire under a steady load.
import { spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { contendersOf, enter, floor, rowsOf } from "../support/contenders.ts"
import type { Failures } from "../support/failures.ts"
import { explained, note, requested, settled, total } from "../support/failures.ts"
import { count, duration, percent, ratio } from "../support/format.ts"
import type { Lane } from "../support/load.ts"
import { steadily } from "../support/load.ts"
import { startServer } from "../support/server.ts"
import { quantile } from "../support/statistics.ts"

const columns = [
  "client",
  "requests",
  "failed",
  "token requests",
  "waited for a token",
  "p50",
  "p99",
  "p99.9",
  "p99.9 over the constant bearer's"
]

const lifetime = 2
const tokenLatency = 200
/** If a request took longer than this, the API was not the cause, because it answers at once. */
const longWait = tokenLatency / 2
/** If the machine was the cause, the neighbouring requests also took longer than this. */
const stall = longWait / 2

/** The results of a client's windows. */
interface Figures {
  readonly latencies: Array<number>
  readonly failures: Failures
  waited: number
  tokenRequests: number
}

/** How many requests took long, while those of the floor in the same turn and in the neighbouring turns did not. */
export const waitedForToken = ({ latencies }: Lane, steady: Lane): number =>
  latencies.filter((latency, turn) =>
    latency > longWait && steady.latencies.subarray(Math.max(0, turn - 1), turn + 2).every((other) => other <= stall)
  ).length

const run = async (extent: Extent): Promise<Report> => {
  const { perSecond, seconds, windows } = extent.quick
    ? { perSecond: 50, seconds: 2.2, windows: 1 }
    : { perSecond: 100, seconds: 30, windows: 4 }
  const turns = windows * Math.round(perSecond * seconds)
  const contenders = contendersOf(extent.peers, "expiry")
  const figures = new Map(
    contenders.map(({ name }): [string, Figures] => [
      name,
      { latencies: [], failures: new Map(), waited: 0, tokenRequests: 0 }
    ])
  )
  const busy: Array<number> = []
  const server = await startServer()
  try {
    await server.configure({ lifetime, tokenLatency })
    const entrants = await Promise.all(contenders.map((peer) => enter(peer, server, lifetime)))
    const calls = entrants.map(({ client }) => () => requested(client.get("/v2/companies")))
    await Promise.all(calls.map(settled))
    const before = await server.counts()
    for (let window = 0; window < windows; window++) {
      extent.say(`expiry: window ${window + 1} of ${windows}, ${seconds} s`)
      const load = await steadily(calls, { perSecond, turns: turns / windows })
      busy.push(load.busy)
      const steady = load.lanes[contenders.indexOf(floor)]!
      load.lanes.forEach((lane, index) => {
        const own = figures.get(contenders[index]!.name)!
        own.latencies.push(...lane.latencies)
        own.waited += waitedForToken(lane, steady)
        for (const [reason, times] of lane.failures) note(own.failures, reason, times)
      })
    }
    const after = await server.counts()
    for (const { clientId, name } of entrants) {
      const received = (counts: typeof after) => counts.tokenRequestsOf[clientId]?.length ?? 0
      figures.get(name)!.tokenRequests = received(after) - received(before)
    }
    await Promise.all(entrants.map(({ client }) => client.close()))
  } finally {
    server.close()
  }
  const tail = (name: string) => quantile(figures.get(name)!.latencies, 0.999)
  const ours = figures.get(spotnana.name)
  const over = tail(spotnana.name) / tail(floor.name)
  return {
    columns,
    rows: rowsOf(extent.peers, "expiry", columns, (name) => {
      const { failures, latencies, tokenRequests, waited } = figures.get(name)!
      return [
        count(latencies.length),
        count(total(failures)),
        count(tokenRequests),
        count(waited),
        duration(quantile(latencies, 0.5)),
        duration(quantile(latencies, 0.99)),
        duration(tail(name)),
        ratio(tail(name) / tail(floor.name))
      ]
    }),
    goals: ours === undefined ? [] : [
      {
        goal: "no request waits for a token after the first",
        figure: `${count(ours.waited)} waited and ${count(total(ours.failures))} failed, of ${count(turns)}`,
        met: ours.waited === 0 && ours.failures.size === 0
      },
      {
        goal: "p99.9 at most 1.1 × the constant bearer's",
        figure: `${ratio(over)}: ${duration(tail(spotnana.name))} to ${duration(tail(floor.name))}`,
        met: over <= 1.1
      }
    ],
    notes: [
      `Waited for a token: took longer than ${duration(longWait)}, half of what the token endpoint takes, while the ` +
      "constant bearer's requests of the same turn and of the turns beside it, at most " +
      `${duration(2000 / perSecond)} away, took no more than ${duration(stall)} each. The API answers at once.`,
      `${count(perSecond)} requests/s of each client, ${windows} × ${seconds} s. This process was busy ` +
      `${percent(Math.max(...busy))} of the time at most. Each p99.9 is of ${count(turns)} requests, ` +
      `${count(Math.floor(turns / 1000))} of which took longer.`,
      "Latencies are of all requests, the failed ones too, and include the millisecond by which a timer is late.",
      ...explained([...figures].map(([name, { failures }]) => [name, failures]))
    ]
  }
}

export const expiry: Scenario = {
  id: "expiry",
  title: "Expiry under load",
  what:
    "Tokens live for 2 s and take 200 ms to get, and every client has one before the load starts. The load is open: " +
    "each request has its time, whatever became of those before, and its latency counts from there. All clients run at " +
    "the same time in one process and take turns, in an order that is drawn anew each turn, so that what the machine " +
    "does beside falls on all of them alike.",
  run
}
