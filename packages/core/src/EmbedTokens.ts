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
 * lasts at least until `Retry-After` has passed. After it, one request is made,
 * and no other one until its result is known.
 *
 * **An exchange continues after its page is closed**, until there is a result or
 * its `timeout` has passed. So a token endpoint that does not answer begins a
 * backoff, even if no page waits that long.
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
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import { isTransient, retryAfter } from "./AuthError.ts"
import { Credentials } from "./Credentials.ts"
import { makeAllowance, makeBackoff } from "./internal/embedTokens/limits.ts"
import type { Refused, Sent } from "./internal/embedTokens/limits.ts"
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

type BeforeRequest = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<void, HttpClientError.HttpClientError>

// Each attempt makes one request.
const refresh = { mode: "onDemand", attempts: 1 } as const

const makeExchange = <R>(options: Options<R>): Effect.Effect<
  (
    session: Session,
    beforeRequest: BeforeRequest
  ) => Effect.Effect<TokenExchange.UserToken, TokenExchange.UserAuthError>,
  never,
  Credentials | HttpClient.HttpClient
> =>
  Effect.gen(function*() {
    const { audience, clientAuthentication, environment, maxBodySize, parameters, scope, timeout } = options
    const endpoint = { audience, clientAuthentication, environment, maxBodySize, parameters, scope, timeout }
    // Checks the options at start-up.
    yield* TokenEndpoint.make(endpoint)
    checkExchange(options)
    const credentials = yield* Credentials
    const httpClient = yield* HttpClient.HttpClient
    const { rejectsSubject, subjectTokenType } = options
    return (session, beforeRequest) =>
      Effect.gen(function*() {
        const { subjectToken, user } = session
        const client = yield* Layer.build(
          TokenExchange.layer({ ...endpoint, subjectTokenType, rejectsSubject, user, subjectToken, refresh })
        )
        return yield* Context.get(client, TokenExchange.UserTokenProvider).get
      }).pipe(
        Effect.scoped,
        Effect.provideService(Credentials, credentials),
        Effect.provideService(
          HttpClient.HttpClient,
          HttpClient.transform(httpClient, (response, request) => Effect.andThen(beforeRequest(request), response))
        ),
        Effect.updateContext((context: Context.Context<never>) => Context.omit(TokenStore)(context))
      )
  })

const notSent = (request: HttpClientRequest.HttpClientRequest) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request,
      cause: new Error("the request was not sent, because one for another user failed")
    })
  })

// A second attempt helps if the server has just closed a kept-alive connection. A page does not wait longer for it.
const longestWait = 5_000

/** Makes a second attempt after a transient failure, if that is possible soon. */
const twice = <A>(attempt: Effect.Effect<A, Refused<Refusal>>): Effect.Effect<A, Refused<Refusal>> =>
  Effect.catch(attempt, (refused) =>
    refused.failure === "Unavailable" && refused.millis <= longestWait
      ? Effect.delay(attempt, refused.millis)
      : Effect.fail(refused))

const makeAnswer = <R>(options: Options<R>) =>
  Effect.gen(function*() {
    checked("EmbedTokens.session", typeof options.session, Effect.isEffect(options.session), "an Effect")
    const allowance = makeAllowance(count("EmbedTokens.perMinute", options.perMinute ?? 10))
    const backoff = makeBackoff<Refusal>()
    const exchange = yield* makeExchange(options)
    const scope = yield* Effect.scope

    /** One token exchange, with at most one request. It asks the backoff, and reports its result to it. */
    const attempt = (session: Session) =>
      Effect.suspend(() => {
        let sent: Sent | undefined
        const beforeRequest: BeforeRequest = (request) =>
          Effect.flatMap(currentInstant, (now) => {
            if (backoff.refused(now) !== undefined) return Effect.fail(notSent(request))
            sent = backoff.sent()
            return Effect.void
          })
        const failed = Effect.fnUntraced(function*(error: TokenExchange.UserAuthError) {
          if (error._tag === "SubjectTokenRejected") {
            backoff.succeeded()
            return yield* Effect.fail<Refused<Refusal>>({ failure: error._tag, millis: 0 })
          }
          const failure = isTransient(error) ? "Unavailable" : "Misconfigured"
          const after = Option.match(retryAfter(error), { onNone: () => 0, onSome: Duration.toMillis })
          const now = yield* currentInstant
          // Without a request, the failure says nothing about the token endpoint: the source of a token failed.
          if (sent !== undefined) backoff.failed(sent, failure, after, now, yield* Random.next)
          return yield* Effect.fail<Refused<Refusal>>(backoff.refused(now) ?? { failure, millis: after })
        })
        return Effect.matchEffect(exchange(session, beforeRequest), {
          onFailure: failed,
          onSuccess: (token) => {
            backoff.succeeded()
            return Effect.succeed(tokens(token))
          }
        }).pipe(Effect.ensuring(Effect.sync(() => backoff.ended(sent))))
      }).pipe(
        // It goes on when its page is closed: otherwise pages that are closed early would hide that the token endpoint
        // does not answer. The `timeout` ends it.
        Effect.forkIn(scope),
        Effect.flatMap(Fiber.join)
      )

    return Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      if (!isSameOrigin(request.headers)) return refuse("OtherOrigin")
      const session = yield* options.session
      const now = yield* currentInstant
      const refused = backoff.refused(now)
      if (refused !== undefined) return refuse(refused.failure, refused.millis)
      const wait = allowance.take(session.user, now)
      if (wait > 0) return refuse("TooManyRequests", wait)
      return yield* Effect.catch(
        twice(attempt(session)),
        ({ failure, millis }) => Effect.succeed(refuse(failure, millis))
      )
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
