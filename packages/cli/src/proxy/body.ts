import * as Effect from "effect/Effect"
import { HttpBody } from "effect/http"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Progress from "./progress.ts"

/** A body up to this size is kept in memory, so that it can be sent again if the API rejects the token. */
export const replayable = 1024 * 1024

/** A body that is sent to the API. */
export interface Outgoing {
  readonly body: HttpBody.HttpBody
  /** The headers that define its end. */
  readonly framing: { readonly [name in "content-length" | "transfer-encoding"]?: string }
}

type Chunks = Stream.Stream<Uint8Array, HttpServerError.HttpServerError>

const kept = (bytes: Uint8Array): Outgoing => ({
  body: HttpBody.uint8Array(bytes),
  framing: { "content-length": String(bytes.length) }
})

const streamed = (chunks: Chunks, framing: Outgoing["framing"]): Outgoing => ({
  body: HttpBody.stream(Stream.tap(chunks, () => Progress.reach("sent"))),
  framing
})

/** A body of unknown length. It is kept if it is short, and otherwise streamed. */
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
      if (!(yield* readOn)) return kept(Buffer.concat(beginning))
    }
    return streamed(
      Stream.concat(Stream.fromArray(beginning), Stream.fromPull(Effect.succeed(pull))),
      { "transfer-encoding": "chunked" }
    )
  })

/** The body of a request, with what must be known before it is forwarded. */
export const outgoing = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Outgoing, HttpServerError.HttpServerError, Scope.Scope> => {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers
  if (encoding !== undefined) return unknownLength(request.stream)
  if (length === undefined) return Effect.succeed({ body: HttpBody.empty, framing: {} })
  return Number(length) <= replayable
    ? Effect.map(request.arrayBuffer, (buffer) => kept(new Uint8Array(buffer)))
    : Effect.succeed(streamed(request.stream, { "content-length": length }))
}
