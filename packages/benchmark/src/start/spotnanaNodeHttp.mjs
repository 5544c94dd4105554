// The first program of README.md over the HTTP client of Node, which loads no `fetch`.
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { Effect, Layer } from "effect"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { answered, apiPath } from "./given.mjs"

const program = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const response = yield* spotnana.get(apiPath)
  yield* response.json
  return response.status
})

const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(NodeHttpClient.layerNodeHttp))

answered(await Effect.runPromise(Effect.provide(program, Auth)))
