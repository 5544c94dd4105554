// The same application with the client and the layer of the first program of README.md.
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Config, Console, Effect, Layer, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"

const Companies = Schema.Struct({
  length: Schema.Int,
  elements: Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.String }))
})

const Settings = Config.schema(Schema.Struct({ limit: Schema.FiniteFromString }), "APP")

const program = Effect.gen(function*() {
  const { limit } = yield* Settings
  const client = HttpClient.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
  const response = yield* client.get("/v2/companies", { urlParams: { limit } })
  yield* Console.log(yield* HttpClientResponse.schemaBodyJson(Companies)(response))
})

const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))

void Effect.runPromise(Effect.provide(program, Auth))
