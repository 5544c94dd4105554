import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { Headers, HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import type { HttpBody, HttpClientResponse } from "effect/http"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import type { AccessToken } from "../AccessToken.ts"
import { equals } from "../AccessToken.ts"
import type { AuthError } from "../AuthError.ts"
import { TokenExpired } from "../AuthError.ts"
import type { Environment } from "../Environment.ts"
import type { TokenProvider } from "../TokenProvider.ts"
import { bareError, bareResponse } from "./bare.ts"
import { Bearers } from "./bearers.ts"
import { readErrorBody } from "./body.ts"
import { errorBody } from "./errorBody.ts"
import * as metrics from "./metrics.ts"
import { tokenOf } from "./provider.ts"
import { userAgent } from "./userAgent.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

const scheme = /^[a-z][a-z0-9+.-]*:/i

const isAt = (origin: string, url: string): boolean =>
  // The slash ends the authority, so the prefix alone proves the origin. The rest is for other spellings of it.
  url.startsWith("/", origin.length) && url.startsWith(origin) || (URL.canParse(url) && new URL(url).origin === origin)

/**
 * Where a request goes at the API; undefined: it goes elsewhere. A relative URL is appended to the base. Appended, not
 * resolved: `//evil.example`, `\\evil.example` and `@evil.example` stay paths on the API's own host.
 */
const atHome = ({ baseUrl, origin }: Environment, url: string): string | undefined =>
  url.startsWith("/")
    ? baseUrl + url
    : !scheme.test(url)
    ? `${baseUrl}/${url}`
    : isAt(origin, url)
    ? url
    : undefined

/**
 * A platform may have followed a redirect by itself, without the bearer: what another host says is not about it. A
 * response that does not tell where it came from is from where it was asked for.
 */
const isFrom = (origin: string, response: Response): boolean => response.url === "" || isAt(origin, response.url)

/** Stream and raw bodies are gone once sent; resent, they would arrive empty and with success. */
const isReplayable = (body: HttpBody.HttpBody): boolean => body._tag !== "Stream" && body._tag !== "Raw"

/**
 * Whether a 401 is about the token (RFC 6750 §3.1): it is if it says so, and without a word, and with any word but the
 * two that are about something else.
 */
const rejectsToken = (response: Response): boolean => {
  const challenge = response.headers["www-authenticate"] ?? ""
  return /\berror\s*=\s*"?invalid_token\b/i.test(challenge) ||
    !/\bbearer\b.*?\berror\s*=\s*"?(insufficient_scope|invalid_request)\b/i.test(challenge)
}

/** The response behind an error: a client that filters statuses has already made an error of its 401. */
const filteredResponse = (error: unknown): Response | undefined =>
  HttpClientError.isHttpClientError(error) && error.reason._tag === "StatusCodeError"
    ? error.reason.response
    : undefined

const tokenExpired = (
  reason: "Rejected" | "NotReplayable",
  response: Response,
  secrets: ReadonlyArray<string>
): Effect.Effect<never, TokenExpired> =>
  Effect.flatMap(readErrorBody(response), (json) => {
    const { code, debugIdentifier, description } = errorBody(json, secrets)
    const said = description ?? code
    const about = `${response.request.method} answered 401${said === undefined ? "" : ` (${said})`}`
    return Effect.fail(
      new TokenExpired({
        reason,
        debugIdentifier,
        message: reason === "Rejected"
          ? `${about}, and a new token does not help. Check that the API user may call this API.`
          : `${about}, and the body of the request can be sent once only. The token is replaced: make the request again.`
      })
    )
  })

const unauthenticated = Headers.fromRecordUnsafe({ "user-agent": userAgent })

const complete = (request: Request, url: string, defaults: Headers.Headers): Request =>
  HttpClientRequest.makeWith(
    request.method,
    url,
    request.urlParams,
    request.hash,
    request.headers === Headers.empty ? defaults : Headers.merge(defaults, request.headers),
    request.body
  )

/**
 * Authenticates every request that goes to the provider's environment.
 *
 * The token is put in last, in postprocess: after whatever the caller's own combinators made of the request, anew
 * whenever they run it again, and only where the request really goes to the API's origin.
 */
export const authenticateWith = (provider: TokenProvider["Service"]) => {
  const { origin } = provider.environment
  const bearers = new Bearers()
  const withToken = tokenOf(provider)

  const isRejection = (response: Response, status = response.status): boolean =>
    status === 401 && isFrom(origin, response) && rejectsToken(response)

  const countReplay = Effect.suspend(() =>
    Metric.update(Metric.withAttributes(metrics.replays, { environment: provider.environment.name }), 1)
  )

  return <E, R>(client: HttpClient.HttpClient.With<E, R>): HttpClient.HttpClient.With<E | AuthError, R> => {
    type Sending = Effect.Effect<Response, E | AuthError, R>
    // What fails in the request's own effect comes out of postprocess as it is: its type has no word for that.
    const postprocess = client.postprocess as HttpClient.HttpClient.Postprocess<E | AuthError, R>

    type Requested = Effect.Effect<Request, E | AuthError, R>
    const rejected = (request: Requested, isReplay: boolean, response: Response, used: AccessToken): Sending =>
      Effect.andThen(
        provider.reject(used),
        isReplay ? tokenExpired("Rejected", response, bearers.secrets) : replay(request, response, used)
      )

    const exchange = (request: Requested, isReplay: boolean): Sending => {
      let isOurs = false
      // Where the request is known already there is one operation less. The token is never: each run asks for it.
      const authenticated = Effect.flatMapEager(request, (original): Effect.Effect<Request, AuthError> => {
        const url = atHome(provider.environment, original.url)
        if (url === undefined) return Effect.succeed(original)
        // An Authorization of the caller's own is left alone, and so is its 401.
        if ("authorization" in original.headers) return Effect.succeed(complete(original, url, unauthenticated))
        isOurs = true
        return withToken((token) => complete(original, url, bearers.of(token).headers))
      })
      return Effect.matchCauseEffect(postprocess(authenticated), {
        onSuccess: (original) => {
          const used = isOurs ? bearers.usedFor(original.request) : undefined
          if (used === undefined) return Effect.succeed(original)
          // Read once: the `Response` of a platform makes sure of itself each time, which is 0.05 µs.
          const { status } = original
          const response = bareResponse(original, status)
          return isRejection(original, status) ? rejected(request, isReplay, response, used) : Effect.succeed(response)
        },
        onFailure: (cause) => {
          const found = Cause.findError(cause)
          if (Result.isFailure(found)) return Effect.failCause(found.failure)
          const original = found.success
          const used = isOurs && HttpClientError.isHttpClientError(original)
            ? bearers.usedFor(original.request)
            : undefined
          if (used === undefined) return Effect.fail(original)
          const error = bareError(original)
          const response = filteredResponse(error)
          return response !== undefined && isRejection(response)
            ? rejected(request, isReplay, response, used)
            : Effect.fail(error)
        }
      })
    }

    const replay = (
      request: Effect.Effect<Request, E | AuthError, R>,
      response: Response,
      rejected: AccessToken
    ): Sending => {
      const notReplayable = tokenExpired("NotReplayable", response, bearers.secrets)
      if (!isReplayable(response.request.body)) return notReplayable
      // A redirect that was followed may have had another body than the request that it began with.
      const replayable = Effect.flatMap(
        request,
        (original) => isReplayable(original.body) ? Effect.succeed(original) : notReplayable
      )
      return Effect.flatMap(provider.get, (next) =>
        // The provider sees no use in yet another token: neither is there in sending this one again.
        equals(next, rejected)
          ? tokenExpired("Rejected", response, bearers.secrets)
          // Read in passing, so that the connection is free for the next request.
          : Effect.forkChild(readErrorBody(response)).pipe(
            Effect.andThen(countReplay),
            Effect.andThen(exchange(replayable, true))
          ))
    }

    return HttpClient.makeWith(
      (request) => exchange(request, false),
      client.preprocess
    )
  }
}
