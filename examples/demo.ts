// The life of a token, to be watched:
//
//   npx pnpm@10 demo
//
// Spotnana is played by a mock on this machine. To call the real one, set SPOTNANA_CLIENT_ID and
// SPOTNANA_CLIENT_SECRET; SPOTNANA_ENVIRONMENT=sandbox or SPOTNANA_BASE_URL say where it is.
//
// It prints
//
//   a timeline of each chapter, with the requests on the wire, and last
//   10 of 10 claims held, in 13s.
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { local } from "./demo/local.ts"
import { real } from "./demo/real.ts"

// One of the two is enough: whoever has set it means the real one, and is told what is missing.
const { SPOTNANA_CLIENT_ID = "", SPOTNANA_CLIENT_SECRET = "" } = process.env
const demo = SPOTNANA_CLIENT_ID === "" && SPOTNANA_CLIENT_SECRET === "" ? local : real

demo.pipe(
  Effect.tap((holds) =>
    Effect.sync(() => {
      if (!holds) process.exitCode = 1
    })
  ),
  NodeRuntime.runMain
)
