/**
 * Acting for a user: the client of one user. The user's token at your application
 * is exchanged for a Spotnana token of that user (RFC 8693).
 *
 * @since 0.1.0
 */
import { checked } from "@effect-spotnana/engine/Options"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as AccessToken from "./AccessToken.ts"
import { isAuthError, toHttpClientError } from "./AuthError.ts"
import type { AuthError, InvalidCredentials } from "./AuthError.ts"
import { Credentials } from "./Credentials.ts"
import { authenticateWith } from "./internal/httpClient/authenticate.ts"
import * as Errors from "./internal/tokenExchange/errors.ts"
import { checkExchange } from "./internal/tokenExchange/options.ts"
import { makeUserEndpoint, userCredentials } from "./internal/tokenExchange/userEndpoint.ts"
import { UserTelemetry } from "./internal/tokenExchange/userTelemetry.ts"
import { makeShell, serviceOf } from "./internal/tokenProvider/make.ts"
import type * as TokenEndpoint from "./TokenEndpoint.ts"
import type * as TokenProvider from "./TokenProvider.ts"

export { isUserAuthError, rejectsSubject, SubjectTokenRejected } from "./internal/tokenExchange/errors.ts"
export type { UserAuthError } from "./internal/tokenExchange/errors.ts"

/**
 * The `subjectTokenType` of an access token (RFC 8693 §3): the user's own token
 * at the application. Spotnana presents it to an endpoint of the application.
 *
 * @category constants
 * @since 0.1.0
 */
export const accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

/**
 * The `subjectTokenType` of a JSON Web Token (RFC 8693 §3).
 *
 * **Gotchas**
 *
 * Spotnana's documentation does not say whether it expects this type or {@link
 * accessTokenType} for a JWT that the application signed: find out in the
 * sandbox.
 *
 * @category constants
 * @since 0.1.0
 */
export const jwtType = "urn:ietf:params:oauth:token-type:jwt"

/**
 * The user, and how the user's token is exchanged.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<Eager extends boolean | "background" = boolean | "background">
  extends TokenEndpoint.Options, TokenProvider.Options<Eager>
{
  /**
   * Identifies the user: an id that never changes and that another user never gets. A `TokenStore` uses it to keep
   * users apart. It is not a secret: it is shown in `SubjectTokenRejected`.
   */
  readonly user: string
  /**
   * Gives the user's token, which is sent only to the token endpoint. It is read at each acquisition, so it should give
   * a token that is valid at that time. It may fail with any error. Callers without a token then get
   * `TokenEndpointUnavailable` with the reason `CredentialsSource`, and it is read again with backoff. Keep secrets out
   * of the message of its error.
   */
  readonly subjectToken: Effect.Effect<Redacted.Redacted, unknown>
  /** The type of that token (RFC 8693 §3). Default: {@link accessTokenType}. */
  readonly subjectTokenType?: string | undefined
  /** `scope`: space-delimited (RFC 6749 §3.3). Default: `openid`. */
  readonly scope?: string | undefined
  /**
   * Tells whether a refusal is about the user's token, for a server that answers with its own codes. Default: {@link
   * rejectsSubject}.
   */
  readonly rejectsSubject?: ((error: InvalidCredentials) => boolean) | undefined
}

/**
 * The client of one user: like `SpotnanaHttpClient`, but each of its requests is
 * made for that user.
 *
 * **Details**
 *
 * It has another tag than the application's own client, so that a call for a user is
 * not made for the application by mistake.
 *
 * @see {@link layer} to make one
 * @category services
 * @since 0.1.0
 */
export class UserHttpClient extends Context.Service<
  UserHttpClient,
  HttpClient.HttpClient.With<HttpClientError.HttpClientError | Errors.UserAuthError>
>()("@effect-spotnana/core/TokenExchange/UserHttpClient") {}

/**
 * The tokens of one user.
 *
 * @category models
 * @since 0.1.0
 */
export interface UserToken extends AccessToken.AccessToken {
  /**
   * The refresh token that came with the access token, for the page that embeds Spotnana. The library itself neither
   * uses nor stores it. It is absent if the answer had none, and if another process exchanged the token and this
   * process got it from a `TokenStore`.
   */
  readonly refreshToken: Redacted.Redacted | undefined
}

/**
 * The state of the provider of a user's token. It contains no secret.
 *
 * @category models
 * @since 0.1.0
 */
export interface UserStatus extends Omit<TokenProvider.Status, "lastError"> {
  /** The last failure since the last success. */
  readonly lastError: Errors.UserAuthError | undefined
}

