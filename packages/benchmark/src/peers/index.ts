// Everyone who is measured, the library itself first.
import type { Peer } from "../Peer.ts"
import { spotnana } from "./spotnana.ts"

export const peers: ReadonlyArray<Peer> = [spotnana]
