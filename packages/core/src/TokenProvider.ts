/**
 * The lifecycle of a token: it is acquired once for all callers, renewed before it
 * expires, and replaced when the API rejects it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { AuthError } from "./AuthError.ts"
import { Credentials } from "./Credentials.ts"
import { makeShell, serviceOf } from "./internal/tokenProvider/make.ts"
import type { Options, Service } from "./internal/tokenProvider/service.ts"
import { TokenEndpoint } from "./TokenEndpoint.ts"

export type { Evidence, Options, Service, Status } from "./internal/tokenProvider/service.ts"

/**
 * Returns a token that is valid now.
 *
 * **When to use**
 *
 * Use for what `SpotnanaHttpClient` cannot do: for a client that is not an
 * `HttpClient`, for health checks, or to show the state of the token.
 *
 * **Details**
 *
 * If a caller of `get` is interrupted, the acquisition continues for the others.
 *
 * Report a 401 with `reject(token)`, then send the request again with the token
 * of `replacement(token)`. If the API accepts the request with a new token, run
 * `replayAccepted`. Otherwise the next replacement has to wait for a minute.
 *
 * **Example** (A readiness check)
 *
 * ```ts
 * import { TokenProvider } from "@effect-spotnana/core"
 * import { Effect } from "effect"
 *
 * // `get` requests a token if there is none. `status` alone never does.
 * const isReady = Effect.gen(function*() {
 *   const { get } = yield* TokenProvider.TokenProvider
 *   return yield* Effect.isSuccess(Effect.timeout(get, "1 second"))
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class TokenProvider extends Context.Service<TokenProvider, Service>()("@effect-spotnana/core/TokenProvider") {}

/**
 * Makes a provider in the current scope.
 *
 * **Details**
 *
 * Closing the scope ends the renewal and an acquisition in flight. Acquisitions
 * run with the services that the provider was made with, not with those of a
 * caller: this concerns the clock, the tracer and the logger.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: (
  options?: Options
) => Effect.Effect<Service, AuthError, TokenEndpoint | Credentials | Scope.Scope> = /* #__PURE__ */ Effect.fnUntraced(
  function*(options: Options = {}) {
    const endpoint = yield* TokenEndpoint
    const shell = yield* makeShell(options, {
      endpoint,
      credentials: yield* Credentials,
      context: yield* Effect.context(),
      scope: yield* Effect.scope
    })
    return serviceOf(endpoint.environment, shell)
  }
)

/**
 * A provider as a layer. Its error channel is empty unless `eager` is `true`.
 *
 * **Example** (Tokens for a client that is not an `HttpClient`)
 *
 * ```ts
 * import { Credentials, TokenEndpoint, TokenProvider } from "@effect-spotnana/core"
 * import { Effect, Layer, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * declare const call: (bearer: string) => Promise<string>
 *
 * const Provider = TokenProvider.layer().pipe(
 *   Layer.provide(TokenEndpoint.layer()),
 *   Layer.provide(Credentials.layerConfig()),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const { get } = yield* TokenProvider.TokenProvider
 *   const { value } = yield* get
 *   return yield* Effect.tryPromise(() => call(Redacted.value(value)))
 * }).pipe(Effect.provide(Provider))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <const Eager extends boolean | "background" = false>(
  options?: Options<Eager>
): Layer.Layer<TokenProvider, true extends Eager ? AuthError : never, TokenEndpoint | Credentials> =>
  // `make` fails only if `eager` is true. The type above says so, but the compiler cannot check it.
  Layer.effect(TokenProvider, make(options)) as Layer.Layer<
    TokenProvider,
    true extends Eager ? AuthError : never,
    TokenEndpoint | Credentials
  >
