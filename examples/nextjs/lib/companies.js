// What the pages of an application of Next.js show. Start a mock, as in ../README.md, and then in this folder:
//
//   node --env-file=../../mock.env node_modules/next/dist/bin/next build
//   node --env-file=../../mock.env node_modules/next/dist/bin/next start
//
// http://localhost:3000 then shows
//
//   120 companies
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Effect, Layer, ManagedRuntime } from "effect"
import { FetchHttpClient } from "effect/http"

// One for the process, so that all pages share the token. With `onDemand`, a server without visitors requests no token.
const runtime = ManagedRuntime.make(
  SpotnanaHttpClient.layerConfig({ refresh: { mode: "onDemand" } }).pipe(Layer.provide(FetchHttpClient.layer))
)

/** How many companies there are. The page of the answer has this many of them. */
export const countCompanies = (limit) =>
  runtime.runPromise(
    Effect.gen(function*() {
      const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
      const response = yield* spotnana.get("/v2/companies", { urlParams: { limit } })
      const { totalNumResults } = yield* response.json
      return totalNumResults
    })
  )
