/**
 * The `HttpClient` that authenticates every request.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AuthError } from "./AuthError.ts"
import { isAuthError, toHttpClientError } from "./AuthError.ts"
import * as Credentials from "./Credentials.ts"
import * as Environment from "./Environment.ts"
import { currentConfig } from "./internal/currentConfig.ts"
import { authenticateWith } from "./internal/httpClient/authenticate.ts"
import { makeProvider } from "./internal/tokenProvider/make.ts"
import * as TokenEndpoint from "./TokenEndpoint.ts"
import * as TokenProvider from "./TokenProvider.ts"

/**
 * The authenticated client, with this library's errors in its error channel.
 *
 * **Details**
 *
 * - A relative URL goes to the environment. A request for an origin that is not
 *   one of the environment's is sent without the token.
 * - Every request for the environment carries a token that is valid now. An
 *   `Authorization` header of the caller's own is not replaced, and the caller
 *   gets the 401 to such a request.
 * - The request inside a response or an error does not contain the token, so
 *   printing it does not show the token. If you send that request again, it is
 *   authenticated like any other.
 * - A 401 of the environment does not prove that the token is invalid. The token
 *   is replaced, once for all requests that got the 401, and the request is sent
 *   again. In all, a request is sent at most three times. Other requests wait for
 *   the new token for a second at most. If a new token does not help or is not
 *   due, the token stays in use and the request fails with `TokenExpired`. It
 *   also fails with `TokenExpired` if it must not be sent again, because its body
 *   can be sent only once or because of a redirect. If the token endpoint gives
 *   no new token, the request fails with the error of the token endpoint. The
 *   table in `docs/errors.md` has all cases.
 * - The caller gets every 403, and a 401 that says that the scope or the request
 *   is wrong (RFC 6750 §3.1). `rejectsToken` of the environment can change that:
 *   an answer for which it returns `true` is handled like a 401 for the token.
 * - A URL of the environment whose path has a segment `.` or `..`, in any
 *   spelling, fails with a `RequestError` (`InvalidUrl`), and nothing is sent.
 *   Encode ids from outside with `encodeURIComponent`.
 * - A request after the layer was closed dies, with a message that says so.
 *
 * **Gotchas**
 *
 * Provide the layer once, where the application starts. Each time the layer is
 * built, it requests a new token. If it is provided for each call, each call
 * makes a token request. The library logs that at debug level, and counts it in a
 * metric.
 *
 * **Example** (The first program)
 *
 * ```ts
 * import { SpotnanaHttpClient } from "@effect-spotnana/effect3"
 * import { Effect, Layer } from "effect"
 * import { FetchHttpClient } from "@effect/platform"
 *
 * const program = Effect.gen(function*() {
 *   const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
 *   const response = yield* spotnana.get("/v2/companies")
 *   return yield* response.json
 * })
 *
 * const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const runnable = Effect.provide(program, Auth)
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class SpotnanaHttpClient extends Context.Tag("@effect-spotnana/effect3/SpotnanaHttpClient")<
  SpotnanaHttpClient,
  HttpClient.HttpClient.With<HttpClientError.HttpClientError | AuthError>
>() {}

/**
 * All options except the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<Eager extends boolean | "background" = boolean | "background">
  extends TokenEndpoint.Options, TokenProvider.Options<Eager>
{}

/**
 * Authenticates a client that you already have, with the tokens of a provider.
 *
 * **When to use**
 *
 * Use for a client with combinators of its own: timeouts, tracing, retries.
 *
 * **Details**
 *
 * The token is added after all combinators of `client`, and after those applied to
 * the result. It is added again whenever they run the request again.
 *
 * **Gotchas**
 *
 * - Do not build the provider from such a client: it would retry and limit the
 *   token requests too. Give the provider the plain client.
 * - A combinator of `client` that waits before it sends, such as a rate limit,
 *   waits with a token that may expire meanwhile. Apply it to the result.
 * - Apply `HttpClient.withScope` before this, not after.
 * - Give `HttpClient.retryTransient` a `schedule`: without one it retries at once. It
 *   does not read `Retry-After`.
 * - Do not put `followRedirects` or `transform` around `withTracerDisabledWhen` or
 *   `withTracerEnabled`: the token could not be kept from another origin, so
 *   nothing is sent. Disable tracing last, or around the call.
 * - Combinators that look at the URL (cookies, a circuit breaker per origin) see
 *   a relative URL unchanged. For them use absolute URLs, or put
 *   `HttpClient.mapRequest(HttpClientRequest.prependUrl(environment.baseUrl))`
 *   before them.
 *
 * **Example** (Authenticating a client that retries)
 *
 * ```ts
 * import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/effect3"
 * import { Effect, Schedule } from "effect"
 * import { HttpClient } from "@effect/platform"
 *
 * const program = Effect.gen(function*() {
 *   const provider = yield* TokenProvider.TokenProvider
 *   const client = (yield* HttpClient.HttpClient).pipe(
 *     SpotnanaHttpClient.authenticate(provider),
 *     HttpClient.filterStatusOk,
 *     HttpClient.retryTransient({ times: 3, schedule: Schedule.jittered(Schedule.exponential("500 millis")) })
 *   )
 *   return yield* client.get("/v2/companies").pipe(Effect.timeout("30 seconds"))
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const authenticate = (
  provider: TokenProvider.TokenProvider["Type"]
): <E, R>(client: HttpClient.HttpClient.With<E, R>) => HttpClient.HttpClient.With<E | AuthError, R> =>
  authenticateWith(provider)

/**
 * The client of an existing `TokenProvider`.
 *
 * @see {@link layer} for the client and its provider
 * @category layers
 * @since 0.1.0
 */
