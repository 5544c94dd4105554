// The process in which one client's hot path is measured. Its argument is whose.
import type { Client } from "../Peer.ts"
import { peerOf } from "../peers/load.ts"
import { constantBearer } from "../server.ts"
import { serve } from "./child.ts"
import { settingOf } from "./server.ts"

/** So many requests are one batch, so that the clock costs nothing. */
export const batch = 200

/** A client without authentication, and the client. */
export const kinds = ["constant", "authenticated"] as const
export type Kind = (typeof kinds)[number]

/** Milliseconds of one request, of each batch; those of the same pair are at the same place. */
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
  /** So many pairs of batches: one after the other, another one first each time. */
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
