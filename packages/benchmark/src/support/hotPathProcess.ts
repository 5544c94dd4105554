// The process in which one client's hot path is measured. Its argument is whose.
import { Bench } from "tinybench"
import type { Client } from "../Peer.ts"
import { peers } from "../peers/index.ts"
import { looking } from "../peers/spotnana.ts"
import { constantBearer } from "../server.ts"
import { allocated } from "./allocated.ts"
import { serve } from "./child.ts"
import { settingOf } from "./server.ts"

/** So many requests are one sample, so that the clock costs nothing. */
export const batch = 200

/** A client without authentication, and the client. */
export const kinds = ["constant", "authenticated"] as const
export type Kind = (typeof kinds)[number]

/** Of one request: milliseconds, and bytes allocated. */
export interface Measured {
  readonly time: number
  readonly bytes: number
}

const many = async ({ get, getMany }: Client, count: number): Promise<void> => {
  const path = "/v2/companies"
  if (getMany !== undefined) return getMany(path, count)
  for (let made = 0; made < count; made++) await get(path)
}

const open = async (name: string | undefined): Promise<Readonly<Record<Kind, Client>>> => {
  const peer = [...peers, looking].find((peer) => peer.name === name)
  if (peer === undefined) throw new Error(`There is no peer ${name}.`)
  const setting = settingOf("http://127.0.0.1:4801", { stubbed: true })
  return {
    constant: await peer.open({ ...setting, constant: constantBearer }),
    authenticated: await peer.open(setting)
  }
}

const apiOf = (clients: Readonly<Record<Kind, Client>>) => ({
  warmUp: async (batches: number): Promise<void> => {
    for (let run = 0; run < batches; run++) for (const kind of kinds) await many(clients[kind], batch)
  },
  /** A round of both, for so many milliseconds each. */
  measure: async ({ millis, order }: {
    readonly millis: number
    readonly order: ReadonlyArray<Kind>
  }): Promise<Readonly<Record<Kind, Measured>>> => {
    const bench = new Bench({ time: millis, iterations: 3, warmup: false, throws: true })
    for (const kind of order) bench.add(kind, () => many(clients[kind], batch))
    await bench.run()
    const bytes = { constant: Number.NaN, authenticated: Number.NaN }
    for (const kind of order) bytes[kind] = await allocated(() => many(clients[kind], 10 * batch)) / (10 * batch)
    const measured = (kind: Kind): Measured => {
      const result = bench.getTask(kind)?.result
      const time = result !== undefined && "latency" in result ? result.latency.p50 / batch : Number.NaN
      return { time, bytes: bytes[kind] }
    }
    return { constant: measured("constant"), authenticated: measured("authenticated") }
  }
})

export type HotPathApi = ReturnType<typeof apiOf>

// Its constants are imported, too.
if (import.meta.main) serve(apiOf(await open(process.argv[2])))
