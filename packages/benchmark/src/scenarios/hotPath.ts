// What authentication adds to a request whose token is there.
import { Bench } from "tinybench"
import type { Client, Peer } from "../Peer.ts"
import { looking, spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { cannot } from "../Scenario.ts"
import { constantBearer } from "../server.ts"
import { allocated } from "../support/allocated.ts"
import { floor } from "../support/contenders.ts"
import { duration } from "../support/format.ts"
import { settingOf } from "../support/server.ts"
import { median, spread } from "../support/statistics.ts"

const columns = [
  "client",
  "its HTTP stack with a constant bearer",
  "with authentication",
  "added",
  "middle half",
  "added, of the constant bearer",
  "bytes allocated, constant bearer",
  "bytes added"
]

const path = "/v2/companies"
/** So many requests are one sample, so that the clock costs nothing. */
const batch = 200

const kinds = ["constant", "authenticated"] as const
type Kind = (typeof kinds)[number]

/** A peer's two clients, and what was measured of each: of one request, in milliseconds and bytes. */
interface Contender {
  readonly name: string
  readonly clients: Readonly<Record<Kind, Client>>
  readonly times: Readonly<Record<Kind, Array<number>>>
  readonly bytes: Readonly<Record<Kind, Array<number>>>
}

const many = async ({ get, getMany }: Client, count: number): Promise<void> => {
  if (getMany !== undefined) return getMany(path, count)
  for (let made = 0; made < count; made++) await get(path)
}

const open = async (peer: Peer): Promise<Contender> => {
  const setting = settingOf("http://127.0.0.1:4801", { stubbed: true })
  return {
    name: peer.name,
    clients: {
      constant: await peer.open({ ...setting, constant: constantBearer }),
      authenticated: await peer.open(setting)
    },
    times: { constant: [], authenticated: [] },
    bytes: { constant: [], authenticated: [] }
  }
}

/** One round of a contender: both its clients, the first of them another one each time. */
const measure = async ({ bytes, clients, times }: Contender, round: number, millis: number): Promise<void> => {
  const order = round % 2 === 0 ? kinds : kinds.toReversed()
  const bench = new Bench({ time: millis, iterations: 3, warmup: false, throws: true })
  for (const kind of order) bench.add(kind, () => many(clients[kind], batch))
  await bench.run()
  for (const kind of order) {
    const result = bench.getTask(kind)?.result
    if (result !== undefined && "latency" in result) times[kind].push(result.latency.p50 / batch)
    bytes[kind].push(await allocated(() => many(clients[kind], 10 * batch)) / (10 * batch))
  }
}

const addedOf = ({ authenticated, constant }: Readonly<Record<Kind, ReadonlyArray<number>>>): ReadonlyArray<number> =>
  authenticated.map((value, round) => value - constant[round]!)

const rowOf = (contender: Contender): ReadonlyArray<string> => {
  const { bytes, name, times } = contender
  const added = addedOf(times)
  return [
    name,
    duration(median(times.constant)),
    duration(median(times.authenticated)),
    duration(median(added)),
    spread(added, duration),
    `${(100 * median(added) / median(times.constant)).toFixed(1)} %`,
    median(bytes.constant).toFixed(0),
    median(addedOf(bytes)).toFixed(0)
  ]
}

/** What the library is measured against, in a row of its own. */
const floorRow = ({ bytes, times }: Contender): ReadonlyArray<string> => [
  floor.name,
  duration(median(times.constant)),
  "–",
  duration(0),
  "–",
  "0.0 %",
  median(bytes.constant).toFixed(0),
  "0"
]

const run = async (extent: Extent): Promise<Report> => {
  const { millis, rounds, warmUp } = extent.quick
    ? { millis: 1, rounds: 2, warmUp: 1 }
    : { millis: 40, rounds: 60, warmUp: 20 }
  const peers = extent.peers.filter((peer) => peer.cannot.hotPath === undefined)
  const contenders: Array<Contender> = []
  for (const peer of [...peers, looking]) contenders.push(await open(peer))
  for (const { clients } of contenders) {
    for (const kind of kinds) for (let run = 0; run < warmUp; run++) await many(clients[kind], batch)
  }
  for (let round = 0; round < rounds; round++) {
    if (round % 10 === 0) extent.say(`hot path: round ${round + 1} of ${rounds}`)
    const first = round % contenders.length
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      await measure(contender, round, millis)
    }
  }
  for (const { clients } of contenders) for (const kind of kinds) await clients[kind].close()

  const addedBy = new Map(contenders.map(({ name, times }) => [name, median(addedOf(times))]))
  const ours = contenders.find(({ name }) => name === spotnana.name)
  const own = addedBy.get(spotnana.name) ?? Number.NaN
  const share = ours === undefined ? Number.NaN : 100 * own / median(ours.times.constant)
  const others = peers.filter((peer) => peer !== spotnana).map((
    { name }
  ): [string, number] => [name, addedBy.get(name)!])
  const [least] = others.toSorted(([, a], [, b]) => a - b)
  return {
    columns,
    rows: [
      ...[...extent.peers, looking].map((peer) => {
        const contender = contenders.find(({ name }) => name === peer.name)
        return contender === undefined ? cannot(peer.name, peer.cannot.hotPath ?? "", columns) : rowOf(contender)
      }),
      ...(ours === undefined ? [] : [floorRow(ours)])
    ],
    goals: ours === undefined ? [] : [
      { goal: "at most 0.25 µs over the constant bearer", figure: duration(own), met: own <= 0.25e-3 },
      { goal: "at most 5 % over the constant bearer", figure: `${share.toFixed(1)} %`, met: share <= 5 },
      {
        goal: "least of all peers",
        figure: least === undefined ? "–" : `${duration(own)}; of the others ${least[0]}, ${duration(least[1])}`,
        met: least !== undefined && own <= least[1]
      }
    ],
    notes: [
      `A request of \`HttpClient\` itself takes the ${
        ours === undefined ?
          "" :
          `${duration(median(ours.times.constant))} and the ${median(ours.bytes.constant).toFixed(0)} bytes `
      }of the second column and the seventh: its span, its URL, the interruption of its response. That is not ours to spend.`,
      `Who answers a 401 has to look at every answer. In Effect that is one operation, \`matchCauseEffect\`; ` +
      `\`${looking.name}\` is the constant bearer with one that does nothing, and adds ` +
      `${duration(addedBy.get(looking.name) ?? Number.NaN)}. What effect-spotnana adds to that is ` +
      `${duration(own - (addedBy.get(looking.name) ?? Number.NaN))}.`,
      "The clients of this table differ in what they do for it. Only effect-spotnana and google-auth-library and " +
      "@badgateway/oauth2-client look at the answer and send a rejected request again.",
      `Medians of ${rounds} rounds; all clients take turns in each, and every figure of a round is the median of batches ` +
      `of ${batch} requests. Added is the difference within a round.`
    ]
  }
}

export const hotPath: Scenario = {
  id: "hotPath",
  title: "Hot path",
  what:
    "The time and the memory that authentication adds to one request, with a token that is there and a transport that " +
    "answers at once. Each client is measured against its own HTTP stack with a bearer that never changes. Harness: " +
    "tinybench.",
  run
}
