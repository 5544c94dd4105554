// What a fleet asks of Redis for each token, and when Redis is back after an outage: `pnpm traffic`.
import { MockSpotnana } from "@effect-spotnana/testing"
import { Console, Effect, Layer } from "effect"
import { connect } from "node:net"
import { parseArgs } from "node:util"
import * as RedisServer from "../../support/redis.ts"
import { instance, send, spotnana, storeOn, tokenRequests } from "../redisServers/subjects.ts"

const { values } = parseArgs({
  options: {
    counts: { type: "string", default: "1,10,50,200" },
    // Without the outage, and for programs.
    json: { type: "boolean", default: false },
    lifetime: { type: "string", default: "30" },
    lifetimes: { type: "string", default: "2" }
  }
})
/** What sharing costs, per token and process. */
export interface Traffic {
  readonly processes: number
  readonly tokens: number
  readonly scripts: number
  readonly commands: number
  /** Bytes, seen from Redis. */
  readonly received: number
  readonly sent: number
  /** Milliseconds of CPU. */
  readonly cpu: number
  readonly redisCpu: number
}

const lifetime = Number(values.lifetime)
const seconds = lifetime * Number(values.lifetimes)

const numberIn = (text: unknown, pattern: RegExp) => Number(pattern.exec(String(text))?.[1] ?? 0)

/** What a server has done since it started. */
const totals = (server: RedisServer.Server) =>
  Effect.map(send(server, "INFO commandstats", "INFO stats", "INFO cpu"), ([commands, stats, cpu]) => ({
    cpu: (process.cpuUsage().user + process.cpuUsage().system) / 1000,
    redisCpu: 1000 * (numberIn(cpu, /used_cpu_user:([\d.]+)/) + numberIn(cpu, /used_cpu_sys:([\d.]+)/)),
    commands: numberIn(stats, /total_commands_processed:(\d+)/),
    scripts: numberIn(commands, /cmdstat_evalsha:calls=(\d+)/),
    received: numberIn(stats, /total_net_input_bytes:(\d+)/),
    sent: numberIn(stats, /total_net_output_bytes:(\d+)/)
  }))

/** The scripts in the six seconds after a server is back, by its own clock. */
const afterOutage = (server: RedisServer.Server) =>
  Effect.gen(function*() {
    yield* server.kill
    yield* Effect.sleep("4 seconds")
    yield* server.start
    const monitor = connect(server.port, "127.0.0.1")
    let text = ""
    monitor.on("data", (chunk) => {
      text += chunk
    })
    monitor.write("MONITOR\r\n")
    yield* Effect.sleep("6 seconds")
    monitor.destroy()
    const moments = Array.from(text.matchAll(/^\+([\d.]+) \[\d+ [\d.:]+\] "EVALSHA"/gm), ([, time]) => Number(time))
    const fullest = moments.map((start) => moments.filter((moment) => moment >= start && moment < start + 0.1).length)
    return { total: moments.length, most: Math.max(0, ...fullest) }
  })

/** Instances with connections of their own, in one process: to Redis they are as many processes. */
const measure = (count: number) =>
  Effect.gen(function*() {
    const server = yield* RedisServer.serve({
      binary: RedisServer.has("redis-server") ? "redis-server" : "valkey-server"
    })
    yield* MockSpotnana.MockSpotnana.use((_) =>
      _.configure({ tokenLifetime: `${lifetime} seconds`, tokenLatency: "50 millis" })
    )
    const store = () => storeOn({ url: server.url, disableOfflineQueue: true })
    const instances = yield* Effect.all(Array.from({ length: count }, () => instance(store())), { concurrency: 10 })
    // A process whose client needs seconds to connect starts with a token of its own: that is not what is measured.
    yield* Effect.sleep("3 seconds")
    yield* Effect.all(instances.map(({ provider }) => provider.get), { concurrency: "unbounded" })
    yield* Effect.sleep(`${lifetime} seconds`)
    const [start, tokensBefore] = [yield* totals(server), yield* tokenRequests]
    yield* Effect.sleep(`${seconds} seconds`)
    const [end, tokensAfter] = [yield* totals(server), yield* tokenRequests]
    const tokens = tokensAfter - tokensBefore
    const per = (of: keyof typeof end) => (end[of] - start[of]) / tokens / count
    const traffic: Traffic = {
      processes: count,
      tokens,
      scripts: per("scripts"),
      commands: per("commands"),
      received: per("received"),
      sent: per("sent"),
      cpu: per("cpu"),
      redisCpu: per("redisCpu")
    }
    return { traffic, back: values.json ? undefined : yield* afterOutage(server) }
  }).pipe(Effect.scoped, Effect.provide(Layer.fresh(spotnana)))

const line = (...cells: ReadonlyArray<string | number>) => Console.log(`| ${cells.join(" | ")} |`)

const counts = values.counts.split(",").map(Number)

const table = Effect.gen(function*() {
  yield* line(
    "processes",
    "tokens",
    "scripts per token and process",
    "commands",
    "bytes to Redis",
    "bytes from Redis",
    "scripts in 6 s after an outage",
    "of these in the fullest tenth of a second"
  )
  yield* line(...Array.from({ length: 8 }, () => "---"))
  for (const count of counts) {
    const { back, traffic: { commands, received, scripts, sent, tokens } } = yield* measure(count)
    yield* line(
      count,
      tokens,
      scripts.toFixed(2),
      commands.toFixed(2),
      received.toFixed(0),
      sent.toFixed(0),
      back?.total ?? "–",
      back?.most ?? "–"
    )
    if (count >= 10 && scripts > 2) process.exitCode = 1
  }
  yield* Console.log("\nGoal: at most 2 scripts per token and process, from 10 processes on.")
})

const lines = Effect.forEach(
  counts,
  (count) => Effect.flatMap(measure(count), ({ traffic }) => Console.log(JSON.stringify(traffic)))
)

await Effect.runPromise(values.json ? lines : Effect.asVoid(table))