/**
 * Hands out the tokens of one user.
 *
 * **When to use**
 *
 * Use in the backend of a page that embeds Spotnana, which needs the access token
 * and the refresh token.
 *
 * **Example** (What the page gets)
 *
 * ```ts
 * import { TokenExchange } from "@effect-spotnana/core"
 * import { Effect, Redacted } from "effect"
 *
 * const payload = Effect.gen(function*() {
 *   const provider = yield* TokenExchange.UserTokenProvider
 *   const { refreshToken, value } = yield* provider.get
 *   return {
 *     accessToken: Redacted.value(value),
 *     refreshToken: refreshToken && Redacted.value(refreshToken)
 *   }
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class UserTokenProvider extends Context.Service<UserTokenProvider, {
  /** The tokens that are valid now: those in use, or those of the one acquisition that all callers wait for. */
  readonly get: Effect.Effect<UserToken, Errors.UserAuthError>
  /** The state of the provider. */
  readonly status: Effect.Effect<UserStatus>
  /**
   * `status` now, and after every acquisition, failure and rejection. A reader that is more than 64 changes behind
   * misses some.
   */
  readonly changes: Stream.Stream<UserStatus>
}>()("@effect-spotnana/core/TokenExchange/UserTokenProvider") {}

const checkOptions = ({ subjectToken, user, ...options }: Options): void => {
  checked("TokenExchange.user", user, Predicate.isString(user) && user !== "", "a text that is not empty")
  // Only its type is shown: by mistake, it may be the token itself.
  checked("TokenExchange.subjectToken", typeof subjectToken, Effect.isEffect(subjectToken), "an Effect")
  checkExchange(options)
}

/** The refresh tokens of the last two exchanges: of the token in use, and of the next one before it is in use. */
const makeRefreshTokens = () => {
  type Exchanged = readonly [token: AccessToken.AccessToken, refreshToken: Redacted.Redacted | undefined]
  let exchanged: ReadonlyArray<Exchanged> = []
  return {
    add: (...last: Exchanged) => {
      exchanged = [last, ...exchanged.slice(0, 1)]
    },
    // Compared by value, because a server may issue the same access token with another refresh token. The last one
    // counts.
    of: (token: AccessToken.AccessToken) => exchanged.find(([known]) => AccessToken.equals(known, token))?.[1]
  }
}

