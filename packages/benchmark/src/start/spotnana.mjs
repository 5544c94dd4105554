// The first program of README.md.
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { answered, apiPath } from "./given.mjs"

const program = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const response = yield* spotnana.get(apiPath)
  yield* response.json
  return response.status
})

const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))

answered(await Effect.runPromise(Effect.provide(program, Auth)))
