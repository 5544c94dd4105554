/**
 * A route for your backend that gives tokens to a page that embeds Spotnana.
 *
 * Spotnana's page, in an iframe of your page, requests an access token and a refresh
 * token of the user. Your page calls this route, which exchanges the user's token
 * for them (RFC 8693).
 *
 * **Each request makes one token exchange.** Its tokens are sent once, to the page
 * that requested them, and are not kept. They are neither cached nor shared between
 * two pages of a user, even if both request them at the same time: servers may
 * replace a refresh token at each use and revoke the whole grant when an old one is
 * used (RFC 9700 §4.14.2), so two pages with the same one would sign each other out.
 * No `TokenStore` is used, even if there is one.
 *
 * **The token endpoint is rate limited, for all users together.** So each process
 * makes at most 10 exchanges a minute for a user (`perMinute`), and a user who
 * reloads without end does not affect other users. After a failure that is not about
 * the user, no request is made for any user during a backoff. The backoff is up to
 * a second at first. It grows with each further failure, up to a minute, and
 * lasts at least until `Retry-After` has passed.
 *
 * **Only `POST`, and only from pages of the route's own origin.** The session is
 * in a cookie, so any page of the web can make a browser send the request with
 * it. A `GET` may also be sent by a link, an image or a prefetch, and may be
 * stored in caches and in the history. `Sec-Fetch-Site`, or in older browsers
 * `Origin`, says which page sent the request. A request from another origin is
 * refused before the session is read. The route sets no CORS headers, and refuses
 * such a request even if a middleware of the application sets them.
 *
 * @since 0.1.0
 */
import { checked, count } from "@effect-spotnana/engine/Options"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import { isTransient, retryAfter } from "./AuthError.ts"
import type { AuthError } from "./AuthError.ts"
import { Credentials } from "./Credentials.ts"
import { makeAllowance, makeBackoff } from "./internal/embedTokens/limits.ts"
import { isSameOrigin } from "./internal/embedTokens/sameOrigin.ts"
import { currentInstant } from "./internal/instant.ts"
import { checkExchange } from "./internal/tokenExchange/options.ts"
import * as TokenEndpoint from "./TokenEndpoint.ts"
import * as TokenExchange from "./TokenExchange.ts"
import { TokenStore } from "./TokenStore.ts"

/**
 * Nobody is signed in. The answer is 401.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotSignedIn extends Data.TaggedError("NotSignedIn") {}

/**
 * The user who is signed in may not use Spotnana. The answer is 403.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotAllowed extends Data.TaggedError("NotAllowed") {}

/**
 * The user of a request, and the user's token.
 *
 * @category models
 * @since 0.1.0
 */
export interface Session {
  /** Identifies the user, like `user` of `TokenExchange.Options`. */
  readonly user: string
  /**
   * Gives the user's token, which is sent only to the token endpoint. It may fail with any error: the page then gets
   * 503. The message of the error is logged: keep secrets out of it.
   */
  readonly subjectToken: TokenExchange.Options["subjectToken"]
}

/**
 * How the route finds the user and requests the tokens.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out R = never>
  extends TokenEndpoint.Options, Pick<TokenExchange.Options, "subjectTokenType" | "rejectsSubject">
{
  /** Finds the user of the request, for example by the cookie of the application's own session. */
  readonly session: Effect.Effect<Session, NotSignedIn | NotAllowed, R>
  /** Default: `/spotnana/embed-tokens`. */
  readonly path?: HttpRouter.PathInput | undefined
  /**
   * How many token exchanges a user may cause in a minute, in this process: at least 1. Default: 10. An exchange with a
   * transient failure is tried once more.
   */
  readonly perMinute?: number | undefined
}

/**
 * The `error` of an answer without tokens.
 *
 * @category models
 * @since 0.1.0
 */
export type Refusal =
  | "NotSignedIn"
  | "NotAllowed"
  | "OtherOrigin"
  | "SubjectTokenRejected"
  | "TooManyRequests"
  | "Unavailable"
  | "Misconfigured"

const statuses: Readonly<Record<Refusal, number>> = {
  NotSignedIn: 401,
  NotAllowed: 403,
  OtherOrigin: 403,
  SubjectTokenRejected: 403,
  TooManyRequests: 429,
  Misconfigured: 500,
  Unavailable: 503
}

const headers = {
  "cache-control": "no-store",
  vary: "Cookie, Origin, Sec-Fetch-Site",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff"
}

const refuse = (error: Refusal, waitMillis = 0): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe({ error }, {
    status: statuses[error],
    headers: waitMillis > 0 ? { ...headers, "retry-after": `${Math.ceil(waitMillis / 1_000)}` } : headers
  })

// The answer for the page. Here the tokens leave the program.
const tokens = ({ refreshToken, value }: TokenExchange.UserToken): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { accessToken: Redacted.value(value), refreshToken: refreshToken && Redacted.value(refreshToken) },
    { headers }
  )

/**
 * Whether the source of the user's token failed. Then no token request was made, so it says nothing about the token
 * endpoint.
 */
const isOfSource = (error: AuthError): boolean =>
  error._tag === "TokenEndpointUnavailable" && error.reason === "CredentialsSource"

// A second attempt helps if the server has just closed a kept-alive connection.
const refresh = { mode: "onDemand", attempts: 2 } as const

const makeExchange = <R>(options: Options<R>): Effect.Effect<
  (session: Session) => Effect.Effect<TokenExchange.UserToken, TokenExchange.UserAuthError>,
  never,
  Credentials | HttpClient.HttpClient
