// What the pages of an application of Next.js show. With SPOTNANA_CLIENT_ID, SPOTNANA_CLIENT_SECRET and
// SPOTNANA_BASE_URL set, in this folder:
//
//   npx next build && npx next start
//
// http://localhost:3000 then shows
//
//   120 companies
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Effect, Layer, ManagedRuntime } from "effect"
import { FetchHttpClient } from "effect/http"

// One for the process, so that all pages share the token.
const runtime = ManagedRuntime.make(
  SpotnanaHttpClient.layerConfig({ refresh: { mode: "onDemand" } }).pipe(Layer.provide(FetchHttpClient.layer))
)

/** How many companies there are. */
export const countCompanies = () =>
  runtime.runPromise(
    Effect.gen(function*() {
      const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
      const response = yield* spotnana.get("/v2/companies?limit=1")
      const { totalNumResults } = yield* response.json
      return totalNumResults
    })
  )
