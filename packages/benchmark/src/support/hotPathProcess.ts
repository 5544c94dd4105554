// The process in which one client's hot path is measured. Its argument is the name of the client.
import type { Client } from "../Peer.ts"
import { peerOf } from "../peers/load.ts"
import { constantBearer } from "../server.ts"
import { serve } from "./child.ts"
import { settingOf } from "./server.ts"

/** The number of requests in a batch, so that reading the clock costs nothing. */
export const batch = 200

/** A client without authentication, and the client. */
export const kinds = ["constant", "authenticated"] as const
export type Kind = (typeof kinds)[number]

/** The milliseconds of one request, for each batch. Those of the same pair have the same index. */
export type Times = Readonly<Record<Kind, ReadonlyArray<number>>>

const many = async ({ get, getMany }: Client, count: number): Promise<void> => {
  const path = "/v2/companies"
  if (getMany !== undefined) return getMany(path, count)
  for (let made = 0; made < count; made++) await get(path)
}

const open = async (name: string): Promise<Readonly<Record<Kind, Client>>> => {
  const peer = await peerOf(name)
  const setting = settingOf("http://127.0.0.1:4801", { stubbed: true })
  return {
    constant: await peer.open({ ...setting, constant: constantBearer }),
    authenticated: await peer.open(setting)
  }
}

const apiOf = (clients: Readonly<Record<Kind, Client>>) => ({
  /** Runs this number of pairs of batches, one after the other, each time with another one first. */
  measure: async (pairs: number): Promise<Times> => {
    const times = { constant: [] as Array<number>, authenticated: [] as Array<number> }
    for (let pair = 0; pair < pairs; pair++) {
      for (const kind of pair % 2 === 0 ? kinds : kinds.toReversed()) {
        const from = performance.now()
        await many(clients[kind], batch)
        times[kind].push((performance.now() - from) / batch)
      }
    }
    return times
  }
})

export type HotPathApi = ReturnType<typeof apiOf>

// Its constants are imported, too.
if (import.meta.main) serve(apiOf(await open(process.argv[2]!)))
