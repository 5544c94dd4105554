import * as Url from "@effect-spotnana/engine/Url"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Metric from "effect/Metric"
import * as AccessToken from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import { beforeSending, isUnseen, isUnsendable } from "../http/beforeSending.ts"
import { readErrorBody } from "../http/body.ts"
import * as metrics from "../tokenProvider/metrics.ts"
import type { Service } from "../tokenProvider/service.ts"
import { addBearer } from "./addBearer.ts"
import { BearerHeaders } from "./bearerHeaders.ts"
import type { Bearer } from "./bearerHeaders.ts"
import { finalUrl, isRedirect, markReturn, unmarked, wasRedirected } from "./redirects.ts"
import { complete, dotSegment, errorsIn, filteredResponse, halvesOf, notSeen, unauthenticated } from "./sending.ts"
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

const isAccepted = ({ status }: Response): boolean => status >= 200 && status < 300

// After a redirect, a request may have lost its token. So many rejections in a row, with no request accepted in
// between, are about the token.
const redirectedInARow = 5

/** Whether a 401 says something about the token, and not only about a redirect. */
const isEvidence = ({ bearer, response }: Rejection): boolean =>
  !wasRedirected(response) || bearer.rejectedInARow >= redirectedInARow

/**
 * Authenticates every request that goes to the provider's environment.
 *
 * The token is added last, in postprocess: after the caller's own combinators have changed the request, again whenever
 * they run it again, and only if the request really goes to an origin of the API.
 */
