import * as Url from "@effect-spotnana/engine/Url"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type { HttpBody, HttpClientRequest, HttpClientResponse } from "effect/http"
import * as HttpClient from "effect/http/HttpClient"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import * as AccessToken from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import type { Environment } from "../../Environment.ts"
import { readErrorBody } from "../http/body.ts"
import { filteredResponse } from "../http/filteredResponse.ts"
import * as metrics from "../tokenProvider/metrics.ts"
import type { Service } from "../tokenProvider/service.ts"
import { BearerHeaders } from "./bearerHeaders.ts"
import type { Bearer } from "./bearerHeaders.ts"
import { finalUrl, isRedirect, isReturning, markReturn, wasRedirected } from "./redirects.ts"
import { complete, dotSegment, unauthenticated } from "./sending.ts"
import { tokenExpired } from "./tokenExpired.ts"
import { redirectWithoutBearer, responseWithoutBearer, withoutBearer } from "./withoutBearer.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/** One attempt to send a request: the first one, then one with the same token, then one with a new token. */
interface Attempt {
  readonly number: 1 | 2 | 3
  /** The token to send it with; otherwise the provider's. If the client sends it again, the provider's too. */
  readonly token?: AccessToken.AccessToken
  /** It was sent with this token before. */
  readonly isRepeated: boolean
  /** The token was requested because of this request. */
  readonly isNew: boolean
}

const first: Attempt = { number: 1, isRepeated: false, isNew: false }

/** An answer that rejects a token of this client: a 401, or what the environment treats as one. */
interface Rejection {
  readonly attempt: Attempt
  readonly bearer: Bearer
  /** How often the token had been accepted when the request was sent. */
  readonly acceptedBefore: number
  /** The request as it was first sent. */
  readonly sent: Request
  readonly response: Response
}

/**
 * Stream and raw bodies can be sent only once. Sent again, they would be empty, and the request might still succeed.
 */
const hasReplayableBody = ({ body }: { readonly body: HttpBody.HttpBody }): boolean =>
  body._tag !== "Stream" && body._tag !== "Raw"

type RequestTarget = Pick<Request, "method" | "url" | "urlParams">

const isSameTarget = (left: RequestTarget, right: RequestTarget): boolean =>
  left.method === right.method && left.url === right.url && Equal.equals(left.urlParams, right.urlParams)

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

/**
 * Whether a request may be sent again. Its body must allow that, and the 401 must be the answer to the request itself,
 * not to a redirected one. Requests with safe methods may always be repeated (RFC 9110 §9.2.1).
 */
const isReplayable = ({ response, sent }: Rejection): boolean => {
  const { request } = response
  if (!hasReplayableBody(sent) || !hasReplayableBody(request)) return false
  return isSafe(sent.method) || request.method === sent.method && request.url === sent.url && !wasRedirected(response)
}

// After a redirect, a request may have lost its token. So many rejections in a row, with no request accepted in
// between, are about the token.
const redirectedInARow = 5

/** Whether a 401 says something about the token, and not only about a redirect. */
const isEvidence = ({ bearer, response }: Rejection): boolean =>
  !wasRedirected(response) || bearer.rejectedInARow >= redirectedInARow

/**
 * Where the tokens come from. `get` is a function, because with an effect a request would take 0.1 µs (2 %) longer. It
 * is called when the token is needed.
 */
export interface TokenSource extends Pick<Service, "reject" | "replacement"> {
  readonly get: () => Service["get"]
  readonly replayAccepted: () => Service["replayAccepted"]
}

export const tokenSource = (provider: Service): TokenSource => ({
  get: () => provider.get,
  reject: provider.reject,
  replacement: provider.replacement,
  replayAccepted: () => provider.replayAccepted
})

/**
 * Authenticates every request that goes to the environment.
 *
 * The token is added last, in postprocess: after the caller's own combinators have changed the request, again whenever
 * they run it again, and only if the request really goes to an origin of the API.
 */
