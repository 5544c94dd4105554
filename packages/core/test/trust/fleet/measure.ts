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
    // What a process does for the first time takes it a while by itself, and all of them are on one machine here.
    const first = yield* Workers.together(workers.map(({ rehearse }) => rehearse))
    const before = yield* tokenRequests
    const waits = yield* Workers.together(workers.map(({ get }) => get))
    const cold = (yield* tokenRequests) - before
    yield* Effect.sleep(`${lifetime * lifetimes} seconds`)
    const all = yield* tokenRequests
    const calls = yield* Workers.together(workers.map(({ call }) => call))
    const { nanos = Infinity } = yield* workers[0]!.warm
    return {
      cold,
      later: all - cold,
      isGood: waits.every(({ token }) => token !== undefined) && calls.every(({ status }) => status === 200),
      wait: Math.max(...waits.map(({ millis }) => millis)),
      nanos
    }
  }).pipe(Effect.scoped, Effect.provide(spotnana))

const line = (...cells: ReadonlyArray<string | number>) => Console.log(`| ${cells.join(" | ")} |`)
const ms = (millis: number) => `${millis.toFixed(0)} ms`
const times = (ratio: number) => `${ratio.toFixed(2)} ×`

const program = Effect.gen(function*() {
  const directory = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
  const places: ReadonlyArray<readonly [string, Place]> = [
    ["none", {}],
    ["a directory", { directory }],
    ...RedisServer.isThere ? [["Redis", { redis: yield* RedisServer.url }] as const] : []
  ]
  yield* Console.log(
    `Processes on one machine of ${availableParallelism()} cores, all asked at the same moment; the token endpoint ` +
      `takes ${latency} ms, a token lives ${lifetime} s.\n`
  )
  yield* line(
    "store",
    "processes",
    "requests at the start",
    `in ${lifetimes} lifetimes`,
    "longest wait",
    "× latency",
    "warm `get`"
  )
  yield* line(...Array.from({ length: 7 }, () => "---"))
  const missed: Array<string> = []
  // A process by itself: what the others are measured by.
  let alone = { later: NaN, wait: NaN }
  for (const [store, place] of places) {
    for (const count of counts) {
      const found = yield* measure(count, place)
      if (Number.isNaN(alone.wait)) alone = found
      const { cold, isGood, later, nanos, wait } = found
      const multiple = wait / latency
      yield* line(store, count, cold, later, ms(wait), times(multiple), `${nanos.toFixed(0)} ns`)
      if (store === "none") continue
      const of = `${count} on ${store}`
      if (!isGood) missed.push(`${of}: an answer was not 200`)
      if (cold !== 1) missed.push(`${of}: ${cold} requests at the start`)
      // The jitter of a fleet is that of whoever is first.
      if (later > alone.later + 1) missed.push(`${of}: ${later} requests in ${lifetimes} lifetimes`)
      if (multiple > 1.5) missed.push(`${of}: a wait of ${times(multiple)} the latency`)
    }
  }
  yield* Console.log(
    "\nGoals: one request at the start; later no more than one process makes, and one; no wait above 1.5 × the " +
      "latency; a warm get that suspends nothing, and so has no network in it."
  )
  yield* Console.log(missed.length === 0 ? "All met." : `Missed:\n${missed.map((goal) => `- ${goal}`).join("\n")}`)
  if (missed.length > 0) process.exitCode = 1
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
