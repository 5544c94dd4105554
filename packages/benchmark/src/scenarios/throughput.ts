// The CPU time of a request over sockets.
import { spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { cannot } from "../Scenario.ts"
import { startChild } from "../support/child.ts"
import type { Child } from "../support/child.ts"
import { floor, inTurns } from "../support/contenders.ts"
import type { Failures } from "../support/failures.ts"
import { explained, note } from "../support/failures.ts"
import { count, duration, exactRatio } from "../support/format.ts"
import { startServer } from "../support/server.ts"
import { median, ratios, spread } from "../support/statistics.ts"
import type { Cpu, Kind, ThroughputApi } from "../support/throughputProcess.ts"
import { kinds } from "../support/throughputProcess.ts"

const columns = [
  "client",
  "CPU per request, constant bearer",
  "CPU per request, authenticated",
  "over the constant bearer's",
  "middle half",
  "control: constant over constant",
  "middle half of the control"
]

/** What was measured in the processes of a peer. */
interface Contender {
  readonly cpu: Readonly<Record<Kind, Array<number>>>
  readonly failures: Failures
}

const micros = (values: ReadonlyArray<number>): string => duration(median(values) / 1000)

const ratiosOf = (cpu: Cpu, kind: Kind): ReadonlyArray<number> => ratios(cpu[kind], cpu.constant)

const cellsOf = (cpu: Cpu): ReadonlyArray<string> => [
  micros(cpu.constant),
  micros(cpu.authenticated),
  ...(["authenticated", "control"] as const).flatMap((kind) => [
    exactRatio(median(ratiosOf(cpu, kind))),
    spread(ratiosOf(cpu, kind), exactRatio)
  ])
]

const run = async (extent: Extent): Promise<Report> => {
  const { amount, rounds, warmUps } = extent.quick
    ? { rounds: 1, warmUps: 1, amount: { turns: 3, requests: 100, inFlight: 64 } }
    : { rounds: 8, warmUps: 6, amount: { turns: 12, requests: 500, inFlight: 64 } }
  // A difference of 1 % must be visible for the library itself.
  const processesOf = (name: string): number => !extent.quick && name === spotnana.name ? 6 : 1
  const peers = extent.peers.filter((peer) => peer.cannot.throughput === undefined)
  const server = await startServer()
  const contenders = new Map(
    peers.map(({ name }): [string, Contender] => [name, {
      cpu: { constant: [], control: [], authenticated: [] },
      failures: new Map()
    }])
  )
  /** In a fresh process: two processes differ by several per cent, with the same code. */
  const measureIn = async (child: Child<ThroughputApi>, { cpu, failures }: Contender) => {
    try {
      const measured = await child.call("measure", amount)
      for (const [reason, times] of measured.failures) note(failures, reason, times)
      // The first turns open the connections, and let the JavaScript engine optimize the code.
      for (const kind of kinds) cpu[kind].push(...measured.cpu[kind].slice(warmUps))
    } finally {
      await child.close()
    }
  }
  try {
    await inTurns(peers, rounds, async ({ name }, round) => {
      extent.say(`throughput: round ${round + 1} of ${rounds}, ${name}`)
      for (let left = processesOf(name); left > 0; left--) {
        const child = startChild<ThroughputApi>(
          new URL("../support/throughputProcess.ts", import.meta.url),
          [name, server.baseUrl]
        )
        await measureIn(child, contenders.get(name)!)
      }
    })
  } finally {
    server.close()
  }
  const ours = contenders.get(spotnana.name)?.cpu
  return {
    columns,
    rows: [
      ...extent.peers.map(({ cannot: reasons, name }) => {
        const contender = contenders.get(name)
        return contender === undefined
          ? cannot(name, reasons.throughput ?? "", columns)
          : [name, ...cellsOf(contender.cpu)]
      }),
      ...(ours === undefined ? [] : [[
        floor.name,
        micros(ours.constant),
        "–",
        exactRatio(1),
        "–",
        exactRatio(median(ratiosOf(ours, "control"))),
        spread(ratiosOf(ours, "control"), exactRatio)
      ]])
    ],
    goals: ours === undefined ? [] : [
      {
        goal: "CPU per request at most 1.02 × the constant bearer's",
        figure: `${exactRatio(median(ratiosOf(ours, "authenticated")))} ` +
          `(${spread(ratiosOf(ours, "authenticated"), exactRatio)}); the control, constant to constant, ` +
          `${exactRatio(median(ratiosOf(ours, "control")))} (${spread(ratiosOf(ours, "control"), exactRatio)})`,
        met: median(ratiosOf(ours, "authenticated")) <= 1.02
      }
    ],
    notes: [
      `Medians of ${rounds} processes, of ${spotnana.name} ${rounds * processesOf(spotnana.name)}, with ` +
      `${amount.turns - warmUps} turns of ${
        count(amount.requests)
      } requests of each client; the ratios are of a turn. ` +
      "Clients without an HTTP stack of their own use `fetch`.",
      "The control is a second client with a constant bearer, measured like the one with authentication: what differs " +
      "there is noise.",
      ...explained([...contenders].map(([name, { failures }]) => [name, failures]))
    ]
  }
}

export const throughput: Scenario = {
  id: "throughput",
  title: "Throughput",
  what:
    "CPU time, user and system, of a request over loopback sockets to a small server in a process of its own, 64 in " +
    "flight, the body read. Each client is in a process of its own with its own HTTP stack with a bearer that never " +
    "changes, twice, and the three take turns; effect-spotnana's stack is undici.",
  run
}
