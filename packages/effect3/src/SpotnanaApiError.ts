/**
 * Spotnana's error body as a typed error, for any call of the API.
 *
 * @since 0.1.0
 */
import * as ErrorBody from "@effect-spotnana/engine/ErrorBody"
import * as RetryAfter from "@effect-spotnana/engine/RetryAfter"
import * as Url from "@effect-spotnana/engine/Url"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readErrorBody } from "./internal/http/body.ts"
import { filteredResponse } from "./internal/httpClient/sending.ts"
import { authorizationOf } from "./internal/httpClient/withoutBearer.ts"

/**
 * One entry of Spotnana's error body. Every field may be absent.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ErrorMessage = /* #__PURE__ */ Schema.Struct({
  /** Identifies the kind of error: `USER_NOT_AUTHENTICATED`. New ones may appear at any time. */
  errorCode: Schema.optional(Schema.String),
  /** What went wrong. */
  message: Schema.optional(Schema.String),
  /** More about it. */
  errorDetail: Schema.optional(Schema.String),
  /** What it is about. */
  errorParameters: Schema.optional(Schema.Array(Schema.Struct({
    name: Schema.optional(Schema.String),
    value: Schema.optional(Schema.String)
  })))
})

/**
 * One entry of Spotnana's error body.
 *
 * @category models
 * @since 0.1.0
 */
export type ErrorMessage = typeof ErrorMessage.Type

/**
 * The API answered with an error, or with a body that its documentation does not
 * allow.
 *
 * **Details**
 *
 * Texts of the answer are cleaned: one line each, at most 4096 characters, and
 * withheld if they contain the token. If the body is missing or is not
 * Spotnana's, only the status is set.
 *
 * @see {@link filterStatusOk}
 * @category errors
 * @since 0.1.0
 */
export class SpotnanaApiError extends Schema.TaggedError<SpotnanaApiError>()("SpotnanaApiError", {
  /** What happened, with method, path and status. */
  message: Schema.String,
  /** The HTTP status. */
  status: Schema.Int,
  /** The `errorCode` of the first entry, or of the body itself. */
  code: Schema.optional(Schema.String),
  /** The correlation id that Spotnana's support can use. */
  debugIdentifier: Schema.optional(Schema.String),
  /** How long to wait before the next attempt, if the answer says so. */
  retryAfter: Schema.optional(Schema.Duration),
  /** Every entry of the error body. */
  errorMessages: Schema.Array(ErrorMessage)
}) {}

/**
 * Reads the error from a response of any status: at most 64 KiB, for at most two
 * seconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromResponse = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<SpotnanaApiError> =>
  Effect.gen(function*() {
    const { method, url } = response.request
    const json = yield* readErrorBody(response)
    const secrets = [(authorizationOf(response.request) ?? "").replace(/^\S+ +/, "")]
    const body = ErrorBody.parse(json, secrets)
    const summary = ErrorBody.summary(body)
    const retryAfter = RetryAfter.parse(response.headers, yield* Clock.currentTimeMillis, response.status === 429)
    return new SpotnanaApiError({
      message: `${method} ${Url.shownPath(url)} answered ${response.status}${summary === "" ? "" : ` (${summary})`}.`,
      status: response.status,
      code: body.code,
      debugIdentifier: body.debugIdentifier,
      retryAfter: retryAfter === undefined ? undefined : Duration.millis(retryAfter),
      errorMessages: ErrorBody.errorMessages(json, secrets)
    })
  })

/**
 * Turns every answer that is not 2xx into an error, also if a client below has
 * filtered the statuses already.
 *
 * **When to use**
 *
 * Use in place of `HttpClient.filterStatusOk`, on the authenticated client.
 *
 * **Gotchas**
 *
 * - `SpotnanaHttpClient.authenticate` must see a 401 to replace the token: apply
 *   this after it, not before.
 * - `HttpClient.retryTransient` retries an answer of 429 or 5xx, not this error:
 *   apply this after it, too.
 *
 * **Example** (What support will ask for)
 *
 * ```ts
 * import { SpotnanaApiError, SpotnanaHttpClient } from "@effect-spotnana/effect3"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const spotnana = SpotnanaApiError.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
 *   const response = yield* spotnana.get("/v2/companies")
 *   return yield* response.json
 * }).pipe(
 *   Effect.tapErrorTag("SpotnanaApiError", (error) => Effect.logError(error.message, error.debugIdentifier))
 * )
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const filterStatusOk: <E, R>(
  client: HttpClient.HttpClient.With<E, R>
) => HttpClient.HttpClient.With<E | SpotnanaApiError, R> = HttpClient.transformResponse((sending) =>
  sending.pipe(
    // A client below may have filtered the statuses already.
    Effect.catchAll((error) => {
      const response = filteredResponse(error)
      return response === undefined || isOk(response) ? Effect.fail(error) : Effect.succeed(response)
    }),
    Effect.flatMap((response) =>
      isOk(response) ? Effect.succeed(response) : Effect.flatMap(fromResponse(response), (error) => Effect.fail(error))
    )
  )
)

const isOk = ({ status }: HttpClientResponse.HttpClientResponse): boolean => status >= 200 && status < 300
