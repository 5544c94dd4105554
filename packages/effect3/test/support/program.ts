// A program that makes one call and ends; the refresh fiber must not keep the process alive.
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
import { FetchHttpClient } from "@effect/platform"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer } from "effect"

const platform = process.argv[2] === "undici" ? NodeHttpClient.layerUndici : FetchHttpClient.layer

const program = Effect.gen(function*() {
  const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const response = yield* client.get("/v2/companies")
  const { state } = yield* Effect.flatMap(TokenProvider.TokenProvider, (provider) => provider.status)
  yield* Console.log(response.status, state)
})

await Effect.runPromise(Effect.provide(program, Layer.provide(SpotnanaHttpClient.layerConfig(), platform)))
