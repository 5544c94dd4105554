import type { Peer } from "../Peer.ts"
import { spotnana } from "../peers/spotnana.ts"
import { cannot } from "../Scenario.ts"
import type { Extent, Plot, Report, Scenario } from "../Scenario.ts"
import { contendersOf, floor, inTurns } from "../support/contenders.ts"
import { count, duration } from "../support/format.ts"
import { lineChart } from "../support/lineChart.ts"
import type { Axis, Point, Series } from "../support/lineChart.ts"
import { startServer } from "../support/server.ts"
import type { Server } from "../support/server.ts"
import { median } from "../support/statistics.ts"
import { bytesOf } from "../support/tenants.ts"
import { emptyEntry } from "../support/tenantsOf.ts"
import { requestAll } from "../support/width.ts"

/** How many requests are in flight at the same time. */
const width = 64

const tokenLatency = 20

interface Amount {
  readonly requests: ReadonlyArray<number>
  readonly tenants: ReadonlyArray<number>
  /** How often this number of requests is made: the smaller the number, the more often. */
  readonly rounds: (requests: number) => number
}

const amountOf = ({ quick }: Extent): Amount =>
  quick
    ? { requests: [1, 10, 100], tenants: [1, 10], rounds: () => 1 }
    : {
      requests: [1, 10, 100, 1000, 10_000, 100_000],
      tenants: [1, 10, 100, 1000, 10_000],
      rounds: (requests) => requests >= 100_000 ? 1 : requests >= 10_000 ? 3 : 7
    }

/** The result of this number of requests. */
interface Batch {
  readonly tokenRequests: number
  /** Of all, in milliseconds. */
  readonly millis: number
  readonly failed: number
}

/** By the name of the client, then by how many. */
type Batches = ReadonlyMap<string, ReadonlyMap<number, ReadonlyArray<Batch>>>

const measureBatch = async (peer: Peer, server: Server, requests: number): Promise<Batch> => {
  await server.reset()
  await server.configure({ tokenLatency })
  const client = await peer.open(server.setting())
  const from = performance.now()
  const failed = await requestAll(client, requests, width)
  const millis = performance.now() - from
  const { tokenRequests } = await server.counts()
  await client.close()
  return { tokenRequests, millis, failed }
}

const measureBatches = async (
  { peers, say }: Extent,
  server: Server,
  { requests, rounds }: Amount
): Promise<Batches> => {
  const contenders = contendersOf(peers, "growth")
  const batches = new Map(contenders.map(({ name }) => [name, new Map<number, Array<Batch>>()]))
  // So that the first measured requests of a client are not also the first that run its code.
  for (const peer of contenders) await measureBatch(peer, server, 10 * width)
  for (const number of requests) {
    say(`growth: ${count(number)} requests`)
    await inTurns(contenders, rounds(number), async (peer) => {
      const of = batches.get(peer.name)!
      of.set(number, [...of.get(number) ?? [], await measureBatch(peer, server, number)])
    })
  }
  return batches
}

/** Bytes, by the name and then by the number of tenants. */
type Memory = ReadonlyMap<string, ReadonlyArray<Point>>

const measureMemory = async ({ peers, say }: Extent, { tenants }: Amount): Promise<Memory> => {
  const memory = new Map<string, Array<Point>>()
  const able = peers.filter(({ cannot: reasons }) => reasons.growth === undefined && reasons.tenants === undefined)
  for (const name of [...able.map(({ name }) => name), emptyEntry]) {
    say(`growth: tenants of ${name}`)
    const points: Array<Point> = []
    for (const number of tenants) points.push([number, await bytesOf(name, number)])
    memory.set(name, points)
  }
  return memory
}

const pointsOf = (batches: Batches, name: string, of: (batch: Batch, number: number) => number): ReadonlyArray<Point> =>
  [...batches.get(name)!].map(([number, all]) => [number, median(all.map((batch) => of(batch, number)))])

const tokenRequestsOf = (batches: Batches, name: string) =>
  pointsOf(batches, name, ({ tokenRequests }) => tokenRequests)
const timesOf = (batches: Batches, name: string) => pointsOf(batches, name, ({ millis }, number) => millis / number)

