// What authentication adds to a request if there is a token.
import { looking, spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { cannot } from "../Scenario.ts"
import { startChild } from "../support/child.ts"
import type { Child } from "../support/child.ts"
import { floor, inTurns } from "../support/contenders.ts"
import { count, duration } from "../support/format.ts"
import { batch, kinds } from "../support/hotPathProcess.ts"
import type { HotPathApi, Kind, Times } from "../support/hotPathProcess.ts"
import { differences, median, spread } from "../support/statistics.ts"

const columns = [
  "client",
  "its HTTP stack with a constant bearer",
  "with authentication",
  "added",
  "middle half",
  "handles a 401"
]

/** A peer's process, and the measured milliseconds of a request. */
interface Contender {
  readonly child: Child<HotPathApi>
  readonly times: Readonly<Record<Kind, Array<number>>>
}

const addedOf = ({ authenticated, constant }: Times): ReadonlyArray<number> => differences(authenticated, constant)

const cellsOf = (times: Times): ReadonlyArray<string> => [
  duration(median(times.constant)),
  duration(median(times.authenticated)),
  duration(median(addedOf(times))),
  spread(addedOf(times), duration)
]

const run = async (extent: Extent): Promise<Report> => {
  const { pairs, rounds } = extent.quick ? { pairs: 3, rounds: 1 } : { pairs: 25, rounds: 60 }
  const able = [...extent.peers.filter((peer) => peer.cannot.hotPath === undefined), looking]
  const contenders = new Map(
    able.map(({ name }): [string, Contender] => [name, {
      child: startChild(new URL("../support/hotPathProcess.ts", import.meta.url), [name]),
      times: { constant: [], authenticated: [] }
    }])
  )
  // The first rounds let the JavaScript engine optimize the code.
  const warmUps = extent.quick ? 1 : 2
  await inTurns(able, warmUps + rounds, async ({ name }, round) => {
    extent.say(`hot path: round ${round + 1} of ${warmUps + rounds}`)
    const { child, times } = contenders.get(name)!
    const measured = await child.call("measure", pairs)
    if (round >= warmUps) { for (const kind of kinds) times[kind].push(...measured[kind]) }
  })
  for (const { child } of contenders.values()) await child.close()

  const addedBy = (name: string) => median(addedOf(contenders.get(name)!.times))
  const ours = contenders.get(spotnana.name)?.times
  const [least] = able
    .filter(({ name, replays }) => replays === true && name !== spotnana.name && name !== looking.name)
    .map(({ name }) => [name, addedBy(name)] as const)
    .toSorted(([, a], [, b]) => a - b)
  return {
    columns,
    rows: [
      ...[...extent.peers, looking].map((peer) => {
        const contender = contenders.get(peer.name)
        return contender === undefined
          ? cannot(peer.name, peer.cannot.hotPath ?? "", columns)
          : [peer.name, ...cellsOf(contender.times), peer.replays === true && peer !== looking ? "yes" : "no"]
      }),
      ...(ours === undefined
        ? []
        : [[floor.name, duration(median(ours.constant)), "–", duration(0), "–", "no"]])
    ],
    goals: ours === undefined ? [] : [
      {
        goal: "at most 0.20 µs over the constant bearer",
        figure: `${duration(addedBy(spotnana.name))} (${spread(addedOf(ours), duration)})`,
        met: addedBy(spotnana.name) <= 0.2e-3
      },
      {
        goal: "least of the clients that handle a 401",
        figure: least === undefined
          ? `${duration(addedBy(spotnana.name))}, and nobody to compare it with`
          : `${duration(addedBy(spotnana.name))}; of the others ${least[0]}, ${duration(least[1])}`,
        met: least !== undefined && addedBy(spotnana.name) <= least[1]
      }
    ],
    notes: [
      "Whoever handles a 401 has to look at every answer. In Effect that is one operation, `matchCauseEffect`; " +
      `\`${looking.name}\` is the constant bearer with one that does nothing, and adds ${
        duration(addedBy(looking.name))
      }.`,
      "A client that handles a 401 replaces the token that was rejected and sends the request again.",
      `Medians of ${
        count(rounds * pairs)
      } pairs of batches of ${batch} requests, one right after the other, in ${rounds} rounds in which the clients ` +
      "take turns. Added is the difference within a pair."
    ]
  }
}

export const hotPath: Scenario = {
  id: "hotPath",
  title: "Hot path",
  what:
    "The time that authentication adds to one request, with a token that is there and a transport that answers at " +
    "once. Each client is measured against its own HTTP stack with a bearer that never changes, in a process of its " +
    "own, as it would run in an application: where all share one, each is slower for the code of the others.",
  run
}
