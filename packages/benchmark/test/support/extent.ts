import type { Peer } from "../../src/Peer.ts"
import type { Extent } from "../../src/Scenario.ts"

/** As little as there is, of these. */
export const quickly = (peers: ReadonlyArray<Peer>): Extent => ({ quick: true, peers, say: () => {} })

/** A peer of these packages that is never opened. */
export const named = (name: string, packages: ReadonlyArray<string>, cannot: Peer["cannot"] = {}): Peer => ({
  name,
  packages,
  stack: "own",
  usage: "",
  cannot,
  open: () => Promise.reject(new Error("It is not to be opened."))
})
