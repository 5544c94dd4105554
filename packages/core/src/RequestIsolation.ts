/**
 * For runtimes in which a request may not wait for the I/O of another one: Cloudflare Workers.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { IsolatedShell } from "./internal/tokenProvider/isolatedShell.ts"
import { CurrentShell } from "./internal/tokenProvider/shell.ts"

/**
 * Provided below a client, it lets the requests of one isolate share a token, and nothing else.
 *
 * **When to use**
 *
 * Use in Cloudflare Workers, below a client that is made once for an isolate.
 * There timers, sockets and promises belong to the request that made them: a
 * request that waits for another one is ended with a 500, and a fiber that renews
 * ahead of time ends with the request that started it.
 *
 * **Details**
 *
 * - What requests share is data: the token in use, failures, backoff. All numbers
 *   of `RefreshPolicy` hold for the isolate as they do for a process, but `mode`.
 * - One token request is made at a time, by the request that needs it first. The
 *   others look every 50 milliseconds, on timers of their own, whether it has ended.
 * - Nothing renews ahead of time but a request: the first one inside the renewal
 *   window waits for the renewal, for a second at most, and goes on with the token
 *   in use.
 * - If a request ends while it acquires a token, its client having gone, another one
 *   takes over after two seconds and a backoff.
 * - `TokenProvider.changes` is looked at once a second.
 *
 * **Gotchas**
 *
 * A `TokenStore` subscribes to what other processes do, on a connection that would
 * belong to one request: with both, the layer of the client dies.
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