/**
 * The client of one user and its tokens, with the application's own credentials
 * from a `Credentials` service.
 *
 * **When to use**
 *
 * Use to call Spotnana for one traveller, or in the backend of a page that embeds
 * Spotnana. For many users put it into a `LayerMap`.
 *
 * **Details**
 *
 * The lifecycle is that of `SpotnanaHttpClient`: one acquisition for all callers,
 * renewal ahead of expiry, replacement after a 401, backoff. Each acquisition
 * reads the client's credentials and the user's token, and sends one token
 * request (RFC 8693 §2.1). With a `TokenStore`, processes share the access token
 * of each user.
 *
 * A user whose token is refused gets `SubjectTokenRejected`, and no other user is
 * affected. `InvalidCredentials` is about the client's own credentials.
 *
 * An option that is out of its range is a defect (`RangeError`), because it is a
 * mistake in the program.
 *
 * **Example** (Many users at a time)
 *
 * ```ts
 * import { Credentials, TokenExchange } from "@effect-spotnana/core"
 * import { Effect, LayerMap, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * declare const accessTokenOf: (user: string) => Effect.Effect<string, Error>
 *
 * class Users extends LayerMap.Service<Users>()("app/Users", {
 *   lookup: (user: string) =>
 *     TokenExchange.layer({ user, subjectToken: Effect.map(accessTokenOf(user), (token) => Redacted.make(token)) }),
 *   dependencies: [FetchHttpClient.layer, Credentials.layerConfig()],
 *   idleTimeToLive: "15 minutes"
 * }) {}
 *
 * const trips = TokenExchange.UserHttpClient.use((spotnana) => spotnana.get("/v2/trips"))
 *
 * const tripsOf = (user: string) => Effect.provide(trips, Users.get(user))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <const Eager extends boolean | "background" = false>(
  options: Options<Eager>
): Layer.Layer<
  UserHttpClient | UserTokenProvider,
  true extends Eager ? Errors.UserAuthError : never,
  Credentials | HttpClient.HttpClient
> => {
  const toUserError = Errors.makeToUserError(options.user, options.rejectsSubject ?? Errors.rejectsSubject)
  const toUserStatus = ({ lastError, ...status }: TokenProvider.Status): UserStatus => ({
    ...status,
    lastError: lastError === undefined ? undefined : toUserError(lastError)
  })
  // One layer. With several layers, each of thousands of users would need a kilobyte more for each layer. It fails only
  // if `eager` is true. The type says so, but the compiler cannot check it.
  return Layer.fromBuildMemo((_, scope) =>
    Effect.gen(function*() {
      checkOptions(options)
      const { scope: oauthScope = "openid", subjectTokenType = accessTokenType, user } = options
      const refreshTokens = makeRefreshTokens()
      const endpoint = yield* makeUserEndpoint({
        options: { ...options, scope: oauthScope },
        user,
        subjectTokenType,
        exchanged: refreshTokens.add
      })
      const shell = yield* makeShell(options, {
        credentials: userCredentials(yield* Credentials, options.subjectToken),
        endpoint,
        context: yield* Effect.context(),
        scope,
        telemetry: UserTelemetry.bind(undefined, toUserError)
      })
      const client = HttpClient.transform(
        authenticateWith(endpoint.environment, shell, yield* HttpClient.HttpClient),
        Effect.mapError((error) => isAuthError(error) ? toUserError(error) : error)
      )
      const provider = serviceOf(endpoint.environment, shell)
      return Context.make(UserHttpClient, client).pipe(
        Context.add(UserTokenProvider, {
          get: Effect.mapBoth(provider.get, {
            onFailure: toUserError,
            onSuccess: (token) => ({ ...token, refreshToken: refreshTokens.of(token) })
          }),
          status: Effect.map(provider.status, toUserStatus),
          changes: Stream.map(provider.changes, toUserStatus)
        })
      )
    }).pipe(Effect.mapError(toUserError))
  ) as Layer.Layer<
    UserHttpClient | UserTokenProvider,
    true extends Eager ? Errors.UserAuthError : never,
    Credentials | HttpClient.HttpClient
  >
}

const foldErrors = (client: UserHttpClient["Service"]): HttpClient.HttpClient =>
  // The type of `transform` keeps the errors of the original client. All errors of this library come from there, and
  // are wrapped here. The wrapping needs only their tags and messages.
  HttpClient.transform(client, (response, request) =>
    Effect.mapError(response, (error) =>
      Errors.isUserAuthError(error) ? toHttpClientError(error as AuthError, request) : error)) as HttpClient.HttpClient

/**
 * The client of one user under the tag of the plain `HttpClient`, for generated
 * clients and `HttpApiClient`.
 *
 * **Details**
 *
 * This library's errors are wrapped in an `HttpClientError` that is not transient.
 * {@link fromHttpClientError} returns the complete error.
 *
 * **Gotchas**
 *
 * It replaces the `HttpClient` for every origin. Provide it to the client that
 * calls Spotnana, not to the whole application.
 *
 * **Example** (A generated client for one user)
 *
 * ```ts
 * import { TokenExchange } from "@effect-spotnana/core"
 * import { Effect, Layer, Redacted } from "effect"
 * import { HttpClient } from "effect/http"
 *
 * declare const subjectToken: Effect.Effect<Redacted.Redacted, Error>
 *
 * const Plain = TokenExchange.layerHttpClient.pipe(
 *   Layer.provide(TokenExchange.layer({ user: "7d0f", subjectToken }))
 * )
 *
 * const program = Effect.provide(HttpClient.get("/v2/trips"), Plain)
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, UserHttpClient> = /* #__PURE__ */ Layer
  .fresh(
    /* #__PURE__ */ Layer.effect(HttpClient.HttpClient, /* #__PURE__ */ Effect.map(UserHttpClient, foldErrors))
  )

/**
 * Returns the complete error of this library that an `HttpClientError` of {@link
 * layerHttpClient} wraps.
 *
 * **Example** (Signing a user in again behind a generated client)
 *
 * ```ts
 * import { TokenExchange } from "@effect-spotnana/core"
 * import { Effect, Option } from "effect"
 * import { HttpClient } from "effect/http"
 *
 * declare const signInAgain: (user: string) => Effect.Effect<void>
 *
 * const program = HttpClient.get("/v2/trips").pipe(
 *   Effect.tapError((error) => {
 *     const ours = Option.getOrUndefined(TokenExchange.fromHttpClientError(error))
 *     return ours?._tag === "SubjectTokenRejected" ? signInAgain(ours.user) : Effect.void
 *   })
 * )
 * ```
 *
 * @category converting
 * @since 0.1.0
 */
export const fromHttpClientError = (error: unknown): Option.Option<Errors.UserAuthError> =>
  HttpClientError.isHttpClientError(error) && Errors.isUserAuthError(error.cause)
    ? Option.some(error.cause)
    : Option.none()
