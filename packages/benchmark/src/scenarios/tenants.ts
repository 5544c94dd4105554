import { mapOfTokens } from "../peers/mapOfTokens.ts"
import { spotnana } from "../peers/spotnana.ts"
import type { Extent, Goal, Report, Scenario } from "../Scenario.ts"
import { cannot } from "../Scenario.ts"
import { count, exactRatio, kilobytes } from "../support/format.ts"
import { median, ratios, spread } from "../support/statistics.ts"
import { startTenants } from "../support/tenants.ts"
import type { Tenants } from "../support/tenants.ts"
import { byValue, emptyEntry } from "../support/tenantsOf.ts"
import type { Times } from "../support/tenantsProcess.ts"

/** The tenants of one client, and the measured values, by round. */
interface Held extends Tenants {
  readonly times: ReadonlyArray<Times>
}

type AllHeld = ReadonlyMap<string, Held>

/** The number of tenants, how often times are measured, and for how many milliseconds each. */
const amountOf = ({ quick }: Extent) =>
  quick ? { tenants: 100, rounds: 1, millis: 5 } : { tenants: 10_000, rounds: 11, millis: 120 }

const measure = async (names: ReadonlyArray<string>, extent: Extent): Promise<AllHeld> => {
  const { millis, rounds, tenants } = amountOf(extent)
  const held = new Map<string, Tenants & { readonly times: Array<Times> }>()
  for (const name of names) {
    extent.say(`tenants: ${name}`)
    held.set(name, { ...await startTenants(name, tenants), times: [] })
  }
  for (let round = 0; round < rounds; round++) {
    extent.say(`tenants: round ${round + 1} of ${rounds}`)
    for (const { call, times } of held.values()) times.push(await call("time", millis))
  }
  for (const { close } of held.values()) await close()
  return held
}

const nanos = (value: number): string => `${count(Math.round(value))} ns`

const timesOf = ({ times }: Held, what: keyof Times): ReadonlyArray<number> => times.map((time) => time[what])

const bytesEach = ({ bytes, count }: Held): number => bytes / count

const cellsOf = (held: Held): ReadonlyArray<string> => [
  count(Math.round(bytesEach(held))),
  `${nanos(median(timesOf(held, "get")))} (${spread(timesOf(held, "get"), nanos)})`,
  nanos(median(timesOf(held, "lookUp")))
]

const bytesGoal = (held: AllHeld): Goal => {
  const floor = bytesEach(held.get(emptyEntry)!)
  const above = (name: string) => bytesEach(held.get(name)!) - floor
  return {
    goal: "an idle tenant whose credentials are values at most 5.5 kB above an empty entry of the LayerMap",
    figure: `${kilobytes(above(byValue))}; from variables ${kilobytes(above(spotnana.name))}; the entry itself is ${
      kilobytes(floor)
    }`,
    met: above(byValue) <= 5500
  }
}

const timeGoal = (held: AllHeld, peers: ReadonlyArray<string>, tenants: number): Goal => {
  const times = (name: string) => timesOf(held.get(name)!, "get")
  const timeOf = (name: string) => median(times(name))
  const [leanest = mapOfTokens.name] = peers.toSorted((a, b) => timeOf(a) - timeOf(b))
  const ratiosOver = (name: string) => ratios(times(byValue), times(name))
  const over = ratiosOver(leanest)
  const comparison = [
    `${exactRatio(median(over))} (${spread(over, exactRatio)}): ${nanos(timeOf(byValue))}, and ${
      nanos(timeOf(leanest))
    } of ${leanest}`,
    `${exactRatio(median(ratiosOver(mapOfTokens.name)))} over ${mapOfTokens.name}, which is no client: ${
      nanos(timeOf(mapOfTokens.name))
    }`
  ]
  return {
    goal: `get of a random tenant of ${count(tenants)} at most 1.25 × the leanest peer's`,
    figure: comparison.join("; "),
    met: median(over) <= 1.25
  }
}

const run = async (extent: Extent): Promise<Report> => {
  const { rounds, tenants } = amountOf(extent)
  const columns = [
    "client",
    "bytes per idle tenant",
    "get of a random one (middle half)",
    "to look it up in the LayerMap or Map"
  ]
  const peers = extent.peers.filter((peer) => peer.cannot.tenants === undefined && peer.name !== spotnana.name)
    .map(({ name }) => name)
  const own = [spotnana.name, byValue]
  const floors = [mapOfTokens.name, emptyEntry]
  const held = await measure([...own, ...peers, ...floors], extent)
  return {
    columns,
    rows: [
      ...own.map((name) => [name, ...cellsOf(held.get(name)!)]),
      ...extent.peers.filter(({ name }) => name !== spotnana.name).map(({ cannot: reasons, name }) =>
        reasons.tenants === undefined ? [name, ...cellsOf(held.get(name)!)] : cannot(name, reasons.tenants, columns)
      ),
      ...floors.map((name) => [name, ...cellsOf(held.get(name)!)])
    ],
    goals: [bytesGoal(held), timeGoal(held, peers, tenants)],
    notes: [
      `${spotnana.name} is a \`LayerMap\` as in \`examples/several-tenants.ts\`, where each tenant's credentials come ` +
      "from variables, and once more with `layer` and credentials that are values. " +
      `${emptyEntry}, is the same map with a layer of one constant: what the map itself takes.`,
      "The others are a client each, held in a `Map`; its stub, and what this benchmark wraps it in, are counted too. " +
      `\`${mapOfTokens.name}\` is the leanest that can be: a token and its expiry.`,
      "A get finds in a `Map` by the tenant's id what gives its tokens, for the library too, and asks it for one: those " +
      "of the library in one fiber, the others awaited in a loop. The last column is apart: to find a tenant in the " +
      "`LayerMap` itself, which also counts who uses it, and in the `Map`.",
      `A random tenant of many is not in the processor's cache. Medians of ${rounds} rounds in which all take turns; the ` +
      "ratio is of a round."
    ]
  }
}

export const tenants: Scenario = {
  id: "tenants",
  title: "Tenants",
  what:
    "10,000 tenants of each client, each with its token, in a process of the client's own, with a stubbed transport. " +
    "The bytes: heap in use after garbage collection against before, after a hundred others have come and gone. The " +
    "time of a get of a random tenant's token.",
  run
}
