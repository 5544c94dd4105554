/**
 * The lifecycle of a token: acquired once for everybody, renewed ahead of
 * expiry, replaced when the API rejects it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { AccessToken } from "./AccessToken.ts"
import type { AuthError } from "./AuthError.ts"
import { Credentials } from "./Credentials.ts"
import type { Environment } from "./Environment.ts"
import { makeProvider } from "./internal/provider.ts"
import type * as RefreshPolicy from "./RefreshPolicy.ts"
import { TokenEndpoint } from "./TokenEndpoint.ts"

/**
 * What the provider is doing. Holds no secret.
 *
 * **Details**
 *
 * `state` is one of
 *
 * - `empty`: no token was asked for yet;
 * - `acquiring`: no valid token, one is being requested;
 * - `valid`: a token is in use;
 * - `renewing`: a token is in use and its successor is being requested;
 * - `failed`: no valid token, and the last attempt to get one failed;
 * - `expired`: no valid token, and nobody has asked for one since.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  /** What the provider is doing: one of the words above. */
  readonly state: "empty" | "acquiring" | "valid" | "renewing" | "failed" | "expired"
  /** When the latest token was asked for. */
  readonly issuedAt: DateTime.Utc | undefined
  /** When the latest token expires. */
  readonly expiresAt: DateTime.Utc | undefined
  /** When the token in use is renewed. */
  readonly nextRenewalAt: DateTime.Utc | undefined
  /** The last failure since the last success. */
  readonly lastError: AuthError | undefined
}

/**
 * Hands out a token that is valid now.
 *
 * **When to use**
 *
 * Use where `SpotnanaHttpClient` cannot: for a client that is not an
 * `HttpClient`, for health checks, for a live view.
 *
 * **Details**
 *
 * Interrupting a caller of `get` leaves the acquisition to the others.
 *
 * **Example** (A health check)
 *
 * ```ts
 * import { TokenProvider } from "@effect-spotnana/core"
 * import { Effect } from "effect"
 *
 * const healthy = Effect.gen(function*() {
 *   const provider = yield* TokenProvider.TokenProvider
 *   const { state } = yield* provider.status
 *   return state !== "failed"
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class TokenProvider extends Context.Service<TokenProvider, {
  /** The API that the tokens are for. */
  readonly environment: Environment
  /** A token that is valid now. With one it never waits; without, it waits for the one acquisition. */
  readonly get: Effect.Effect<AccessToken, AuthError>
  /** Tells that the API answered 401 to this token: it is replaced, if it is still the one in use. */
  readonly reject: (token: AccessToken) => Effect.Effect<void>
  /** What the provider is doing. */
  readonly status: Effect.Effect<Status>
  /** `status` now, and after every acquisition, failure and rejection. A reader that is 64 changes late misses some. */
  readonly changes: Stream.Stream<Status>
}>()("@effect-spotnana/core/TokenProvider") {}

/**
 * How a provider keeps its token.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<Eager extends boolean = boolean> {
  /** When to renew and how to back off; see {@link RefreshPolicy.RefreshPolicy} for the defaults. */
  readonly refresh?: RefreshPolicy.Options | undefined
  /** Acquire the first token when the layer is built, and fail there. Default: at the first use. */
  readonly eager?: Eager | undefined
}

/**
 * Makes a provider that lives in the current scope.
 *
 * **Details**
 *
 * Closing the scope ends the refresh fiber and an acquisition in flight.
 * Acquisitions run with the services of this scope, not with a caller's: the
 * clock, the tracer and the logger are the ones the layer was built with.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<TokenProvider["Service"], AuthError, TokenEndpoint | Credentials | Scope.Scope> =>
  Effect.gen(function*() {
    return yield* makeProvider(options, {
      endpoint: yield* TokenEndpoint,
      credentials: yield* Credentials,
      context: yield* Effect.context(),
      scope: yield* Effect.scope
    })
  })

/**
 * A provider as a layer. Its error channel is empty unless `eager` is set.
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
export const layer = <const Eager extends boolean = false>(
  options?: Options<Eager>
): Layer.Layer<TokenProvider, true extends Eager ? AuthError : never, TokenEndpoint | Credentials> =>
  // `make` fails only where `eager` is true, which the type above says and the compiler cannot see.
  Layer.effect(TokenProvider, make(options)) as Layer.Layer<
    TokenProvider,
    true extends Eager ? AuthError : never,
    TokenEndpoint | Credentials
  >
