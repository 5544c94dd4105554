/**
 * For runtimes in which a request must not wait for the I/O of another request, such as Cloudflare Workers.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { IsolatedShell } from "./internal/tokenProvider/isolatedShell.ts"
import { CurrentShell } from "./internal/tokenProvider/shell.ts"

/**
 * Lets the requests of one isolate share a token, and nothing else. Provide it to
 * the layer of the client.
 *
 * **When to use**
 *
 * Use in Cloudflare Workers, with a client that is made once for an isolate.
 * There, timers, sockets and promises belong to the request that made them. A
 * request that waits for another one ends with a 500, and a fiber that renews the
 * token ends with the request that started it.
 *
 * **Details**
 *
 * - Requests share only data: the token in use, failures, backoff. All settings
 *   of `RefreshPolicy` except `mode` apply to the isolate as they do to a
 *   process.
 * - There is one token request at a time. The request that needs a token first
 *   makes it. The others check every 50 milliseconds, each on its own timer,
 *   whether it has ended.
 * - Only requests renew the token. The first request inside the renewal window
 *   waits for the renewal, for a second at most, and then continues with the
 *   token in use.
 * - If a request ends while it acquires a token, for example because its client
 *   disconnected, another request takes over after two seconds and a backoff.
 * - `TokenProvider.changes` checks the status once a second.
 *
 * **Gotchas**
 *
 * It cannot be combined with a `TokenStore`: the store's subscription would
 * belong to one request. With both, the layer of the client dies.
 *
 * **Example** (A worker)
 *
 * ```ts
 * import { RequestIsolation, SpotnanaHttpClient } from "@effect-spotnana/core"
 * import { ConfigProvider, Effect, Layer, ManagedRuntime } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * declare const env: Record<string, string>
 *
 * const runtime = ManagedRuntime.make(
 *   SpotnanaHttpClient.layerConfig().pipe(
 *     Layer.provide(RequestIsolation.layer),
 *     Layer.provide(FetchHttpClient.layer),
 *     Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
 *   )
 * )
 *
 * const companies = Effect.gen(function*() {
 *   const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
 *   const response = yield* spotnana.get("/v2/companies")
 *   return yield* response.json
 * })
 *
 * export default {
 *   fetch: async () => Response.json(await runtime.runPromise(companies))
 * }
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = /* #__PURE__ */ Layer.succeed(CurrentShell, IsolatedShell)
