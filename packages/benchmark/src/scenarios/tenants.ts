import { setTimeout as sleep } from "node:timers/promises"
import { spotnana } from "../peers/spotnana.ts"
import type { Extent, Goal, Report, Scenario } from "../Scenario.ts"
import { cannot } from "../Scenario.ts"
import { count, ratio } from "../support/format.ts"
import { median, quantile, spread } from "../support/statistics.ts"
import { startTenants } from "../support/tenants.ts"
import type { Tenants } from "../support/tenants.ts"
import { byValue, emptyEntry } from "../support/tenantsOf.ts"
import type { Times } from "../support/tenantsProcess.ts"

interface Amount {
  /** How many tenants, ascending. */
  readonly numbers: readonly [number, ...ReadonlyArray<number>]
  /** How often times are taken, and for how many milliseconds each. */
  readonly rounds: number
  readonly millis: number
  /** How often nothing is done, and for how many milliseconds. */
  readonly rests: number
  readonly rest: number
}

const amountOf = ({ quick }: Extent): Amount =>
  quick
    ? { numbers: [1, 3], rounds: 1, millis: 5, rests: 2, rest: 50 }
    : { numbers: [1, 100, 10_000], rounds: 7, millis: 150, rests: 10, rest: 1000 }

/** What was measured of so many tenants. */
interface Held {
  readonly count: number
  readonly bytesEach: number
  readonly times: ReadonlyArray<Times>
  /** Microseconds of CPU per second, of each rest. */
  readonly idle: ReadonlyArray<number>
}

interface Measured {
  readonly name: string
  /** A process with no tenant. */
  readonly none: ReadonlyArray<number>
  readonly held: ReadonlyArray<Held>
}

const measure = async (name: string, { millis, numbers, rest, rests, rounds }: Amount): Promise<Measured> => {
  // One after the other: each has the machine to itself while it opens its tenants and counts their bytes.
  const processes: Array<Tenants> = []
  for (const number of [0, ...numbers]) processes.push(await startTenants(name, number))
  const [none, ...others] = processes
  const times = others.map((): Array<Times> => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, { call }] of others.entries()) times[index]!.push(await call("time", millis))
  }
  // What was collected of the rounds is to be over.
  await sleep(rest)
  const idle = processes.map((): Array<number> => [])
  for (let round = 0; round < rests; round++) {
    // All at the same time: nothing is done in any of them, and what else the machine does is the same for all.
    const cpu = await Promise.all(processes.map(({ call }) => call("idle", rest)))
    for (const [index, micros] of cpu.entries()) idle[index]!.push(micros)
  }
  for (const { close } of processes) await close()
  return {
    name,
    none: none === undefined ? [] : idle[0]!,
    held: others.map(({ bytes, count }, index) => ({
      count,
      bytesEach: bytes / count,
      times: times[index]!,
      idle: idle[index + 1]!
    }))
  }
}

const nanos = (value: number): string => `${count(Math.round(value))} ns`
const micros = (value: number): string => count(Math.round(value))

const timesOf = ({ times }: Held, what: keyof Times): ReadonlyArray<number> => times.map((time) => time[what])

const columnsOf = (numbers: ReadonlyArray<number>): ReadonlyArray<string> => {
  const each = numbers.map(count).join(" / ")
  return [
    "client",
    `bytes per idle tenant, of ${each}`,
    `get, always the same of ${each}`,
    `get, a random one of ${each}`,
    `to look up a random one of ${each}`,
    `µs of CPU per idle second, with none / ${each}`
  ]
}

const rowOf = ({ held, name, none }: Measured): ReadonlyArray<string> => {
  const timed = (what: keyof Times) => held.map((held) => nanos(median(timesOf(held, what)))).join(" / ")
  return [
    name,
    held.map(({ bytesEach }) => count(Math.round(bytesEach))).join(" / "),
    timed("same"),
    timed("random"),
    timed("lookUp"),
    [none, ...held.map(({ idle }) => idle)].map((idle) => micros(median(idle))).join(" / ")
  ]
}

const bytesAbove = (measured: Measured, floor: Measured): number =>
  measured.held.at(-1)!.bytesEach - floor.held.at(-1)!.bytesEach

