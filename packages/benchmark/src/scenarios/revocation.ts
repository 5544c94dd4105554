// All tokens are revoked while many requests are in flight.
import { setTimeout as sleep } from "node:timers/promises"
import type { Peer } from "../Peer.ts"
import { spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { contendersOf, enter, inTurns, rowsOf } from "../support/contenders.ts"
import type { Failures } from "../support/failures.ts"
import { explained, note, requested, settled, total } from "../support/failures.ts"
import { count, duration } from "../support/format.ts"
import { atOnce } from "../support/load.ts"
import type { Server } from "../support/server.ts"
import { startServer } from "../support/server.ts"
import { median, spread } from "../support/statistics.ts"

const columns = [
  "client",
  "token requests after it",
  "failed",
  "all ended after",
  "middle half",
  "the next request",
  "held by the API"
]

const tokenLatency = 100

/** The results of a client's rounds. */
interface Figures {
  readonly requests: Array<number>
  readonly recoveries: Array<number>
  /** How many requests the API held when the tokens were revoked. */
  readonly held: Array<number>
  /** What went wrong with the request after all others, if anything. */
  readonly next: Array<string | undefined>
  readonly failures: Failures
}

/** Until the API has all requests, or as many as the client has connections for. */
const received = async (server: Server, before: number, expected: number): Promise<number> => {
  const enough = 1_000
  const longest = 30_000
  let held = 0
  let growing = performance.now()
  // On a slow machine the first one may take a while.
  while (held < expected && performance.now() - growing < (held === 0 ? longest : enough)) {
    await sleep(10)
    const now = (await server.counts()).apiRequests - before
    if (now > held) growing = performance.now()
    held = now
  }
  return held
}

const revoke = async (server: Server, peer: Peer, inFlight: number, figures: Figures): Promise<void> => {
  await server.reset()
  await server.configure({ tokenLatency })
  const { client, clientId } = await enter(peer, server)
  const call = () => requested(client.get("/v2/companies"))
  await settled(call)
  const { apiRequests } = await server.hold()
  const rush = atOnce(inFlight, call)
  figures.held.push(await received(server, apiRequests, inFlight))
  const revokedAt = performance.now()
  const before = await server.revoke()
  await server.release()
  const { endedAt, failures } = await rush
  figures.recoveries.push(endedAt - revokedAt)
  for (const [reason, times] of failures) note(figures.failures, reason, times)
  const asked = (counts: typeof before) => counts.tokenRequestsOf[clientId]?.length ?? 0
  figures.requests.push(asked(await server.counts()) - asked(before))
  figures.next.push(await settled(call))
  await client.close()
}

const run = async (extent: Extent): Promise<Report> => {
  const inFlight = extent.quick ? 50 : 1000
  const rounds = extent.quick ? 1 : 5
  const contenders = contendersOf(extent.peers, "revocation")
  const figures = new Map(
    contenders.map(({ name }): [string, Figures] => [
      name,
      { requests: [], recoveries: [], held: [], next: [], failures: new Map() }
    ])
  )
  const server = await startServer()
  try {
    await inTurns(contenders, rounds, async (peer, round) => {
      extent.say(`revocation: round ${round + 1} of ${rounds}, ${peer.name}`)
      await revoke(server, peer, inFlight, figures.get(peer.name)!)
    })
  } finally {
    server.close()
  }
  const ours = figures.get(spotnana.name)
  return {
    columns,
    rows: rowsOf(extent.peers, "revocation", columns, (name) => {
      const { failures, held, next, recoveries, requests } = figures.get(name)!
      const failed = next.find((failure) => failure !== undefined)
      return [
        count(median(requests)),
        `${count(total(failures))} of ${count(rounds * inFlight)}`,
        duration(median(recoveries)),
        spread(recoveries, duration),
        failed ?? "200",
        count(median(held))
      ]
    }),
    goals: ours === undefined ? [] : [
      {
        goal: "1 token request after the revocation",
        figure: `${count(Math.min(...ours.requests))} to ${count(Math.max(...ours.requests))} in ${rounds} rounds`,
        met: ours.requests.every((requests) => requests === 1)
      },
      {
        goal: "no request fails",
        figure: `${count(total(ours.failures))} of ${count(rounds * inFlight)} failed`,
        met: ours.failures.size === 0 && ours.next.every((failure) => failure === undefined)
      }
    ],
    notes: [
      "The constant bearer is not revoked: its row is what it takes to answer that many requests.",
      `A token takes ${
        duration(tokenLatency)
      }. Medians of ${rounds} rounds with fresh clients, who begin in rotating ` +
      "order; failures are those of all rounds.",
      "Held by the API: the requests that it had when the tokens died. A client with fewer connections sends the " +
      "others afterwards, with the tokens it has then.",
      ...explained([...figures].map(([name, { failures }]) => [name, failures]))
    ]
  }
}

export const revocation: Scenario = {
  id: "revocation",
  title: "Mass revocation",
  what:
    "1,000 requests of one client are under way when all tokens are revoked. The API holds its answers until it has " +
    "the requests of all connections that the client opens, and judges each token as it answers: so each of them " +
    "meets the revocation. Counted are the token requests from then on, the requests that fail, and the time until " +
    "the last has ended.",
  run
}
