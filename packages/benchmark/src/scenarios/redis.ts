import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { has } from "../../../core/test/support/redis.ts"
import type { Traffic } from "../../../core/test/trust/fleet/traffic.ts"
import { spotnana } from "../peers/spotnana.ts"
import { cannot } from "../Scenario.ts"
import type { Extent, Plot, Report, Scenario } from "../Scenario.ts"
import { count, duration } from "../support/format.ts"
import { lineChart } from "../support/lineChart.ts"
import type { Axis, Series } from "../support/lineChart.ts"

const columns = [
  "client",
  "processes",
  "tokens",
  "scripts per token and process",
  "commands",
  "bytes to Redis",
  "bytes from Redis",
  "CPU of a process",
  "CPU of Redis"
]

const goal = "at most 2 scripts per token and process, from 10 processes on"

const traffic = fileURLToPath(new URL("../../../core/test/trust/fleet/traffic.ts", import.meta.url))

/** All numbers of processes run at the same time, each on its own Redis, because nearly all of the time is waiting. */
const measure = ({ quick, say }: Extent): Promise<ReadonlyArray<Traffic>> => {
  const { counts, lifetime, lifetimes } = quick
    ? { counts: [1, 10], lifetime: 5, lifetimes: 1 }
    : { counts: [1, 10, 50, 200], lifetime: 30, lifetimes: 2 }
  say(`redis: ${counts.join(", ")} processes, ${(lifetimes + 1) * lifetime} s`)
  return Promise.all(counts.map(async (processes) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      traffic,
      "--json",
      `--counts=${processes}`,
      `--lifetime=${lifetime}`,
      `--lifetimes=${lifetimes}`
    ])
    return JSON.parse(stdout)
  }))
}

const rowOf = (of: Traffic): ReadonlyArray<string> => [
  spotnana.name,
  count(of.processes),
  count(of.tokens),
  of.scripts.toFixed(2),
  of.commands.toFixed(2),
  of.received.toFixed(0),
  of.sent.toFixed(0),
  duration(of.cpu),
  duration(of.redisCpu)
]

const plotOf = (file: string, title: string, y: Axis, series: ReadonlyArray<Series>): Plot => ({
  file,
  title,
  svg: lineChart({ title, x: { label: "processes that share a token on Redis", print: count }, y, series })
})

export const reportOf = (measured: ReadonlyArray<Traffic>): Report => {
  const points = (of: (traffic: Traffic) => number): Series["points"] =>
    measured.map((traffic) => [traffic.processes, of(traffic)])
  const shared = measured.filter(({ processes }) => processes >= 10)
  return {
    columns,
    rows: measured.map(rowOf),
    goals: [{
      goal,
      figure: shared.map(({ processes, scripts }) => `${scripts.toFixed(2)} with ${count(processes)}`).join(", "),
      met: shared.every(({ scripts }) => scripts <= 2)
    }],
    notes: [
      "All figures but the tokens are per token and process. Scripts are `EVALSHA`; commands are all that Redis counts, " +
      "the commands of a script among them.",
      "The processes are instances with connections of their own in one process of Node, which also answers their token " +
      "requests: to Redis they are as many processes. Their CPU time is divided by their number.",
      "`npx pnpm@10 run traffic` prints the same, with what comes after an outage of Redis."
    ],
    plots: [
      plotOf("redis-commands.svg", "Commands for each token", { label: "per token and process", print: String }, [
        { name: "commands", points: points(({ commands }) => commands) },
        { name: "scripts", points: points(({ scripts }) => scripts), role: "main" }
      ]),
      plotOf("redis-cpu.svg", "CPU time for each token", { label: "per token and process", print: duration }, [
        { name: "Redis", points: points(({ redisCpu }) => redisCpu) },
        { name: spotnana.name, points: points(({ cpu }) => cpu), role: "main" }
      ])
    ]
  }
}

const noServer = "there is neither redis-server nor valkey-server on this machine"

/** The result if there is no server. */
export const withoutServer: Report = {
  columns,
  rows: [cannot(spotnana.name, noServer, columns)],
  goals: [{ goal, figure: `cannot: ${noServer}`, met: false }],
  notes: []
}

const run = async (extent: Extent): Promise<Report> => {
  const report = has("redis-server") || has("valkey-server") ? reportOf(await measure(extent)) : withoutServer
  const others = extent.peers.filter(({ name }) => name !== spotnana.name)
  return {
    ...report,
    rows: [
      ...report.rows,
      ...others.map(({ cannot: reasons, name }) =>
        cannot(name, reasons.redis ?? "it brings no store on Redis that processes share a token by", columns)
      )
    ]
  }
}

export const redis: Scenario = {
  id: "redis",
  title: "Sharing a token on Redis",
  what:
    "1 to 200 processes that share a token by `RedisTokenStore`, each number on a Redis of its own, for two lifetimes " +
    "of 30 s after the first, in which nobody makes a request: what each renewal costs.",
  run
}