// Fresh, like `layerHttpClient`, because a memoised layer in a `LayerMap` would give the client of the first tenant to
// all tenants.
export const layerProvider: Layer.Layer<
  SpotnanaHttpClient,
  never,
  TokenProvider.TokenProvider | HttpClient.HttpClient
> = /* #__PURE__ */ Layer.fresh(
  /* #__PURE__ */ Layer.effect(
    SpotnanaHttpClient,
    /* #__PURE__ */ Effect.gen(function*() {
      const provider = yield* TokenProvider.TokenProvider
      return authenticate(provider)(yield* HttpClient.HttpClient)
    })
  )
)

const layerOf = <Eager extends boolean | "background", E, R>(
  options: Options<Eager> | undefined,
  credentials: Effect.Effect<Credentials.Credentials["Type"], E, R>,
  environment: Effect.Effect<Environment.Environment | undefined, E> = Effect.succeed(options?.environment)
): Layer.Layer<
  SpotnanaHttpClient | TokenProvider.TokenProvider,
  E | (true extends Eager ? AuthError : never),
  HttpClient.HttpClient | R
> =>
  // It fails only if `eager` is true. The type above says so, but the compiler cannot check it.
  Layer.scopedContext(
    Effect.gen(function*() {
      const endpoint = yield* TokenEndpoint.make({ ...options, environment: yield* environment })
      const provider = yield* makeProvider(options ?? {}, { credentials: yield* credentials, endpoint })
      const client = authenticate(provider)(yield* HttpClient.HttpClient)
      return Context.make(SpotnanaHttpClient, client).pipe(Context.add(TokenProvider.TokenProvider, provider))
    })
  ) as Layer.Layer<
    SpotnanaHttpClient | TokenProvider.TokenProvider,
    E | (true extends Eager ? AuthError : never),
    HttpClient.HttpClient | R
  >

/**
 * The client and its provider, with credentials from a `Credentials` service.
 *
 * **When to use**
 *
 * Use if the secret is in a vault or is rotated while the program runs.
 *
 * **Example** (A client whose secret may change)
 *
 * ```ts
 * import { Credentials, Environment, SpotnanaHttpClient } from "@effect-spotnana/effect3"
 * import { Effect, Layer } from "effect"
 * import { FetchHttpClient } from "@effect/platform"
 *
 * declare const readVault: Effect.Effect<Credentials.ClientCredentials, Error>
 *
 * const Auth = SpotnanaHttpClient.layerCredentials({ environment: Environment.sandbox }).pipe(
 *   Layer.provide(Layer.succeed(Credentials.Credentials, { current: readVault })),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @see {@link layer} for credentials that never change
 * @category layers
 * @since 0.1.0
 */
export const layerCredentials = <const Eager extends boolean | "background" = false>(
  options?: Options<Eager>
): Layer.Layer<
  SpotnanaHttpClient | TokenProvider.TokenProvider,
  true extends Eager ? AuthError : never,
  Credentials.Credentials | HttpClient.HttpClient
> => layerOf(options, Credentials.Credentials)

