// Many callers, and no token yet.
import type { Peer } from "../Peer.ts"
import { cached, spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { contendersOf, enter, inTurns, rowsOf } from "../support/contenders.ts"
import type { Failures } from "../support/failures.ts"
import { explained, note, total } from "../support/failures.ts"
import { count, duration, ratio } from "../support/format.ts"
import { atOnce } from "../support/load.ts"
import type { Server } from "../support/server.ts"
import { startServer } from "../support/server.ts"
import { median, spread } from "../support/statistics.ts"

const columns = [
  "client",
  "token requests",
  "last caller's wait",
  "middle half",
  "over the endpoint's latency",
  "callers without a token"
]

const tokenLatency = 100

/** What a client's rounds came to. */
interface Figures {
  readonly requests: Array<number>
  readonly waits: Array<number>
  readonly failures: Failures
}

/** The endpoint's latency, as somebody sees it who asks for a token and does nothing else. */
const bareLatency = async ({ setting }: Server): Promise<number> => {
  const { clientId, clientSecret, tokenUrl } = setting()
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: clientSecret
  })
  const start = performance.now()
  const response = await fetch(tokenUrl, { method: "POST", body })
  await response.json()
  return performance.now() - start
}

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
  const callers = extent.quick ? 200 : 10_000
  const rounds = extent.quick ? 2 : 7
  const peers = [...extent.peers, cached]
  const contenders = contendersOf(peers, "stampede")
  const figures = new Map(
    contenders.map(({ name }): [string, Figures] => [name, { requests: [], waits: [], failures: new Map() }])
  )
  const bare: Array<number> = []
  const server = await startServer()
  try {
    await inTurns(contenders, rounds, async (peer, round) => {
      extent.say(`stampede: round ${round + 1} of ${rounds}, ${peer.name}`)
      await rush(server, peer, callers, figures.get(peer.name)!)
      bare.push(await bareLatency(server))
    })
  } finally {
    server.close()
  }
  const latency = median(bare)
  const ours = figures.get(spotnana.name)
  return {
    columns,
    rows: rowsOf(peers, "stampede", columns, (name) => {
      const { failures, requests, waits } = figures.get(name)!
      const wait = median(waits)
      return [
        count(median(requests)),
        duration(wait),
        spread(waits, duration),
        ratio(wait / latency),
        count(total(failures))
      ]
    }),
    goals: ours === undefined ? [] : [
      {
        goal: `1 token request for ${count(callers)} callers`,
        figure: `${count(Math.max(...ours.requests))} at most in ${rounds} rounds`,
        met: ours.requests.every((requests) => requests === 1) && ours.failures.size === 0
      },
      {
        goal: "the last caller waits at most 1.1 × the endpoint's latency",
        figure: `${ratio(median(ours.waits) / latency)}: ${duration(median(ours.waits))} to ${duration(latency)}`,
        met: median(ours.waits) <= 1.1 * latency
      }
    ],
    notes: [
      `The endpoint's latency is ${duration(latency)}, set to ${duration(tokenLatency)}: the median of ` +
      `${bare.length} bare token requests by \`fetch\`, made between the rounds.`,
      "A process has one thread: the token request leaves when all callers have called, so that the time of their calls is " +
      "part of the wait. The constant bearer's row is that time, where nothing is asked for.",
      `\`${cached.name}\` is what waiting for one request costs in Effect itself: a fiber for each caller.`,
      `Medians of ${rounds} rounds with fresh clients, who begin in rotating order. Callers without a token are those of ` +
      "all rounds.",
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
