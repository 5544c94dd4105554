// What sharing costs and what it saves, in processes of their own: `pnpm fleet`.
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeServices } from "@effect/platform-node"
import { Console, Effect, FileSystem } from "effect"
import { HttpServer } from "effect/http"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import * as RedisServer from "../../support/redis.ts"
import { onSocket } from "../../support/sockets.ts"
import { rehearsal } from "./worker.ts"
import type { Options } from "./worker.ts"
import * as Workers from "./workers.ts"

const { values } = parseArgs({
  options: { latency: { type: "string", default: "500" }, lifetimes: { type: "string", default: "3" } }
})
const latency = Number(values.latency)
const lifetimes = Number(values.lifetimes)
const lifetime = 5
const counts = [1, 5, 20, 50]

const spotnana = onSocket({ tokenLatency: latency, tokenLifetime: `${lifetime} seconds` })
const tokenRequests = MockSpotnana.MockSpotnana.use((_) => _.tokenRequests)

type Place = Pick<Options, "redis" | "directory">

/** A fleet from its cold start to the end of some lifetimes. */
const measure = (count: number, place: Place) =>
  Effect.gen(function*() {
    const baseUrl = yield* HttpServer.addressFormattedWith((baseUrl) => Effect.succeed(baseUrl))
    yield* MockSpotnana.MockSpotnana.use((_) => _.addClient(rehearsal.clientId, rehearsal.clientSecret))
    const workers = yield* Workers.startAll(count, { ...place, baseUrl })
    // What starting them left to do is not what is measured.
    yield* Effect.sleep("2 seconds")
    const first = yield* Workers.together(workers.map(({ rehearse }) => rehearse))
    const atFirst = yield* tokenRequests
    const second = yield* Workers.together(workers.map(({ get }) => get))
    const cold = (yield* tokenRequests) - atFirst
    yield* Effect.sleep(`${lifetime * lifetimes} seconds`)
    // Both tokens live on.
    const later = ((yield* tokenRequests) - atFirst - cold) / 2
    const calls = yield* Workers.together(workers.map(({ call }) => call))
    const { nanos = Infinity } = yield* workers[0]!.warm
    return {
      requests: [atFirst, cold] as const,
      later,
      isGood: [...first, ...second].every(({ token }) => token !== undefined) &&
        calls.every(({ status }) => status === 200),
      waits: [first, second].map((reports) => Math.max(...reports.map(({ millis }) => millis)) / latency),
      nanos
    }
  }).pipe(Effect.scoped, Effect.provide(spotnana))

const line = (...cells: ReadonlyArray<string | number>) => Console.log(`| ${cells.join(" | ")} |`)
const times = (ratio: number) => `${ratio.toFixed(2)} ×`

const program = Effect.gen(function*() {
  const directory = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
  const places: ReadonlyArray<readonly [string, Place]> = [
    ["none", {}],
    ["a directory", { directory }],
    ...RedisServer.isThere ? [["Redis", { redis: yield* RedisServer.url }] as const] : []
  ]
  yield* Console.log(
    `Processes on one machine of ${availableParallelism()} cores, all asked at the same moment, twice: for the first time ` +
      "ever, when each has its code to compile, and for another client's token. " +
      `The token endpoint takes ${latency} ms; a token lives ${lifetime} s.\n`
  )
  yield* line(
    "store",
    "processes",
    "token requests at the start",
    `in ${lifetimes} lifetimes`,
    "longest wait, first time",
    "longest wait",
    "warm `get`"
  )
  yield* line(...Array.from({ length: 7 }, () => "---"))
  const missed: Array<string> = []
  // A process by itself: what the others are measured by.
  let alone = NaN
  for (const [store, place] of places) {
    for (const count of counts) {
      const { isGood, later, nanos, requests, waits: [firstWait = NaN, wait = NaN] } = yield* measure(count, place)
      if (Number.isNaN(alone)) alone = later
      yield* line(
        store,
        count,
        requests.join(" and "),
        later,
        times(firstWait),
        times(wait),
        `${nanos.toFixed(0)} ns`
      )
      if (store === "none") continue
      const of = `${count} on ${store}`
      if (!isGood) missed.push(`${of}: an answer was not 200`)
      if (requests.some((requests) => requests !== 1)) {
        missed.push(`${of}: ${requests.join(" and ")} requests at the start`)
      }
      // The jitter of a fleet is that of whoever is first.
      if (later > alone + 1) missed.push(`${of}: ${later} requests in ${lifetimes} lifetimes`)
      if (wait > 1.5) missed.push(`${of}: a wait of ${times(wait)} the latency`)
    }
  }
  yield* Console.log(
    "\nWaits are multiples of the token endpoint's latency. Goals: one request at the start; later no more than one " +
      "process makes, and one; no wait above 1.5 ×, the first time apart; a warm get that suspends " +
      "nothing, and so has no network in it."
  )
  yield* Console.log(missed.length === 0 ? "All met." : `Missed:\n${missed.map((goal) => `- ${goal}`).join("\n")}`)
  if (missed.length > 0) process.exitCode = 1
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
