// Many callers, and no token yet.
import type { Peer } from "../Peer.ts"
import { cached, spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { contendersOf, enter, inTurns, rowsOf } from "../support/contenders.ts"
import type { Failures } from "../support/failures.ts"
import { explained, note, total } from "../support/failures.ts"
import { count, duration, exactRatio } from "../support/format.ts"
import { atOnce } from "../support/load.ts"
import type { Server } from "../support/server.ts"
import { startServer } from "../support/server.ts"
import { median, ratios, spread } from "../support/statistics.ts"

const columns = [
  "client",
  "token requests",
  "last caller's wait",
  "middle half",
  "over Effect.cached's",
  "callers without a token"
]

const tokenLatency = 100

/** The results of a client's rounds. */
interface Figures {
  readonly requests: Array<number>
  readonly waits: Array<number>
  readonly failures: Failures
}

const noFigures = (): Figures => ({ requests: [], waits: [], failures: new Map() })

const rush = async (server: Server, peer: Peer, callers: number, figures: Figures): Promise<void> => {
  await server.reset()
  await server.configure({ tokenLatency })
  const { client, clientId } = await enter(peer, server)
  const callersRush = await atOnce(callers, async () => (await client.token()) === "" ? "an empty token" : undefined)
  figures.waits.push(callersRush.endedAt - callersRush.startedAt)
  figures.requests.push((await server.counts()).tokenRequestsOf[clientId]?.length ?? 0)
  for (const [reason, times] of callersRush.failures) note(figures.failures, reason, times)
  await client.close()
}

const run = async (extent: Extent): Promise<Report> => {
  const { callers, pairs, rounds } = extent.quick
    ? { callers: 200, pairs: 2, rounds: 1 }
    : { callers: 10_000, pairs: 25, rounds: 5 }
  const peers = [...extent.peers, cached]
  const contenders = contendersOf(peers, "stampede")
  const figures = new Map(
    contenders.map(({ name }): [string, Figures] => [name, noFigures()])
  )
  const server = await startServer()
  const own = contenders.filter(({ name }) => name === spotnana.name || name === cached.name)
  const others = contenders.filter((peer) => !own.includes(peer))
  try {
    // A difference of 5 % must be visible between these two. So they take turns alone, before the others fill the heap.
    await inTurns(own, pairs + 1, async (peer, round) => {
      extent.say(`stampede: round ${round} of ${pairs}, ${peer.name}`)
      // The first round lets the JavaScript engine optimize the code.
      await rush(server, peer, callers, round === 0 ? noFigures() : figures.get(peer.name)!)
    })
    await inTurns(others, rounds, async (peer, round) => {
      extent.say(`stampede: round ${round + 1} of ${rounds}, ${peer.name}`)
      await rush(server, peer, callers, figures.get(peer.name)!)
    })
  } finally {
    server.close()
  }
  const wait = (name: string) => median(figures.get(name)!.waits)
  const ours = figures.get(spotnana.name)
  const overCached = ours === undefined ? [] : ratios(ours.waits, figures.get(cached.name)!.waits)
  return {
    columns,
    rows: rowsOf(peers, "stampede", columns, (name) => {
      const { failures, requests, waits } = figures.get(name)!
      return [
        count(median(requests)),
        duration(wait(name)),
        spread(waits, duration),
        exactRatio(name === spotnana.name ? median(overCached) : wait(name) / wait(cached.name)),
        count(total(failures))
      ]
    }),
    goals: ours === undefined ? [] : [
      {
        goal: `1 token request for ${count(callers)} callers`,
        figure: `${count(Math.max(...ours.requests))} at most in ${pairs} rounds`,
        met: ours.requests.every((requests) => requests === 1) && ours.failures.size === 0
      },
      {
        goal: "the last caller waits at most 1.05 × as long as with Effect.cached",
        figure: `${exactRatio(median(overCached))} (${spread(overCached, exactRatio)}): ${
          duration(wait(spotnana.name))
        } and ${duration(wait(cached.name))}`,
        met: median(overCached) <= 1.05
      }
    ],
    notes: [
      `The token endpoint takes ${
        duration(tokenLatency)
      }. A process has one thread: the token request leaves when all ` +
      "callers have called, so that the time of their calls is part of the wait. The constant bearer's row is that " +
      "time, where nothing is asked for.",
      `\`${cached.name}\`, over the same transport, is what waiting for one request costs in Effect itself: a fiber for ` +
      "each caller.",
      `Medians of rounds with fresh clients: ${pairs} in which effect-spotnana and \`Effect.cached\` take turns, whose ` +
      `ratio is of a round, and ${rounds} of the others. Callers without a token are those of all rounds.`,
      ...explained([...figures].map(([name, { failures }]) => [name, failures]))
    ]
  }
}

export const stampede: Scenario = {
  id: "stampede",
  title: "Cold stampede",
  what:
    "10,000 callers at once ask a fresh client for a token, and the token endpoint takes 100 ms. They ask for the " +
    "token alone, so that none waits for a socket to the API. The wait is from the first call until the last caller " +
    "has its token; the token requests are those that the endpoint received.",
  run
}
