// One client per tenant: made at the first use, shared while it is in use, released when it is idle.
//
//   ACME_SPOTNANA_CLIENT_ID=… ACME_SPOTNANA_CLIENT_SECRET=… \
//   GLOBEX_SPOTNANA_CLIENT_ID=… GLOBEX_SPOTNANA_CLIENT_SECRET=… \
//   npx pnpm@10 exec node examples/several-tenants.ts ACME GLOBEX
//
// A tenant whose variables are missing or wrong gets its error. The others do not notice.
//
// It prints
//
//   ACME: client made
//   ACME: 120 companies
//   GLOBEX: client made
//   GLOBEX: 120 companies
//   … nobody calls for two seconds …
//   ACME: client released
//   …
import { Credentials, SpotnanaHttpClient } from "@effect-spotnana/core"
import { NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, LayerMap, Logger, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"

// The environment is the same for all, the credentials are each tenant's own. A vault would do as well:
// `layerCredentials`, and a `Credentials` service that asks it for this tenant.
const clientOf = (tenant: string) =>
  SpotnanaHttpClient.layerConfig({ credentials: Config.nested(Credentials.config, tenant) })

// Only to make visible when a client comes and goes.
const announced = (tenant: string) =>
  Layer.effectDiscard(
    Effect.acquireRelease(
      Console.log(`${tenant}: client made`),
      () => Console.log(`${tenant}: client released`)
    )
  )

class Tenants extends LayerMap.Service<Tenants>()("app/Tenants", {
  lookup: (tenant: string) => Layer.provideMerge(announced(tenant), clientOf(tenant)),
  dependencies: [FetchHttpClient.layer],
  // A second is for the eye. A program that serves people would rather keep a client for minutes.
  idleTimeToLive: "1 second"
}) {}

const Companies = Schema.Struct({ totalNumResults: Schema.optional(Schema.Int) })

// Knows of no tenant: whoever provides the client decides whose companies these are.
const countCompanies = Effect.gen(function*() {
  const spotnana = HttpClient.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
  const response = yield* spotnana.get("/v2/companies", { urlParams: { limit: 1 } })
  const { totalNumResults } = yield* HttpClientResponse.schemaBodyJson(Companies)(response)
  return totalNumResults
})

const report = (tenant: string) =>
  countCompanies.pipe(
    Effect.provide(Tenants.get(tenant)),
    Effect.flatMap((count) => Console.log(`${tenant}: ${count} companies`)),
    Effect.catch((error) => Console.log(`${tenant}: ${error._tag}: ${error.message}`))
  )

const program = Effect.gen(function*() {
  const tenants = process.argv.length > 2 ? process.argv.slice(2) : ["ACME", "GLOBEX"]
  yield* Effect.forEach(tenants, report)
  yield* Console.log("… nobody calls for two seconds …")
  yield* Effect.sleep("2 seconds")
  yield* Effect.forEach(tenants.slice(0, 1), report)
})

program.pipe(
  Effect.provide(Tenants.layer),
  Effect.provideService(Logger.LogToStderr, true),
  NodeRuntime.runMain
)