export const authenticateWith = <E, R>(
  environment: Environment,
  tokens: TokenSource,
  client: HttpClient.HttpClient.With<E, R>
): HttpClient.HttpClient.With<E | AuthError, R> => {
  const authenticator = new Authenticator(environment, tokens)
  return HttpClient.makeWith(
    // An error of the request's own effect passes through postprocess unchanged, which its type cannot express.
    (request) =>
      authenticator.exchange(
        client.postprocess as HttpClient.HttpClient.Postprocess<E | AuthError, R>,
        request,
        first
      ),
    client.preprocess
  )
}

/** A class, so that thousands of tenants share one copy of its methods. */
class Authenticator {
  readonly #environment: Environment
  readonly #tokens: TokenSource
  readonly #bearerHeaders = new BearerHeaders()
  /** The last rejected request for which it is not known whether a new token helps. The caller may send it again. */
  #undecided: { readonly bearer: Bearer; readonly target: RequestTarget } | undefined

  constructor(environment: Environment, tokens: TokenSource) {
    this.#environment = environment
    this.#tokens = tokens
  }

  exchange<E, R>(
    postprocess: HttpClient.HttpClient.Postprocess<E | AuthError, R>,
    request: Effect.Effect<Request, E | AuthError, R>,
    attempt: Attempt
  ): Effect.Effect<Response, E | AuthError, R> {
    type Sending = Effect.Effect<Response, E | AuthError, R>
    // What is kept of a run is made within it, because a caller may run one effect several times at once.
    return Effect.suspend(() => {
      const environment = this.#environment
      let replacement = attempt.token
      // Set if the token is one of this client.
      let sent: Request | undefined
      let acceptedBefore = 0
      // Whether the request goes to another origin, or was redirected back from there.
      let isAway = false
      const authenticated = Effect.flatMapEager(request, (original): Effect.Effect<Request, E | AuthError, R> => {
        const url = Url.resolve(environment, original.url)
        isAway = url === undefined || isReturning(original)
        if (url === undefined) return Effect.succeed(original)
        // The error passes through the client's own combinators, which expect this error of the platform.
        if (Url.hasDotSegment(original.url)) return Effect.fail(dotSegment(original) as E)
        // An Authorization header of the caller's own is not replaced, and the caller gets the 401 to such a request.
        if (isAway || "authorization" in original.headers) {
          return Effect.succeed(complete(original, url, unauthenticated))
        }
        return Effect.suspend(() =>
          Effect.mapEager(replacement === undefined ? this.#tokens.get() : Effect.succeed(replacement), (token) => {
            replacement = undefined
            const bearer = this.#bearerHeaders.of(token)
            acceptedBefore = bearer.accepted
            return sent = complete(original, url, bearer.headers)
          })
        )
      })
      return Effect.matchCauseEffect(postprocess(authenticated), {
        onSuccess: (original): Sending => {
          const bearer = sent === undefined ? undefined : this.#bearerHeaders.usedFor(original.request)
          if (bearer === undefined) return isAway ? markReturn(environment, original) : Effect.succeed(original)
          const response = responseWithoutBearer(original)
          if (this.#isRejection(response)) {
            return this.#onRejection(postprocess, request, { attempt, bearer, acceptedBefore, sent: sent!, response })
          }
          return this.#accepted(response, bearer, sent!, attempt) ??
            (isRedirect(original) ? redirectWithoutBearer(original) : Effect.succeed(response))
        },
        onFailure: (cause): Sending => {
          if (sent !== undefined) withoutBearer(cause)
          const found = Cause.findError(cause)
          if (Result.isFailure(found)) return Effect.failCause(found.failure)
          const error = found.success
          const response = filteredResponse(error)
          if (sent === undefined || response === undefined) return Effect.fail(error)
          const bearer = this.#bearerHeaders.usedFor(response.request)
          return bearer !== undefined && this.#isRejection(response)
            ? this.#onRejection(postprocess, request, { attempt, bearer, acceptedBefore, sent, response })
            : Effect.fail(error)
        }
      })
    })
  }

  /** Whether it comes from the API, and says that the token is not valid. */
  #isRejection(response: Response): boolean {
    return this.#environment.rejectsToken(response) && Url.isAtOrigin(this.#environment.origins, finalUrl(response))
  }

  /** Counts an accepted request. Returns an effect if the answer shows that a new token helped. */
  #accepted(response: Response, bearer: Bearer, sent: Request, attempt: Attempt): Effect.Effect<Response> | undefined {
    if (response.status < 200 || response.status >= 300) return undefined
    bearer.accepted++
    bearer.rejectedInARow = 0
    // Accepted with another token than the rejected one, so the rejected one was not valid.
    const isReplaced = attempt.number > 1 && !attempt.isRepeated
    if (!isReplaced && !this.#isRepeatedByCaller(sent, bearer)) return undefined
    this.#undecided = undefined
    return Effect.as(this.#tokens.replayAccepted(), response)
  }

  #isRepeatedByCaller(request: Request, bearer: Bearer): boolean {
    const undecided = this.#undecided
    return undecided !== undefined && undecided.bearer !== bearer && isSameTarget(undecided.target, request)
  }

  #onRejection<E, R>(
    postprocess: HttpClient.HttpClient.Postprocess<E | AuthError, R>,
    request: Effect.Effect<Request, E | AuthError, R>,
    rejection: Rejection
  ): Effect.Effect<Response, E | AuthError, R> {
    const tokens = this.#tokens
    const { acceptedBefore, attempt, bearer, response } = rejection
    const { token } = bearer
    const { secrets } = this.#bearerHeaders
    if (!attempt.isRepeated) bearer.rejectedInARow++
    if (attempt.number === 3 || attempt.isNew) {
      this.#undecided = undefined
      return tokenExpired("rejected", response, secrets)
    }
    if (!isEvidence(rejection)) return tokenExpired("redirect", response, secrets)
    // The token was accepted from another request meanwhile. So it is valid, and one more attempt with it can succeed.
    const isAccepted = bearer.accepted !== acceptedBefore && !attempt.isRepeated
    const wasInUse = isAccepted
      ? Effect.succeed(false)
      : tokens.reject(token, { wasAccepted: bearer.accepted > 0, rejectedInARow: bearer.rejectedInARow })
    const canReplay = isReplayable(rejection)
    const { body, method, url, urlParams } = rejection.sent
    // The replay may be interrupted, and the caller may send the request again. Requests with bodies are not compared,
    // so a replayed one is remembered only without a body.
    if (!isAccepted && (!canReplay || body._tag === "Empty")) {
      this.#undecided = { bearer, target: { method, url, urlParams } }
    }
    if (!canReplay) {
      const reason = hasReplayableBody(rejection.sent) ? "redirect" : "body"
      return Effect.andThen(wasInUse, tokenExpired(reason, response, secrets))
    }
    const replacement = isAccepted ? Effect.suspend(() => tokens.get()) : tokens.replacement(token, attempt.isRepeated)
    return Effect.flatMap(wasInUse, (wasInUse) =>
      replacement.pipe(
        Effect.catchTag("TokenExpired", ({ retryAfter }) => tokenExpired("rejected", response, secrets, retryAfter)),
        Effect.tap(() =>
          Metric.update(Metric.withAttributes(metrics.replays, { environment: this.#environment.name }), 1)
        ),
        // Read in the background, so that the connection is free for the next request.
        Effect.tap(() => Effect.forkChild(readErrorBody(response))),
        Effect.flatMap((next) => {
          const isRepeated = AccessToken.equals(next, token)
          return this.exchange(postprocess, request, {
            number: attempt.number === 1 ? 2 : 3,
            token: next,
            isRepeated,
            isNew: wasInUse && !isRepeated
          })
        })
      ))
  }
}
