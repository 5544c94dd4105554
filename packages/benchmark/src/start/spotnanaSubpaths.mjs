// The first program of README.md, with each module imported by its own path.
import * as SpotnanaHttpClient from "@effect-spotnana/core/SpotnanaHttpClient"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { answered, apiPath } from "./given.mjs"

const program = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const response = yield* spotnana.get(apiPath)
  yield* response.json
  return response.status
})

const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))

answered(await Effect.runPromise(Effect.provide(program, Auth)))
