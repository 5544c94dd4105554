import { AuthError } from "@effect-spotnana/core"
import type { Environment, TokenProvider } from "@effect-spotnana/core"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import {
  Headers,
  HttpClientError,
  HttpClientRequest,
  HttpServerError,
  HttpServerResponse,
  UrlParams
} from "effect/http"
import type { HttpClient, HttpClientResponse, HttpServerRequest } from "effect/http"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Answer from "./answer.ts"
import { outgoing } from "./body.ts"
import type { Outgoing } from "./body.ts"
import { isFramedOnly, towardsApi, towardsClient } from "./headers.ts"
import * as Progress from "./progress.ts"

/** How requests are forwarded. */
export interface Route {
  readonly provider: TokenProvider.TokenProvider["Service"]
  /** Authenticates, and neither decompresses nor follows redirects. */
  readonly client: HttpClient.HttpClient.With<HttpClientError.HttpClientError | AuthError.AuthError>
  /** Limits the number of requests at a time. */
  readonly turns: Semaphore.Semaphore
  /**
   * The time limit for each of these: a free place, a token, the sending of each part of the request, and the begin of
   * the answer.
   */
  readonly timeout: Duration.Duration
}

type Received = HttpServerRequest.HttpServerRequest
type Response = HttpClientResponse.HttpClientResponse

const requestOf = (
  { headers, method, url }: Received,
  { body, framing }: Outgoing
): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.makeWith(
    method,
    url,
    UrlParams.empty,
    Option.none(),
    // Node sets the framing of a body only for some methods. Without framing, the body of a DELETE would be read as the
    // next request.
    Headers.merge(towardsApi(headers), Headers.fromInput(framing)),
    body
  )

/** Whether the client ended a request, and not the proxy. */
export const isClientGone = ({ reasons }: Cause.Cause<unknown>): boolean =>
  reasons.some((reason) => reason.annotations.has(HttpServerError.ClientAbort.key))

const hasBody = (method: string, status: number): boolean =>
  method !== "HEAD" && status !== 204 && status !== 205 && status !== 304

const responseOf = (
  { headers: own, method, url }: Received,
  response: Response,
  { baseUrl }: Environment.Environment,
  brokeOff: Effect.Effect<void>
): Effect.Effect<HttpServerResponse.HttpServerResponse | Answer.Answer, HttpClientError.HttpClientError> => {
  const { status } = response
  if (status < 200 || status > 599) return Effect.succeed(Answer.unknownStatus(baseUrl, status))
  if (!isFramedOnly(response.headers)) return Effect.succeed(Answer.unknownCoding(baseUrl))
  const headers = towardsClient(response.headers, { requested: baseUrl + url, baseUrl, host: own.host ?? "" })
  if (!hasBody(method, status)) {
    // The body is empty. After it is read, the connection is free for the next request.
    return Effect.as(Stream.runDrain(response.stream), HttpServerResponse.empty({ status, headers }))
  }
  // Effect would add a content type to a stream, even if the API sent none.
  return Effect.map(
    NodeStream.toReadable(Stream.tapError(response.stream, () => brokeOff)),
    (body) => HttpServerResponse.raw(body, { status, headers })
  )
}

/** Waits until nothing has happened to a request for so long. */
const silence = (progress: Progress.Progress, time: Duration.Duration): Effect.Effect<void> =>
  Effect.gen(function*() {
    const left = Duration.subtract(time, Duration.nanos((yield* Clock.monotonicTimeNanos) - progress.at))
    if (Duration.isLessThanOrEqualTo(left, Duration.zero)) return
    yield* Effect.sleep(left)
    yield* silence(progress, time)
  })

/**
 * Forwards a request, and streams the answer back. It calls `brokeOff` if the answer breaks off.
 *
 * When the client disconnects, it is interrupted, and the request to the API with it. When the proxy ends, it answers
 * whether the API may have handled the request.
 */
export const forward = (
  { client, provider: { environment }, timeout, turns }: Route,
  received: Received,
  brokeOff: Effect.Effect<void>
): Effect.Effect<HttpServerResponse.HttpServerResponse | Answer.Answer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const progress = yield* Progress.make
    const forwarded = Effect.gen(function*() {
      const out = yield* outgoing(received)
      yield* Progress.reach("queued")
      const answered = Effect.gen(function*() {
        // Held until the answer has ended.
        yield* Semaphore.takeScoped(turns, 1)
        yield* Progress.reach("token")
        const response = yield* client.execute(requestOf(received, out))
        return yield* responseOf(received, response, environment, brokeOff)
      })
      const late = Effect.map(silence(progress, timeout), () =>
        Answer.timedOut(progress.stage, environment.origin, timeout))
      return yield* Effect.raceFirst(answered, late)
    }).pipe(Effect.provideService(Progress.Current, progress))
    return yield* Effect.interruptible(forwarded).pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) && !isClientGone(cause)
          ? Effect.succeed(Answer.ended(progress.stage, environment.origin))
          : Effect.failCause(cause)
      )
    )
  }).pipe(
    Effect.catch((error) =>
      Effect.succeed(
        AuthError.isAuthError(error)
          ? Answer.fromAuthError(error)
          : HttpClientError.isHttpClientError(error)
          ? Answer.fromHttpClientError(error, environment.origin)
          : Answer.badRequest("The body of the request cannot be read.")
      )
    )
  )
