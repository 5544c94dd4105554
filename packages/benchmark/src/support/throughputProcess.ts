// The process in which one client makes its requests. Its arguments are the name of the client and the address of the
// server.
import type { Client } from "../Peer.ts"
import { peerOf } from "../peers/load.ts"
import { constantBearer } from "../server.ts"
import { serve } from "./child.ts"
import type { Failures } from "./failures.ts"
import { note, requested, settled } from "./failures.ts"
import { settingOf } from "./server.ts"

/** A client without authentication, the same once more, and the client. */
export const kinds = ["constant", "control", "authenticated"] as const
export type Kind = (typeof kinds)[number]

/** The CPU time of one request in microseconds, for each batch. Those of the same turn have the same index. */
export type Cpu = Readonly<Record<Kind, ReadonlyArray<number>>>

export interface Measured {
  readonly cpu: Cpu
  readonly failures: ReadonlyArray<readonly [reason: string, times: number]>
}

export interface Amount {
  readonly turns: number
  readonly requests: number
  readonly inFlight: number
}

type Clients = Readonly<Record<Kind, Client>>

const cpuOf = async ({ get }: Client, { inFlight, requests }: Amount, failures: Failures): Promise<number> => {
  let left = requests
  const lane = async () => {
    while (left-- > 0) note(failures, await settled(() => requested(get("/v2/companies"))))
  }
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: inFlight }, lane))
  const { system, user } = process.cpuUsage(before)
  return (system + user) / requests
}

/** All orders of the three, so that each is as often first, and as often after each of the others. */
const orders: ReadonlyArray<ReadonlyArray<Kind>> = [
  ["constant", "control", "authenticated"],
  ["control", "authenticated", "constant"],
  ["authenticated", "constant", "control"],
  ["authenticated", "control", "constant"],
  ["control", "constant", "authenticated"],
  ["constant", "authenticated", "control"]
]

/** Batches of each client in turns, another order each time. */
export const measureCpu = async (clients: Clients, amount: Amount): Promise<Measured> => {
  const cpu = { constant: [] as Array<number>, control: [] as Array<number>, authenticated: [] as Array<number> }
  const failures: Failures = new Map()
  for (let turn = 0; turn < amount.turns; turn++) {
    for (const kind of orders[turn % orders.length]!) {
      cpu[kind].push(await cpuOf(clients[kind], amount, failures))
    }
  }
  return { cpu, failures: [...failures] }
}

const open = async (name: string, baseUrl: string): Promise<Clients> => {
  const peer = await peerOf(name)
  const setting = settingOf(baseUrl)
  const constant = { ...setting, constant: constantBearer }
  return {
    constant: await peer.open(constant),
    control: await peer.open(constant),
    authenticated: await peer.open(setting)
  }
}

const apiOf = (clients: Clients) => ({ measure: (amount: Amount) => measureCpu(clients, amount) })

export type ThroughputApi = ReturnType<typeof apiOf>

if (import.meta.main) serve(apiOf(await open(process.argv[2]!, process.argv[3]!)))
