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
import { readErrorBody } from "../http/body.ts"
import * as metrics from "../tokenProvider/metrics.ts"
import type { Service } from "../tokenProvider/service.ts"
import { BearerHeaders } from "./bearerHeaders.ts"
import type { Bearer } from "./bearerHeaders.ts"
import { bearerStaysHome } from "./bearerStaysHome.ts"
import { finalUrl, isRedirect, markReturn, unmarked, wasRedirected } from "./redirects.ts"
import { complete, dotSegment, errorsIn, filteredResponse, halvesOf, unauthenticated } from "./sending.ts"
import { tokenExpired } from "./tokenExpired.ts"
import { errorWithoutBearer, redirectWithoutBearer, responseWithoutBearer } from "./withoutBearer.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/** One sending of a request: as it is, then again with the same token, then with a new one. */
interface Attempt {
  readonly number: 1 | 2 | 3
  /** The token to send it with; otherwise the provider's. */
  readonly token?: Effect.Effect<AccessToken.AccessToken>
  /** It was sent with this token before. */
  readonly isRepeated: boolean
  /** The token was requested because of this request. */
  readonly isNew: boolean
}

const first: Attempt = { number: 1, isRepeated: false, isNew: false }

/** An answer that rejects one of our tokens, which the request carried: a 401, or what the environment takes for one. */
interface Rejection {
  readonly attempt: Attempt
  readonly bearer: Bearer
  /** How often the bearer had been accepted when the request was sent. */
  readonly acceptedBefore: number
  /** As it was sent first. */
  readonly sent: Request
  readonly response: Response
}

/** Stream and raw bodies are gone once sent; resent, they would arrive empty and with success. */
const hasReplayableBody = ({ body }: { readonly body: HttpBody.HttpBody }): boolean =>
  body._tag !== "Stream" && body._tag !== "Raw"

type RequestTarget = Pick<Request, "method" | "url" | "urlParams">

const isSameTarget = (left: RequestTarget, right: RequestTarget): boolean =>
  left.method === right.method && left.url === right.url && Equal.equals(left.urlParams, right.urlParams)

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

/**
 * Whether a request may be sent again: its body can be, and the 401 is the answer to it, and not to what a redirect made
 * of it. Safe methods may be repeated whatever came of them (RFC 9110 §9.2.1).
 */
const isReplayable = ({ response, sent }: Rejection): boolean => {
  const { request } = response
  if (!hasReplayableBody(sent) || !hasReplayableBody(request)) return false
  return isSafe(sent.method) || request.method === sent.method && request.url === sent.url && !wasRedirected(response)
}

// One such answer may be to a request that lost its bearer on the way; so many in a row, with nothing accepted in
// between, are not.
const redirectedInARow = 5

/** Whether a 401 says something of the token, and not only of a redirect. */
const isEvidence = ({ bearer, response }: Rejection): boolean =>
  !wasRedirected(response) || bearer.rejectedInARow >= redirectedInARow

/**
 * Authenticates every request that goes to the provider's environment.
 *
 * The token is put in last, in postprocess: after whatever the caller's own combinators made of the request, anew
 * whenever they run it again, and only where the request really goes to an origin of the API.
 */
