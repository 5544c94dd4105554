import type { Peer } from "../Peer.ts"
import { allPeers } from "./load.ts"

export const peers: ReadonlyArray<Peer> = await allPeers()
