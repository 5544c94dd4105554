// The rows of a table: the peers, and the floor with which they are compared.
import type { Client, Peer, ScenarioId } from "../Peer.ts"
import { spotnana } from "../peers/spotnana.ts"
import { cannot } from "../Scenario.ts"
import { constantBearer } from "../server.ts"
import type { Server } from "./server.ts"

/** The HTTP stack of the library without its authentication: a token that never changes. */
export const floor: Peer = {
  ...spotnana,
  name: "HttpClient, constant bearer",
  open: (setting) => spotnana.open({ ...setting, constant: constantBearer })
}

/** The peers that can run the scenario, and the floor. */
export const contendersOf = (peers: ReadonlyArray<Peer>, id: ScenarioId): ReadonlyArray<Peer> => [
  ...peers.filter((peer) => peer.cannot[id] === undefined),
  floor
]

/** A fresh client, and the name by which the server knows it. */
export interface Entrant {
  readonly name: string
  readonly clientId: string
  readonly client: Client
}

export const enter = async (peer: Peer, server: Server, lifetime?: number): Promise<Entrant> => {
  const setting = server.setting(lifetime === undefined ? {} : { lifetime })
  return { name: peer.name, clientId: setting.clientId, client: await peer.open(setting) }
}

/** Runs each in turn, `rounds` times, each time with another one first. */
export const inTurns = async (
  contenders: ReadonlyArray<Peer>,
  rounds: number,
  run: (peer: Peer, round: number) => Promise<void>
): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    const first = round % contenders.length
    for (const peer of [...contenders.slice(first), ...contenders.slice(0, first)]) await run(peer, round)
  }
}

/** The rows of a table in the order of the peers, the floor last. */
export const rowsOf = (
  peers: ReadonlyArray<Peer>,
  id: ScenarioId,
  columns: ReadonlyArray<string>,
  figures: (name: string) => ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<string>> =>
  [...peers, floor].map((peer) => {
    const reason = peer.cannot[id]
    return reason === undefined ? [peer.name, ...figures(peer.name)] : cannot(peer.name, reason, columns)
  })
