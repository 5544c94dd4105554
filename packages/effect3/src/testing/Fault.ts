/**
 * Faults between an application and Spotnana, as values that a test passes to `MockSpotnana.inject`.
 *
 * @since 0.1.0
 */
import * as Headers from "@effect/platform/Headers"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type * as Stream from "effect/Stream"
import type { Json } from "./Settings.ts"

/**
 * The body of an injected answer: a string, bytes or a stream are sent as they are, anything else is sent as JSON.
 *
 * **Details**
 *
 * With a stream, a body can misbehave: `Stream.never` is a body that never ends,
 * a stream that fails after a few bytes is a connection that is lost half-way,
 * and `Stream.forever` is an endless body.
 *
 * @category models
 * @since 0.1.0
 */
export type Body =
  | string
  | Uint8Array
  | Stream.Stream<Uint8Array, unknown>
  | { readonly [name: string]: Json }
  | ReadonlyArray<Json>

/**
 * A fault of one request.
 *
 * **When to use**
 *
 * As a type. To make one, use {@link status}, {@link rateLimited}, {@link hang}, {@link drop} or {@link garbage}.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault = Data.TaggedEnum<{
  Status: { readonly status: number; readonly headers: Headers.Headers; readonly body: Body | undefined }
  RateLimited: { readonly retryAfter: string | undefined }
  Garbage: {}
  Hang: {}
  Drop: {}
}>

const Fault = Data.taggedEnum<Fault>()

/**
 * Matches a fault by its tag.
 *
 * @category pattern matching
 * @since 0.1.0
 */
export const match: typeof Fault.$match = Fault.$match

/**
 * Any status, with any headers and any body.
 *
 * **Details**
 *
 * Without a `body` the answer is Spotnana's error body, `debugIdentifier` included. The content type is
 * `application/json` unless `headers` names another.
 *
 * **Gotchas**
 *
 * Over a real socket the status has to be a final one, 200 to 599.
 *
 * **Example** (an outage, and a 200 without a token)
 *
 * ```ts
 * import { Fault } from "@effect-spotnana/effect3/testing"
 *
 * const outage = Fault.status(503, { headers: { "retry-after": "5" } })
 * const error = Fault.status(200, { body: { error: "invalid_client" } })
 * const proxy = Fault.status(502, { body: "<html>Bad Gateway</html>", headers: { "content-type": "text/html" } })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const status = (
  status: number,
  options?: { readonly body?: Body | undefined; readonly headers?: Headers.Input | undefined }
): Fault => Fault.Status({ status, headers: Headers.fromInput(options?.headers), body: options?.body })

/**
 * A `429` as Spotnana sends it, with `TOO_MANY_REQUESTS`, with or without
 * `Retry-After`.
 *
 * **When to use**
 *
 * Whether Spotnana sends `Retry-After` is not known, so test with it and without.
 *
 * **Details**
 *
 * A `Duration` is sent in whole seconds, rounded up; a `DateTime` or `Date` as an HTTP date; a string as it is.
 *
 * **Example** (the forms of Retry-After)
 *
 * ```ts
 * import { Fault } from "@effect-spotnana/effect3/testing"
 * import { Duration } from "effect"
 *
 * const silent = Fault.rateLimited()
 * const seconds = Fault.rateLimited({ retryAfter: Duration.seconds(30) })
 * const nonsense = Fault.rateLimited({ retryAfter: "soon" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const rateLimited = (
  options?: { readonly retryAfter?: Duration.Duration | DateTime.DateTime | Date | string | undefined }
): Fault => Fault.RateLimited({ retryAfter: formatRetryAfter(options?.retryAfter) })

/**
 * No answer, ever: the request stays open until the client gives up or the server closes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const hang: Fault = Fault.Hang()

/**
 * The connection is lost before the first byte of an answer.
 *
 * **Details**
 *
 * In-process it is a `RequestError` with the reason `Transport`. On a Node server the socket is destroyed.
 *
 * **Gotchas**
 *
 * A server that gives no access to its sockets (Bun, Deno, a Web handler) can
 * only break off the body. There, the client sees a status of 200 and then a body
 * that fails.
 *
 * @category constructors
 * @since 0.1.0
 */
export const drop: Fault = Fault.Drop()

/**
 * A `200` with the content type JSON, whose body is neither JSON nor UTF-8.
 *
 * @category constructors
 * @since 0.1.0
 */
export const garbage: Fault = Fault.Garbage()

const formatRetryAfter = (
  retryAfter: Duration.Duration | DateTime.DateTime | Date | string | undefined
): string | undefined => {
  if (Predicate.isUndefined(retryAfter) || Predicate.isString(retryAfter)) return retryAfter
  if (Duration.isDuration(retryAfter)) return String(Math.ceil(Duration.toSeconds(retryAfter)))
  return (DateTime.isDateTime(retryAfter) ? DateTime.toDate(retryAfter) : retryAfter).toUTCString()
}
