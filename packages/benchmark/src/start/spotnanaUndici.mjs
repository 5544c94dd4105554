// The first program of README.md, over undici.
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer } from "effect"
import { answered, apiPath } from "./given.mjs"

const program = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const response = yield* spotnana.get(apiPath)
  yield* response.json
  return response.status
})

const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(NodeHttpClient.layerUndici))

answered(await Effect.runPromise(Effect.provide(program, Auth)))
