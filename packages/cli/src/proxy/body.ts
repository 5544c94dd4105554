import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { HttpBody } from "effect/http"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** Up to here a body is kept, so that it can be sent again when the API takes the token for expired. */
export const replayable = 1024 * 1024

/** A body on its way to the API. */
export interface Outgoing {
  readonly body: HttpBody.HttpBody
  /** How its end is told. */
  readonly framing: { readonly [name in "content-length" | "transfer-encoding"]?: string }
  /** When the last of it was sent so far, on the monotonic clock. */
  readonly lastSentAt: () => bigint
}

type Chunks = Stream.Stream<Uint8Array, HttpServerError.HttpServerError>

const whole = (body: HttpBody.HttpBody, framing: Outgoing["framing"]): Effect.Effect<Outgoing> =>
  Effect.map(Clock.monotonicTimeNanos, (now) => ({ body, framing, lastSentAt: () => now }))

const kept = (bytes: Uint8Array): Effect.Effect<Outgoing> =>
  whole(HttpBody.uint8Array(bytes), { "content-length": String(bytes.length) })

const streamed = (chunks: Chunks, framing: Outgoing["framing"]): Effect.Effect<Outgoing> =>
  Effect.map(Clock.monotonicTimeNanos, (now) => {
    let last = now
    const sent = Effect.map(Clock.monotonicTimeNanos, (now) => {
      last = now
    })
    return { body: HttpBody.stream(Stream.tap(chunks, () => sent)), framing, lastSentAt: () => last }
  })

/** A body that does not say how long it is: kept if it ends soon, and else sent on as it comes. */
const unknownLength = (
  chunks: Chunks
): Effect.Effect<Outgoing, HttpServerError.HttpServerError, Scope.Scope> =>
  Effect.gen(function*() {
    const pull = yield* Stream.toPull(chunks)
    const beginning: Array<Uint8Array> = []
    let size = 0
    const readOn = pull.pipe(
      Effect.map((more) => {
        for (const chunk of more) {
          beginning.push(chunk)
          size += chunk.length
        }
        return true
      }),
      Pull.catchDone(() => Effect.succeed(false))
    )
    while (size <= replayable) {
      if (!(yield* readOn)) return yield* kept(Buffer.concat(beginning))
    }
    return yield* streamed(
      Stream.concat(Stream.fromArray(beginning), Stream.fromPull(Effect.succeed(pull))),
      { "transfer-encoding": "chunked" }
    )
  })

/** The body of a request, as far as it has to be known before it is sent on. */
export const outgoing = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Outgoing, HttpServerError.HttpServerError, Scope.Scope> => {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers
  if (encoding !== undefined) return unknownLength(request.stream)
  if (length === undefined) return whole(HttpBody.empty, {})
  return Number(length) <= replayable
    ? Effect.flatMap(request.arrayBuffer, (buffer) => kept(new Uint8Array(buffer)))
    : streamed(request.stream, { "content-length": length })
}