export const authenticateWith = (provider: Service) => {
  const { environment } = provider
  const bearerHeaders = new BearerHeaders()
  /** The last rejected request for which it is not known whether a new token helps. The caller may send it again. */
  let undecided: { readonly bearer: Bearer; readonly target: RequestTarget } | undefined

  const isRepeatedByCaller = (request: Request, bearer: Bearer): boolean =>
    undecided !== undefined && undecided.bearer !== bearer && isSameTarget(undecided.target, request)

  const isRejection = (response: Response): boolean => response.status === 401 || environment.rejectsToken(response)

  /** Whether an answer comes from the API, and says that the token is not valid. */
  const rejectsToken = (response: Response): boolean =>
    environment.rejectsToken(response) && Url.isAtOrigin(environment.origins, finalUrl(response))

  const countReplay = Effect.suspend(() =>
    Metric.increment(Metric.tagged(metrics.replays, "environment", environment.name))
  )

  return <E, R>(client: HttpClient.HttpClient.With<E, R>): HttpClient.HttpClient.With<E | AuthError, R> => {
    type Sending = Effect.Effect<Response, E | AuthError, R>
    type Requested = Effect.Effect<Request, E | AuthError, R>
    // An error of the request's own effect passes through postprocess unchanged.
    const { postprocess, preprocess } = halvesOf<E | AuthError, R>(client)

    const refused = (request: Request): Sending => Effect.fail(notSeen(request) as E)

    const exchange = (request: Requested, attempt: Attempt): Sending =>
      // What is kept of a run is made within it, because a caller may run one effect several times at once.
      Effect.suspend(() => {
        let replacement = attempt.token
        // Set if the token is one of this client.
        let sent: Request | undefined
        let isSeen = false
        let acceptedBefore = 0
        // Whether the request goes to another origin, or was redirected back from there.
        let isAway = false
        const authenticated = Effect.flatMap(request, (given): Requested => {
          const original = unmarked(given)
          const url = Url.resolve(environment, original.url)
          isAway = url === undefined || original !== given
          if (url === undefined) return Effect.succeed(original)
          // The error passes through the client's own combinators, which expect this error of the platform.
          if (Url.hasDotSegment(original.url)) return Effect.fail(dotSegment(original) as E)
          // An Authorization header of the caller's own is not replaced, and the caller gets the 401 to such a request.
          if (isAway || "authorization" in original.headers) {
            return Effect.succeed(complete(original, url, unauthenticated))
          }
          return Effect.map(replacement === undefined ? provider.get : Effect.succeed(replacement), (token) => {
            replacement = undefined
            const { accepted, unsentHeaders } = bearerHeaders.of(token)
            acceptedBefore = accepted
            return sent = complete(original, url, unsentHeaders)
          })
        })
        const sending = beforeSending(postprocess, authenticated, (request) => {
          isSeen = true
          if (sent !== undefined) addBearer(request, bearerHeaders, environment.origins)
          return "traced"
        })
        const rejected = (response: Response, bearer: Bearer): Sending | undefined =>
          rejectsToken(response)
            ? onRejection(request, { attempt, bearer, acceptedBefore, sent: sent!, response })
            : undefined
        const onResponse = (response: Response, bearer: Bearer): Sending | undefined => {
          const rejection = rejected(response, bearer)
          if (rejection !== undefined) return rejection
          if (!isAccepted(response)) return undefined
          bearer.accepted++
          bearer.rejectedInARow = 0
          // Accepted with another token than the rejected one, so the rejected one was not valid.
          const isReplaced = attempt.number > 1 && !attempt.isRepeated
          if (!isReplaced && !isRepeatedByCaller(sent!, bearer)) return undefined
          undecided = undefined
          return Effect.as(provider.replayAccepted, response)
        }
        return Effect.matchCauseEffect(sending, {
          onSuccess: (original) => {
            const bearer = sent === undefined ? undefined : bearerHeaders.usedFor(original.request)
            if (bearer === undefined) {
              if (sent !== undefined && isUnsendable(original.request)) {
                // The client's own answer, such as one of a cache or of a circuit breaker. An answer to a request that
                // was sent without the token would be a rejection, or a redirect to the login.
                return isRejection(original) || isRedirect(original)
                  ? refused(sent)
                  : Effect.succeed(responseWithoutBearer(original))
              }
              return isAway ? markReturn(environment, original) : Effect.succeed(original)
            }
            const response = responseWithoutBearer(original)
            return onResponse(response, bearer) ??
              (isRedirect(original) ? redirectWithoutBearer(original) : Effect.succeed(response))
          },
          onFailure: (cause) => {
            if (sent !== undefined) {
              if (!isSeen && errorsIn(cause).some(isUnseen)) return refused(sent)
              withoutBearer(errorsIn(cause))
            }
            const found = Cause.failureOrCause(cause)
            if (Either.isRight(found)) return Effect.failCause(found.right)
            const error = found.left
            const response = filteredResponse(error)
            const bearer = sent === undefined || response === undefined
              ? undefined
              : bearerHeaders.usedFor(response.request)
            return bearer !== undefined && rejected(response!, bearer) || Effect.fail(error)
          }
        })
      })

    const onRejection = (request: Requested, rejection: Rejection): Sending => {
      const { acceptedBefore, attempt, bearer, response } = rejection
      const { token } = bearer
      const { secrets } = bearerHeaders
      if (!attempt.isRepeated) bearer.rejectedInARow++
      if (attempt.number === 3 || attempt.isNew) {
        undecided = undefined
        return tokenExpired("rejected", response, secrets)
      }
      if (!isEvidence(rejection)) return tokenExpired("redirect", response, secrets)
      // The token was accepted from another request meanwhile. So it is valid, and one more attempt with it can
      // succeed.
      const isAccepted = bearer.accepted !== acceptedBefore && !attempt.isRepeated
      const wasInUse = isAccepted
        ? Effect.succeed(false)
        : provider.reject(token, { wasAccepted: bearer.accepted > 0, rejectedInARow: bearer.rejectedInARow })
      const canReplay = isReplayable(rejection)
      const { body, method, url, urlParams } = rejection.sent
      // The replay may be interrupted, and the caller may send the request again. Requests with bodies are not
      // compared, so a replayed one is remembered only without a body.
      if (!isAccepted && (!canReplay || body._tag === "Empty")) {
        undecided = { bearer, target: { method, url, urlParams } }
      }
      if (!canReplay) {
        const reason = hasReplayableBody(rejection.sent) ? "redirect" : "body"
        return Effect.andThen(wasInUse, tokenExpired(reason, response, secrets))
      }
      const replacement = isAccepted ? provider.get : provider.replacement(token, attempt.isRepeated)
      return Effect.flatMap(wasInUse, (wasInUse) =>
        replacement.pipe(
          Effect.catchTag("TokenExpired", ({ retryAfter }) => tokenExpired("rejected", response, secrets, retryAfter)),
          Effect.tap(() => countReplay),
          // Read in the background, so that the connection is free for the next request.
          Effect.tap(() => Effect.fork(readErrorBody(response))),
          Effect.flatMap((next) => {
            const isRepeated = AccessToken.equals(next, token)
            const number = attempt.number === 1 ? 2 : 3
            return exchange(request, {
              number,
              token: next,
              isRepeated,
              isNew: wasInUse && !isRepeated
            })
          })
        ))
    }

    return HttpClient.makeWith((request: Requested) => exchange(request, first), preprocess)
  }
}