export const authenticateWith = (provider: Service) => {
  const { environment } = provider
  const bearerHeaders = new BearerHeaders()
  /** The last rejected request of which it is not known whether a new token helps: the caller may send it again. */
  let undecided: { readonly bearer: Bearer; readonly target: RequestTarget } | undefined

  const isRepeatedByCaller = (request: Request, bearer: Bearer): boolean =>
    undecided !== undefined && undecided.bearer !== bearer && isSameTarget(undecided.target, request)

  /** Whether an answer comes from the API, and says that the token is dead. */
  const rejectsToken = (response: Response): boolean =>
    environment.rejectsToken(response) && Url.isAtOrigin(environment.origins, finalUrl(response))

  const countReplay = Effect.suspend(() =>
    Metric.increment(Metric.tagged(metrics.replays, "environment", environment.name))
  )

  const keepingAtHome = bearerStaysHome(bearerHeaders, environment.origins)

  return <E, R>(client: HttpClient.HttpClient.With<E, R>): HttpClient.HttpClient.With<E | AuthError, R> => {
    type Sending = Effect.Effect<Response, E | AuthError, R>
    type Requested = Effect.Effect<Request, E | AuthError, R>
    // What fails in the request's own effect comes out of postprocess as it is.
    const { postprocess, preprocess } = halvesOf<E | AuthError, R>(client)

    const exchange = (request: Requested, attempt: Attempt): Sending => {
      // Set where the bearer is ours.
      let sent: Request | undefined
      let acceptedBefore = 0
      // To another origin, or back from there.
      let isAway = false
      const authenticated = Effect.flatMap(request, (given): Requested => {
        const original = unmarked(given)
        const url = Url.resolve(environment, original.url)
        isAway = url === undefined || original !== given
        if (url === undefined) return Effect.succeed(original)
        // It passes through the client's own combinators, which were made for this error of the platform.
        if (Url.hasDotSegment(original.url)) return Effect.fail(dotSegment(original) as E)
        // An Authorization of the caller's own is left alone, and so is its 401.
        if (isAway || "authorization" in original.headers) {
          return Effect.succeed(complete(original, url, unauthenticated))
        }
        return Effect.map(attempt.token ?? provider.get, (token) => {
          const bearer = bearerHeaders.of(token)
          acceptedBefore = bearer.accepted
          return sent = complete(original, url, bearer.headers)
        })
      })
      const rejected = (response: Response, bearer: Bearer): Sending | undefined =>
        rejectsToken(response)
          ? onRejection(request, { attempt, bearer, acceptedBefore, sent: sent!, response })
          : undefined
      const onResponse = (response: Response, bearer: Bearer): Sending | undefined => {
        const rejection = rejected(response, bearer)
        if (rejection !== undefined) return rejection
        if (response.status < 200 || response.status >= 300) return undefined
        bearer.accepted++
        bearer.rejectedInARow = 0
        // Accepted with another token than the rejected one: that was dead.
        const isReplaced = attempt.number > 1 && !attempt.isRepeated
        if (!isReplaced && !isRepeatedByCaller(sent!, bearer)) return undefined
        undecided = undefined
        return Effect.as(provider.replayAccepted, response)
      }
      return Effect.matchCauseEffect(keepingAtHome(postprocess(authenticated)), {
        onSuccess: (original) => {
          const bearer = sent === undefined ? undefined : bearerHeaders.usedFor(original.request)
          if (bearer === undefined) return isAway ? markReturn(environment, original) : Effect.succeed(original)
          const response = responseWithoutBearer(original)
          return onResponse(response, bearer) ??
            (isRedirect(original) ? redirectWithoutBearer(original) : Effect.succeed(response))
        },
        onFailure: (cause) => {
          if (sent !== undefined) { for (const error of errorsIn(cause)) errorWithoutBearer(error) }
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
    }

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
      // Accepted from another request meanwhile: the token is not dead, and worth one more attempt.
      const isAccepted = bearer.accepted !== acceptedBefore && !attempt.isRepeated
      const wasInUse = isAccepted
        ? Effect.succeed(false)
        : provider.reject(token, { wasAccepted: bearer.accepted > 0, rejectedInARow: bearer.rejectedInARow })
      const canReplay = isReplayable(rejection)
      const { body, method, url, urlParams } = rejection.sent
      // A replay may be interrupted. Of two requests with bodies nobody knows whether they are the same.
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
          // Read in passing, so that the connection is free for the next request.
          Effect.tap(() => Effect.fork(readErrorBody(response))),
          Effect.flatMap((next) => {
            const isRepeated = AccessToken.equals(next, token)
            const number = attempt.number === 1 ? 2 : 3
            return exchange(request, {
              number,
              token: Effect.succeed(next),
              isRepeated,
              isNew: wasInUse && !isRepeated
            })
          })
        ))
    }

    return HttpClient.makeWith((request: Requested) => exchange(request, first), preprocess)
  }
}
