// The first program of README.md. It prints
//
//   {
//     length: 2,
//     elements: [
//       { id: '00000000-0000-4000-8000-000000000001', name: 'Company 1' },
//       { id: '00000000-0000-4000-8000-000000000002', name: 'Company 2' }
//     ],
//     totalNumResults: 120
//   }
//
// and a mistake ends it with exit code 1. SPOTNANA_ENVIRONMENT=sandbox calls the sandbox, SPOTNANA_BASE_URL any other address:
//
//   SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=… npx pnpm@10 exec node examples/first-program.ts
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"

const program = Effect.gen(function*() {
  const spotnana = HttpClient.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
  const response = yield* spotnana.get("/v2/companies", { urlParams: { limit: 2 } })
  yield* Console.log(yield* response.json)
})

// Provide it once, where the application starts. A layer that is provided for each call requests a token for each call.
const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))

program.pipe(Effect.provide(Auth), NodeRuntime.runMain)