> =>
  Effect.gen(function*() {
    const { audience, clientAuthentication, environment, maxBodySize, parameters, scope, timeout } = options
    const endpoint = { audience, clientAuthentication, environment, maxBodySize, parameters, scope, timeout }
    // Checks the options at start-up.
    yield* TokenEndpoint.make(endpoint)
    checkExchange(options)
    const services = Context.make(Credentials, yield* Credentials).pipe(
      Context.add(HttpClient.HttpClient, yield* HttpClient.HttpClient)
    )
    const { rejectsSubject, subjectTokenType } = options
    return (session) =>
      Effect.gen(function*() {
        const { subjectToken, user } = session
        const client = yield* Layer.build(
          TokenExchange.layer({ ...endpoint, subjectTokenType, rejectsSubject, user, subjectToken, refresh })
        )
        return yield* Context.get(client, TokenExchange.UserTokenProvider).get
      }).pipe(
        Effect.scoped,
        Effect.provide(services),
        Effect.updateContext((context: Context.Context<never>) => Context.omit(TokenStore)(context))
      )
  })

const makeAnswer = <R>(options: Options<R>) =>
  Effect.gen(function*() {
    checked("EmbedTokens.session", typeof options.session, Effect.isEffect(options.session), "an Effect")
    const allowance = makeAllowance(count("EmbedTokens.perMinute", options.perMinute ?? 10))
    const backoff = makeBackoff<Refusal>()
    const exchange = yield* makeExchange(options)

    const failed = (error: TokenExchange.UserAuthError) =>
      Effect.gen(function*() {
        if (error._tag === "SubjectTokenRejected") return refuse("SubjectTokenRejected")
        const refusal = isTransient(error) ? "Unavailable" : "Misconfigured"
        const after = Option.match(retryAfter(error), { onNone: () => undefined, onSome: Duration.toMillis })
        if (isOfSource(error)) return refuse(refusal, after)
        const now = yield* currentInstant
        backoff.failed(refusal, after, now, yield* Random.next)
        return refuse(refusal, backoff.current(now)?.millis)
      })

    return Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      if (!isSameOrigin(request.headers)) return refuse("OtherOrigin")
      const session = yield* options.session
      const now = yield* currentInstant
      const pause = backoff.current(now)
      if (pause !== undefined) return refuse(pause.failure, pause.millis)
      const wait = allowance.take(session.user, now)
      if (wait > 0) return refuse("TooManyRequests", wait)
      return yield* Effect.matchEffect(exchange(session), {
        onFailure: failed,
        onSuccess: (token) => {
          backoff.succeeded()
          return Effect.succeed(tokens(token))
        }
      })
    }).pipe(
      // Not every error: that of a session in JavaScript, or of the type `any`, is for the application's server.
      Effect.catchTag(["NotSignedIn", "NotAllowed"], ({ _tag }) => Effect.succeed(refuse(_tag)))
    )
  })

/**
 * Answers `POST` with the tokens of the user who sent the request, as JSON: `{
 * accessToken, refreshToken }`.
 *
 * **Details**
 *
 * `refreshToken` is absent if the token endpoint gave none. Every answer has
 * `Cache-Control: no-store`. An answer without tokens has the body `{ error }`,
 * without any text of the token endpoint:
 *
 * | status | `error` | cause |
 * | --- | --- | --- |
 * | 401 | `NotSignedIn` | `session` failed with it |
 * | 403 | `NotAllowed` | `session` failed with it |
 * | 403 | `OtherOrigin` | the request is from a page of another origin, or not from a page |
 * | 403 | `SubjectTokenRejected` | the token endpoint refused the user's token: sign the user in again |
 * | 429 | `TooManyRequests` | this user has used all exchanges of this minute; `Retry-After` |
 * | 500 | `Misconfigured` | the client's own credentials are refused; `Retry-After` |
 * | 503 | `Unavailable` | the token endpoint, or the source of a token, gives no usable answer; `Retry-After` |
 *
 * The logs and metrics are those of `TokenExchange`: each failure is a line with
 * its cause and `debugIdentifier`, without a token.
 *
 * An option that is out of its range is a defect (`RangeError`), because it is a
 * mistake in the program.
 *
 * **Gotchas**
 *
 * The page and the route must have the same origin. A proxy in front of the
 * server must forward `Sec-Fetch-Site`, `Origin` and `Host`.
 *
 * **Example** (The backend of a page)
 *
 * ```ts
 * import { EmbedTokens } from "@effect-spotnana/core"
 * import { Effect, Redacted } from "effect"
 * import { HttpServerRequest } from "effect/http"
 *
 * declare const userOf: (cookie: string | undefined) => Effect.Effect<string | undefined>
 * declare const accessTokenOf: (user: string) => Effect.Effect<Redacted.Redacted, Error>
 *
 * const session = Effect.gen(function*() {
 *   const { cookies } = yield* HttpServerRequest.HttpServerRequest
 *   const user = yield* userOf(cookies["session"])
 *   return user === undefined
 *     ? yield* new EmbedTokens.NotSignedIn()
 *     : { user, subjectToken: accessTokenOf(user) }
 * })
 *
 * const EmbedTokensRoute = EmbedTokens.layer({ session })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R = never>(
  options: Options<R>
): Layer.Layer<
  never,
  never,
  | HttpRouter.HttpRouter
  | Credentials
  | HttpClient.HttpClient
  | HttpRouter.Request.From<"Requires", Exclude<R, HttpRouter.Provided>>
> =>
  Layer.unwrap(
    Effect.map(
      makeAnswer(options),
      (answer) => HttpRouter.add("POST", options.path ?? "/spotnana/embed-tokens", answer)
    )
  )
