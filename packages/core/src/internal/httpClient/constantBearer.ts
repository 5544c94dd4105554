import * as Url from "@effect-spotnana/engine/Url"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { HttpClientRequest, HttpClientResponse } from "effect/http"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Environment } from "../../Environment.ts"
import { filteredResponse } from "../http/filteredResponse.ts"
import { userAgent } from "../http/userAgent.ts"
import { finalUrl, isRedirect, isReturning, markReturn } from "./redirects.ts"
import { complete, dotSegment, unauthenticated } from "./sending.ts"
import { authorizationOf, redirectWithoutBearer, responseWithoutBearer, withoutBearer } from "./withoutBearer.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/**
 * Sends every request for the environment with one token. Responses and errors do not contain the token.
 *
 * Like `authenticateWith`, except that a 401 is an error at once, because there is no other token.
 */
export const withConstantBearer = <E2>(
  environment: Environment,
  token: Redacted.Redacted,
  onRejection: (response: Response) => Effect.Effect<never, E2>
) => {
  const authorization = `Bearer ${Redacted.value(token)}`
  const headers = Headers.fromRecordUnsafe({ "user-agent": userAgent, authorization })

  const isOurs = (response: Response): boolean => authorizationOf(response.request) === authorization

  const isRejection = (response: Response): boolean =>
    environment.rejectsToken(response) && Url.isAtOrigin(environment.origins, finalUrl(response))

  return <E, R>(client: HttpClient.HttpClient.With<E, R>): HttpClient.HttpClient.With<E | E2, R> => {
    type Sending = Effect.Effect<Response, E | E2, R>
    const exchange = (request: Effect.Effect<Request, E | E2, R>): Sending =>
      // What is kept of a run is made within it, because a caller may run one effect several times at once.
      Effect.suspend(() => {
        let isAuthenticated = false
        let isAway = false
        const addressed = Effect.flatMapEager(request, (original) => {
          const url = Url.resolve(environment, original.url)
          isAway = url === undefined || isReturning(original)
          if (url === undefined) return Effect.succeed(original)
          if (Url.hasDotSegment(original.url)) return Effect.fail(dotSegment(original) as E)
          isAuthenticated = !isAway && !("authorization" in original.headers)
          return Effect.succeed(complete(original, url, isAuthenticated ? headers : unauthenticated))
        })
        // An error of the request's own effect passes through postprocess unchanged, which its type cannot express.
        const postprocess = client.postprocess as HttpClient.HttpClient.Postprocess<E | E2, R>
        return Effect.matchCauseEffect(postprocess(addressed), {
          onSuccess: (original): Sending => {
            if (!isAuthenticated || !isOurs(original)) {
              return isAway ? markReturn(environment, original) : Effect.succeed(original)
            }
            const response = responseWithoutBearer(original)
            if (isRejection(response)) return onRejection(response)
            return isRedirect(original) ? redirectWithoutBearer(original) : Effect.succeed(response)
          },
          onFailure: (cause): Sending => {
            if (isAuthenticated) withoutBearer(cause)
            const found = Cause.findError(cause)
            if (Result.isFailure(found)) return Effect.failCause(found.failure)
            const response = filteredResponse(found.success)
            return isAuthenticated && response !== undefined && isOurs(response) && isRejection(response)
              ? onRejection(response)
              : Effect.fail(found.success)
          }
        })
      })
    return HttpClient.makeWith(exchange, client.preprocess)
  }
}
