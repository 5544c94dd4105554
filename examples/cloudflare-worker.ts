// A Cloudflare Worker: GET /?limit=2 answers with companies. `wrangler` deploys it as it is, with SPOTNANA_CLIENT_ID and
// SPOTNANA_CLIENT_SECRET among its secrets.
//
// It prints
//
//   ["Company 1","Company 2"]      for GET /?limit=2
import { AuthError, RequestIsolation, SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/core"
import { ConfigProvider, Duration, Effect, Layer, ManagedRuntime, Schema } from "effect"
import { FetchHttpClient, HttpClientResponse } from "effect/http"

const Page = Schema.Struct({
  elements: Schema.optional(Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.optional(Schema.String) })))
})

const companies = Effect.fnUntraced(function*(limit: string) {
  const spotnana = (yield* SpotnanaHttpClient.SpotnanaHttpClient).pipe(SpotnanaApiError.filterStatusOk)
  const response = yield* spotnana.get("/v2/companies", { urlParams: { limit } })
  const { elements = [] } = yield* HttpClientResponse.schemaBodyJson(Page)(response)
  return Response.json(elements.map(({ id, name }) => name ?? id))
})

const unavailable = (error: unknown): Response => {
  const isTransient = AuthError.isAuthError(error) && AuthError.isTransient(error)
  if (!isTransient) return Response.json({ error: "Spotnana cannot be used at present" }, { status: 502 })
  const { retryAfter = Duration.seconds(1) } = error
  return Response.json({ error: "Spotnana is not available, try again later" }, {
    status: 503,
    headers: { "retry-after": String(Math.ceil(Duration.toSeconds(retryAfter))) }
  })
}

type Variables = Readonly<Record<string, string>>

const makeRuntime = (env: Variables) =>
  ManagedRuntime.make(
    SpotnanaHttpClient.layerConfig().pipe(
      // Many requests share the runtime. None of them may wait for the I/O of another one.
      Layer.provide(RequestIsolation.layer),
      Layer.provide(FetchHttpClient.layer),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
    )
  )

// Made once for an isolate: the next request finds its token here.
let runtime: ReturnType<typeof makeRuntime> | undefined

export default {
  fetch: (request: Request, env: Variables): Promise<Response> => {
    runtime ??= makeRuntime(env)
    return runtime.runPromise(
      companies(new URL(request.url).searchParams.get("limit") ?? "10").pipe(
        Effect.tapError((error) => Effect.logError(error.message)),
        Effect.catch((error) => Effect.succeed(unavailable(error)))
      )
    )
  }
}