const bytes = (value: number): string => {
  const [unit, name] = Math.abs(value) < 1e6 ? [1e3, "kB"] : Math.abs(value) < 1e9 ? [1e6, "MB"] : [1e9, "GB"]
  return `${Number((value / unit).toPrecision(3))} ${name}`
}

const roleOf = (name: string): Series["role"] =>
  name === spotnana.name ? "main" : name === floor.name || name === emptyEntry ? "floor" : undefined

const plotOf = (
  file: string,
  title: string,
  x: string,
  y: Axis,
  names: ReadonlyArray<string>,
  of: (name: string) => ReadonlyArray<Point>
): Plot => ({
  file,
  title,
  svg: lineChart({
    title,
    x: { label: x, print: count },
    y,
    series: names.map((name) => ({ name, points: of(name), role: roleOf(name) }))
  })
})

const each = (points: ReadonlyArray<Point> | undefined, print: (value: number) => string): string =>
  points === undefined ? "–" : points.map(([, value]) => print(value)).join(" / ")

const failuresOf = (batches: Batches): ReadonlyArray<string> =>
  [...batches].flatMap(([name, of]) => {
    const failed = [...of.values()].flat().reduce((sum, { failed }) => sum + failed, 0)
    return failed === 0 ? [] : [`Requests of ${name} that failed: ${count(failed)}.`]
  })

const reportOf = ({ peers }: Extent, { requests, tenants }: Amount, batches: Batches, memory: Memory): Report => {
  const numbers = requests.map(count).join(" / ")
  const columns = [
    "client",
    `token requests for ${numbers} requests`,
    `time per request of ${numbers}`,
    `heap for ${tenants.map(count).join(" / ")} tenants`
  ]
  const figures = (name: string) => [
    name,
    each(tokenRequestsOf(batches, name), count),
    each(timesOf(batches, name), duration),
    each(memory.get(name), bytes)
  ]
  const names = [...batches.keys()]
  const asked = tokenRequestsOf(batches, spotnana.name).map(([, tokenRequests]) => tokenRequests)
  return {
    columns,
    rows: [
      ...peers.map(({ cannot: reasons, name }) =>
        reasons.growth === undefined ? figures(name) : cannot(name, reasons.growth, columns)
      ),
      figures(floor.name),
      [emptyEntry, "–", "–", each(memory.get(emptyEntry), bytes)]
    ],
    goals: [{
      goal: "one token request, however many requests",
      figure: asked.map(count).join(" / "),
      met: asked.every((tokenRequests) => tokenRequests === 1)
    }],
    notes: [
      `The first requests wait for the token, which takes ${tokenLatency} ms: that is most of the time of one request.`,
      "The more requests there are, the more of their time is that of the HTTP stack and of the server, a process each.",
      ...failuresOf(batches)
    ],
    plots: [
      plotOf(
        "growth-token-requests.svg",
        "Token requests",
        `requests from a cold client, ${width} at a time`,
        { label: "token requests", print: count },
        names.filter((name) => name !== floor.name),
        (name) => tokenRequestsOf(batches, name)
      ),
      plotOf(
        "growth-time.svg",
        "Time per request",
        `requests from a cold client, ${width} at a time`,
        { label: "time of all, divided by their number", print: duration },
        names,
        (name) => timesOf(batches, name)
      ),
      plotOf(
        "growth-memory.svg",
        "Memory for tenants",
        "tenants, idle, each with its token",
        { label: "heap in use above that without tenants", print: bytes },
        [...memory.keys()],
        (name) => memory.get(name)!
      )
    ]
  }
}

const run = async (extent: Extent): Promise<Report> => {
  const amount = amountOf(extent)
  const server = await startServer()
  try {
    const batches = await measureBatches(extent, server, amount)
    return reportOf(extent, amount, batches, await measureMemory(extent, amount))
  } finally {
    server.close()
  }
}

export const growth: Scenario = {
  id: "growth",
  title: "Cost as work grows",
  what: `1 to 100,000 requests to a loopback server from a client that has no token yet, ${width} at a time, with a ` +
    `token endpoint that takes ${tokenLatency} ms: the token requests that it received, and the time of all divided by ` +
    "their number, median of rounds of rotating order. And the heap that 1 to 10,000 idle tenants take, as in Tenants.",
  run
}
