import type { Body, JsonObject } from "@effect-spotnana/engine/Json"
import { objectOfBody } from "@effect-spotnana/engine/Json"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

type Reading<A> = Effect.Effect<A, HttpClientError.ResponseError>

/** Under these names, the platforms keep a body that was read. `node:http` keeps only a text. */
interface Kept {
  readonly textBody?: Reading<string> | undefined
  readonly textEffect?: Reading<string> | undefined
  readonly arrayBufferBody?: Reading<ArrayBuffer | Uint8Array> | undefined
}

/** A body that a client has read already, such as one that logs answers. Its stream can be read only once. */
export const keptBody = (response: HttpClientResponse.HttpClientResponse): Reading<Uint8Array> | undefined => {
  const { original = response } = response as { readonly original?: HttpClientResponse.HttpClientResponse }
  const { arrayBufferBody, textBody, textEffect } = original as Kept
  const text = textBody ?? textEffect
  const ofText = text && Effect.map(text, (text) => new TextEncoder().encode(text))
  const ofBytes = arrayBufferBody && Effect.map(arrayBufferBody, (bytes) => new Uint8Array(bytes))
  // The second one fails if a client reads both.
  return ofText && ofBytes ? Effect.orElse(ofText, () => ofBytes) : ofText ?? ofBytes
}

/**
 * Reads a body up to `limit` bytes, counted after decompression, and closes the
 * connection if it is larger. So neither a decompression bomb nor an endless
 * answer fills the memory.
 */
export const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Body, HttpClientError.ResponseError> =>
  Effect.suspend(() => {
    const kept = keptBody(response)
    if (kept !== undefined) return kept
    const chunks: Array<Uint8Array> = []
    let size = 0
    return Stream.runForEach(response.stream, (chunk) => {
      size += chunk.length
      chunks.push(chunk)
      return size > limit ? Effect.fail("TooLarge" as const) : Effect.void
    }).pipe(
      Effect.map((): Body => {
        const bytes = new Uint8Array(size)
        let offset = 0
        for (const chunk of chunks) {
          bytes.set(chunk, offset)
          offset += chunk.length
        }
        return bytes
      }),
      Effect.catchAll((error) => {
        if (error === "TooLarge") return Effect.succeed<Body>("TooLarge")
        // A response without a body has no stream. Its body counts as empty.
        return error.reason === "EmptyBody" ? Effect.succeed<Body>(new Uint8Array()) : Effect.fail(error)
      })
    )
  })

// The body may be endless, or may never arrive.
const maxShortBodySize = 65_536
const shortBodyTimeout = Duration.seconds(2)

/** Reads a body of at most 64 KiB within two seconds. Otherwise the result is empty, and the connection is closed. */
export const readShortBody = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Uint8Array> =>
  readBody(response, maxShortBodySize).pipe(
    // Before the race with a timer: a fiber that fails is logged with its error, which contains the request.
    Effect.catchAllCause(() => Effect.succeed("TooLarge" as const)),
    // The wait ends at that time also in a finalizer. So do all others with a time limit.
    Effect.interruptible,
    Effect.timeoutOption(shortBodyTimeout),
    Effect.map((body) => Option.isNone(body) || body.value === "TooLarge" ? new Uint8Array() : body.value)
  )

/** The JSON object in the body of an error; an empty object if there is none within two seconds and 64 KiB. */
export const readErrorBody = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<JsonObject> => Effect.map(readShortBody(response), (body) => objectOfBody(body) ?? {})
