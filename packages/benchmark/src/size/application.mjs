// An application that reads its settings with Config and decodes answers with Schema, and authenticates nothing.
import { Config, Console, Effect, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"

const Companies = Schema.Struct({
  length: Schema.Int,
  elements: Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.String }))
})

const Settings = Config.schema(Schema.Struct({ baseUrl: Schema.String, limit: Schema.FiniteFromString }), "APP")

const program = Effect.gen(function*() {
  const { baseUrl, limit } = yield* Settings
  const client = (yield* HttpClient.HttpClient).pipe(
    HttpClient.mapRequest(HttpClientRequest.prependUrl(baseUrl)),
    HttpClient.filterStatusOk
  )
  const response = yield* client.get("/v2/companies", { urlParams: { limit } })
  yield* Console.log(yield* HttpClientResponse.schemaBodyJson(Companies)(response))
})

void Effect.runPromise(Effect.provide(program, FetchHttpClient.layer))
