// A program that starts fast, over Node's own HTTP client. It is bundled into one file, and runs with a compile cache:
//
//   npx pnpm@10 exec node examples/fast-start/build.ts
//   export NODE_COMPILE_CACHE=.generated/compile-cache SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=…
//   node .generated/fast-start/program.mjs
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer } from "effect"

const program = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const response = yield* spotnana.get("/v2/companies")
  return response.status
})

// No fiber renews ahead of time: a process that lives for seconds, or is frozen, needs none.
const Auth = SpotnanaHttpClient.layerConfig({ refresh: { mode: "onDemand" } }).pipe(
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

console.log(await Effect.runPromise(Effect.provide(program, Auth)))
