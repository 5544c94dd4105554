// Requests per second over sockets.
import type { Client } from "../Peer.ts"
import { spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { cannot } from "../Scenario.ts"
import { constantBearer } from "../server.ts"
import { floor, inTurns } from "../support/contenders.ts"
import type { Failures } from "../support/failures.ts"
import { explained, note, requested, settled } from "../support/failures.ts"
import { count, ratio } from "../support/format.ts"
import { startServer } from "../support/server.ts"
import { median, spread } from "../support/statistics.ts"

const columns = [
  "client",
  "requests/s with a constant bearer",
  "requests/s with authentication",
  "of the constant bearer's",
  "middle half"
]

const inFlight = 64

/** A peer's two clients, and how many requests per second each made, by round. */
interface Contender {
  readonly constant: Client
  readonly authenticated: Client
  readonly rates: Readonly<Record<"constant" | "authenticated", Array<number>>>
  readonly failures: Failures
}

const rateOf = async ({ get }: Client, requests: number, failures: Failures): Promise<number> => {
  let left = requests
  const worker = async () => {
    while (left-- > 0) note(failures, await settled(() => requested(get("/v2/companies"))))
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: inFlight }, worker))
  return requests / ((performance.now() - start) / 1000)
}

const run = async (extent: Extent): Promise<Report> => {
  const { requests, rounds } = extent.quick ? { requests: 200, rounds: 2 } : { requests: 3000, rounds: 21 }
  const peers = extent.peers.filter((peer) => peer.cannot.throughput === undefined)
  const server = await startServer()
  const contenders = new Map<string, Contender>()
  try {
    for (const peer of peers) {
      const setting = server.setting()
      contenders.set(peer.name, {
        constant: await peer.open({ ...setting, constant: constantBearer }),
        authenticated: await peer.open(setting),
        rates: { constant: [], authenticated: [] },
        failures: new Map()
      })
    }
    await inTurns(peers, rounds + 1, async ({ name }, round) => {
      extent.say(`throughput: round ${round} of ${rounds}, ${name}`)
      const { failures, rates, ...clients } = contenders.get(name)!
      for (
        const kind of round % 2 === 0
          ? ["constant", "authenticated"] as const
          : ["authenticated", "constant"] as const
      ) {
        const rate = await rateOf(clients[kind], requests, failures)
        // The first round opens the connections, and shows the engine what runs.
        if (round > 0) rates[kind].push(rate)
      }
    })
    for (const { authenticated, constant } of contenders.values()) {
      await authenticated.close()
      await constant.close()
    }
  } finally {
    server.close()
  }
  const ratiosOf = ({ rates }: Contender) => rates.authenticated.map((rate, round) => rate / rates.constant[round]!)
  const ours = contenders.get(spotnana.name)
  return {
    columns,
    rows: [
      ...extent.peers.map((peer) => {
        const contender = contenders.get(peer.name)
        if (contender === undefined) return cannot(peer.name, peer.cannot.throughput ?? "", columns)
        const { rates } = contender
        return [
          peer.name,
          count(Math.round(median(rates.constant))),
          count(Math.round(median(rates.authenticated))),
          ratio(median(ratiosOf(contender))),
          spread(ratiosOf(contender), ratio)
        ]
      }),
      ...(ours === undefined ? [] : [[floor.name, count(Math.round(median(ours.rates.constant))), "–", ratio(1), "–"]])
    ],
    goals: ours === undefined ? [] : [
      {
        goal: "at least 0.98 of the constant bearer's requests per second",
        figure: `${ratio(median(ratiosOf(ours)))} (${spread(ratiosOf(ours), ratio)})`,
        met: median(ratiosOf(ours)) >= 0.98
      }
    ],
    notes: [
      `Medians of ${rounds} rounds of ${
        count(requests)
      } requests by each client, which take turns; the ratio is of the ` +
      "two halves of a round. Clients without an HTTP stack of their own use `fetch`.",
      ...explained([...contenders].map(([name, { failures }]) => [name, failures]))
    ]
  }
}

export const throughput: Scenario = {
  id: "throughput",
  title: "Throughput",
  what:
    "Requests per second over loopback sockets against a small server in a process of its own, 64 in flight, the body " +
    "read. Each client is measured against its own HTTP stack with a bearer that never changes; effect-spotnana's is " +
    "undici.",
  run
}
