// The first program of README.md, and a line that runs it:
//
//   SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=… npx pnpm@10 exec node examples/first-program.ts
//
// SPOTNANA_ENVIRONMENT=sandbox calls the sandbox, SPOTNANA_BASE_URL any other address.
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"

const program = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const response = yield* spotnana.get("/v2/companies")
  return yield* response.json
})

const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))

program.pipe(
  Effect.tap((companies) => Console.dir(companies, { maxArrayLength: 3 })),
  Effect.provide(Auth),
  NodeRuntime.runMain
)
