// Requests per second over sockets.
import type { Client } from "../Peer.ts"
import { introduced, looking, spotnana } from "../peers/spotnana.ts"
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

const kinds = ["constant", "authenticated"] as const

/** A peer's two clients, and how many requests per second each made, by pair. */
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
  // Short ones: what else the machine does in the meantime is in both halves of a pair or in few of them.
  const { pairs, requests, rounds } = extent.quick
    ? { pairs: 2, requests: 100, rounds: 2 }
    : { pairs: 10, requests: 1000, rounds: 20 }
  const all = [...extent.peers, looking, introduced]
  const peers = all.filter((peer) => peer.cannot.throughput === undefined)
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
      for (let pair = 0; pair < pairs; pair++) {
        for (const kind of pair % 2 === 0 ? kinds : kinds.toReversed()) {
          const rate = await rateOf(clients[kind], requests, failures)
          // The first round opens the connections, and shows the engine what runs.
          if (round > 0) rates[kind].push(rate)
        }
      }
    })
    for (const { authenticated, constant } of contenders.values()) {
      await authenticated.close()
      await constant.close()
    }
  } finally {
    server.close()
  }
  const ratiosOf = ({ rates }: Contender) => rates.authenticated.map((rate, pair) => rate / rates.constant[pair]!)
  const ours = contenders.get(spotnana.name)
  return {
    columns,
    rows: [
      ...all.map((peer) => {
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
      `Medians of ${rounds * pairs} pairs of ${count(requests)} requests with and ${count(requests)} without, in ` +
      `${rounds} rounds in which the clients take turns; the ratio is of a pair. Clients without an HTTP stack of ` +
      "their own use `fetch`.",
      `\`${looking.name}\` and \`${introduced.name}\` are constant bearers with one part of what effect-spotnana does: ` +
      "an operation of Effect that sees every answer and every error, and the header that tells the API who calls, which " +
      "the server reads too.",
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
