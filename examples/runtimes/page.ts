// The program in a page. A client secret has no business there: it is run to see that nothing in it needs a server's
// runtime, for the workers and edge functions that are built like this.
import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { ConfigProvider, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { life } from "./program.ts"

export const run = (env: Record<string, string>): Promise<void> =>
  life.pipe(
    Effect.provide(SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
    Effect.runPromise
  )
