// A Cloudflare Worker for the tests: each request makes a call to Spotnana, and answers with the status of that. With
// `?patience=100` a request ends after so many milliseconds, whatever it waits for. The variable `MODE` says how the
// requests share a token: `isolated`, as they should, or `background` or `onDemand`, as processes do.
import { RequestIsolation, SpotnanaHttpClient } from "@effect-spotnana/core"
import { ConfigProvider, Effect, Layer, ManagedRuntime } from "effect"
import type { Duration } from "effect"
import { FetchHttpClient } from "effect/http"

type Variables = Readonly<Record<string, string>>

const makeRuntime = (env: Variables) => {
  const { ACQUISITION_TIMEOUT: acquisitionTimeout, MODE: mode } = env
  return ManagedRuntime.make(
    SpotnanaHttpClient.layerConfig({
      refresh: {
        mode: mode === "onDemand" ? "onDemand" : "background",
        acquisitionTimeout: acquisitionTimeout as Duration.Input | undefined
      }
    }).pipe(
      Layer.provide(mode === "isolated" ? RequestIsolation.layer : Layer.empty),
      Layer.provide(FetchHttpClient.layer),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
    )
  )
}

let runtime: ReturnType<typeof makeRuntime> | undefined

const call = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const { status } = yield* spotnana.get("/v2/companies")
  return new Response(null, { status })
})

export default {
  fetch: (request: Request, env: Variables): Promise<Response> => {
    runtime ??= makeRuntime(env)
    const patience = new URL(request.url).searchParams.get("patience")
    return runtime.runPromise(
      Effect.timeoutOrElse(call, {
        duration: patience === null ? Infinity : Number(patience),
        orElse: () => Effect.succeed(new Response(null, { status: 504 }))
      })
    )
  }
}
