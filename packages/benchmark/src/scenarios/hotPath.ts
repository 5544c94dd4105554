// What authentication adds to a request whose token is there.
import { looking, spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { cannot } from "../Scenario.ts"
import { startChild } from "../support/child.ts"
import type { Child } from "../support/child.ts"
import { floor } from "../support/contenders.ts"
import { duration } from "../support/format.ts"
import { batch, kinds } from "../support/hotPathProcess.ts"
import type { HotPathApi, Kind } from "../support/hotPathProcess.ts"
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

/** A peer's process, and what was measured in it: of one request, in milliseconds and bytes. */
interface Contender {
  readonly name: string
  readonly child: Child<HotPathApi>
  readonly times: Readonly<Record<Kind, Array<number>>>
  readonly bytes: Readonly<Record<Kind, Array<number>>>
}

const contenderOf = (name: string): Contender => ({
  name,
  child: startChild<HotPathApi>(new URL("../support/hotPathProcess.ts", import.meta.url), [name]),
  times: { constant: [], authenticated: [] },
  bytes: { constant: [], authenticated: [] }
})

/** One round of a contender: both its clients, the first of them another one each time. */
const measure = async ({ bytes, child, times }: Contender, round: number, millis: number): Promise<void> => {
  const measured = await child.call("measure", { order: round % 2 === 0 ? kinds : kinds.toReversed(), millis })
  for (const kind of kinds) {
    times[kind].push(measured[kind].time)
    bytes[kind].push(measured[kind].bytes)
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
  const contenders = [...peers, looking].map(({ name }) => contenderOf(name))
  for (const { child } of contenders) await child.call("warmUp", warmUp)
  for (let round = 0; round < rounds; round++) {
    if (round % 10 === 0) extent.say(`hot path: round ${round + 1} of ${rounds}`)
    const first = round % contenders.length
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      await measure(contender, round, millis)
    }
  }
  for (const { child } of contenders) await child.close()

  const addedBy = new Map(contenders.map(({ name, times }) => [name, median(addedOf(times))]))
  const ours = contenders.find(({ name }) => name === spotnana.name)
  const own = addedBy.get(spotnana.name) ?? Number.NaN
  const share = ours === undefined ? Number.NaN : 100 * own / median(ours.times.constant)
  const [least] = [...addedBy]
    .filter(([name]) => name !== spotnana.name && name !== looking.name)
    .toSorted(([, a], [, b]) => a - b)
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
    "answers at once. Each client is measured against its own HTTP stack with a bearer that never changes, in a process " +
    "of its own, as it would run in an application: where all share one, each is slower for the code of the others. " +
    "Harness: tinybench.",
  run
}