/**
 * The client and its provider, from values.
 *
 * **Details**
 *
 * The layer's error channel is empty unless `eager` is `true`: then the first
 * token is acquired when the layer is built, and the layer fails if that fails.
 * With `eager: "background"` the layer starts to acquire it and does not wait. An
 * error shows in the first call and in the log.
 *
 * **Example** (Failing at start-up when the credentials are wrong)
 *
 * ```ts
 * import { Environment, SpotnanaHttpClient } from "@effect-spotnana/effect3"
 * import { Layer, Redacted } from "effect"
 * import { FetchHttpClient } from "@effect/platform"
 *
 * const Auth = SpotnanaHttpClient.layer({
 *   clientId: "1ddj3hs95to28iag7m4hl9lv2",
 *   clientSecret: Redacted.make("…"),
 *   environment: Environment.sandbox,
 *   eager: true
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <const Eager extends boolean | "background" = false>(
  options: Options<Eager> & Credentials.ClientCredentials
): Layer.Layer<
  SpotnanaHttpClient | TokenProvider.TokenProvider,
  true extends Eager ? AuthError : never,
  HttpClient.HttpClient
> => layerOf(options, Effect.succeed({ current: Effect.succeed(options) }))

/**
 * The client and its provider, from configuration.
 *
 * **Details**
 *
 * Reads `SPOTNANA_CLIENT_ID`, `SPOTNANA_CLIENT_SECRET`, `SPOTNANA_ENVIRONMENT`
 * (`production`, the default, or `sandbox`) and `SPOTNANA_BASE_URL`, which
 * overrides its address. `options` set everything else. An `environment` or
 * `credentials` in them replaces the variables. If a variable is missing or
 * wrong, the layer fails with a `ConfigError` that names it, says what was
 * expected, and contains no secret.
 *
 * **Example** (The variables of one tenant)
 *
 * ```ts
 * import { Credentials, SpotnanaHttpClient } from "@effect-spotnana/effect3"
 * import { Config } from "effect"
 *
 * // Reads ACME_SPOTNANA_CLIENT_ID and ACME_SPOTNANA_CLIENT_SECRET.
 * const Acme = SpotnanaHttpClient.layerConfig({ credentials: Config.nested(Credentials.config, "ACME") })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = <const Eager extends boolean | "background" = false>(
  options?: Options<Eager> & {
    /** Where the credentials are in the configuration. Default: `Credentials.config`. */
    readonly credentials?: Config.Config<Credentials.ClientCredentials> | undefined
  }
): Layer.Layer<
  SpotnanaHttpClient | TokenProvider.TokenProvider,
  ConfigError.ConfigError | (true extends Eager ? AuthError : never),
  HttpClient.HttpClient
> =>
  layerOf<Eager, ConfigError.ConfigError, never>(
    options,
    currentConfig(options?.credentials ?? Credentials.config),
    options?.environment === undefined ? Environment.config : Effect.succeed(options.environment)
  )

const foldErrors = (client: SpotnanaHttpClient["Type"]): HttpClient.HttpClient =>
  // The type of `transform` keeps the errors of the original client. All errors of this library come from there, and
  // are wrapped here.
  HttpClient.transform(client, (response, request) =>
    Effect.mapError(response, (error) =>
      isAuthError(error) ? toHttpClientError(error, request) : error)) as HttpClient.HttpClient

/**
 * The authenticated client under the tag of the plain `HttpClient`, for
 * generated clients and `HttpApiClient`.
 *
 * **Details**
 *
 * This library's errors are wrapped in an `HttpClientError` that is not transient.
 * `AuthError.fromHttpClientError` returns the complete error.
 *
 * **Gotchas**
 *
 * It replaces the `HttpClient` for every origin. Provide it to the client that
 * calls Spotnana, not to the whole application.
 *
 * **Example** (A client that is derived from an `HttpApi`)
 *
 * ```ts
 * import { SpotnanaHttpClient } from "@effect-spotnana/effect3"
 * import { Effect, Layer, Schema } from "effect"
 * import { FetchHttpClient } from "@effect/platform"
 * import { HttpApi, HttpApiClient, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
 *
 * const Api = HttpApi.make("Spotnana").add(
 *   HttpApiGroup.make("companies").add(
 *     HttpApiEndpoint.get("list")`/v2/companies`.addSuccess(Schema.Struct({ totalNumResults: Schema.Int }))
 *   )
 * )
 *
 * const Plain = SpotnanaHttpClient.layerHttpClient.pipe(
 *   Layer.provide(SpotnanaHttpClient.layerConfig()),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const client = yield* HttpApiClient.make(Api)
 *   return yield* client.companies.list()
 * }).pipe(Effect.provide(Plain))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, SpotnanaHttpClient> = /* #__PURE__ */ Layer
  .fresh(
    /* #__PURE__ */ Layer.effect(HttpClient.HttpClient, /* #__PURE__ */ Effect.map(SpotnanaHttpClient, foldErrors))
  )