const bytesGoal = (library: Measured, values: Measured, floor: Measured): Goal => {
  const above = bytesAbove(library, floor)
  return {
    goal: "at most 4 kB per idle tenant above an empty map's entry",
    figure: `${(above / 1000).toFixed(1)} kB, and ${(bytesAbove(values, floor) / 1000).toFixed(1)} kB where the ` +
      `credentials are values; the entry itself is ${(floor.held.at(-1)!.bytesEach / 1000).toFixed(1)} kB`,
    met: above <= 4000
  }
}

const timeGoal = ({ held }: Measured, what: "same" | "random"): Goal => {
  const [one, many] = [held[0]!, held.at(-1)!]
  const before = median(timesOf(one, what))
  const ratios = timesOf(many, what).map((time) => time / before)
  return {
    goal: `get at ${count(many.count)} tenants at most 1.25 × that at ${count(one.count)}, ` +
      (what === "same" ? "always the same tenant" : "a random tenant each time"),
    figure: `${ratio(median(ratios))} (${spread(ratios, ratio)}): ` +
      `${nanos(before)} and ${nanos(median(timesOf(many, what)))}`,
    met: median(ratios) <= 1.25
  }
}

const idleGoal = ({ held, none }: Measured): Goal => {
  const many = held.at(-1)!
  const difference = median(many.idle) - median(none)
  const noise = quantile(none, 0.75) - quantile(none, 0.25)
  return {
    goal: `CPU of ${count(many.count)} idle tenants indistinguishable from that of none: the medians differ by less ` +
      "than the middle half of the seconds with none",
    figure: `${micros(median(many.idle))} µs per second (${spread(many.idle, micros)}), ` +
      `with none ${micros(median(none))} µs (${spread(none, micros)})`,
    met: Math.abs(difference) <= noise
  }
}

const run = async (extent: Extent): Promise<Report> => {
  const amount = amountOf(extent)
  const columns = columnsOf(amount.numbers)
  const measuredOf = (name: string) => {
    extent.say(`tenants: ${name}`)
    return measure(name, amount)
  }
  const rows: Array<ReadonlyArray<string>> = []
  for (const { cannot: reasons, name } of extent.peers) {
    if (name === spotnana.name) continue
    const reason = reasons.tenants
    rows.push(reason === undefined ? rowOf(await measuredOf(name)) : cannot(name, reason, columns))
  }
  const [library, values, floor] = [
    await measuredOf(spotnana.name),
    await measuredOf(byValue),
    await measuredOf(emptyEntry)
  ]
  return {
    columns,
    rows: [rowOf(library), rowOf(values), ...rows, rowOf(floor)],
    goals: [
      bytesGoal(library, values, floor),
      timeGoal(library, "same"),
      timeGoal(library, "random"),
      idleGoal(library)
    ],
    notes: [
      `${spotnana.name} is a \`LayerMap\` as in \`examples/several-tenants.ts\`, where each tenant's credentials come ` +
      "from variables, and once more with `layer` and credentials that are values. " +
      `${emptyEntry}, is the same map with a layer of one constant: what the map itself takes.`,
      "The others are a client each, held in a `Map`; its stub, and what this benchmark wraps it in, are counted too.",
      "A get of always the same tenant is the work itself. A random one of many is not in the processor's cache, and " +
      "each object that a get looks at is fetched from memory: the others pay for that too. The empty entries are all " +
      "one constant, and so always in the cache.",
      "The gets of the `LayerMap` run in one fiber, and those of the others are awaited in a loop: the row of the empty " +
      "entry is what the fiber itself takes."
    ]
  }
}

export const tenants: Scenario = {
  id: "tenants",
  title: "Tenants",
  what:
    "1, 100 and 10,000 tenants, each with its token, in a process each, with a stubbed transport. The bytes: heap in " +
    "use after garbage collection against before, after a hundred others have come and gone. The time of a get: the " +
    "median of rounds that take turns. The CPU: what the process uses in seconds in which nobody calls and no renewal " +
    "is due, in all processes at the same time.",
  run
}
