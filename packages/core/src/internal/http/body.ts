import type { Body, JsonObject } from "@effect-spotnana/engine/Json"
import { objectOfBody } from "@effect-spotnana/engine/Json"
import * as Effect from "effect/Effect"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import * as Stream from "effect/Stream"

type Failure = HttpClientError.HttpClientError

/** Every HTTP client ends a body at its stated length. If it decompresses the body, that says nothing. */
const isKnownToBeShort = ({ headers }: HttpClientResponse.HttpClientResponse, limit: number): boolean =>
  Number(headers["content-length"]) <= limit && headers["content-encoding"] === undefined

const readInPieces = (
  { stream }: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Uint8Array, Failure | "TooLarge"> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    const read = Stream.runForEach(stream, (chunk) => {
      chunks.push(chunk)
      return (size += chunk.length) > limit ? Effect.fail("TooLarge" as const) : Effect.void
    })
    return Effect.map(read, () => {
      const bytes = new Uint8Array(size)
      let offset = 0
      for (const chunk of chunks) {
        bytes.set(chunk, offset)
        offset += chunk.length
      }
      return bytes
    })
  })

/**
 * Reads a body up to `limit` bytes, counted after decompression, and closes the
 * connection if it is larger. So neither a decompression bomb nor an endless
 * answer fills the memory.
 *
 * A body that is known to be short is read whole, because a stream takes 4 ms of
 * each start.
 */
export const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Body, Failure> => {
  const whole = Effect.map(response.arrayBuffer, (bytes) => new Uint8Array(bytes))
  // A client that logs answers has read the body already, and keeps the bytes. The stream is then empty, or dies.
  const read = isKnownToBeShort(response, limit) ? whole : readInPieces(response, limit).pipe(
    Effect.flatMap((bytes) =>
      bytes.length > 0 ? Effect.succeed(bytes) : Effect.catchCause(whole, () => Effect.succeed(bytes))
    ),
    Effect.catchDefect((defect) => Effect.catchCause(whole, () => Effect.die(defect)))
  )
  return Effect.catch(read, (error) => {
    if (error === "TooLarge") return Effect.succeed<Body>("TooLarge")
    // A response without a body has no stream. Its body counts as empty.
    return error.reason._tag === "EmptyBodyError" ? Effect.succeed<Body>(new Uint8Array()) : Effect.fail(error)
  })
}

// The body may be endless, or may never arrive. The time is in milliseconds.
const maxShortBodySize = 65_536
const shortBodyTimeout = 2_000

/** Reads a body of at most 64 KiB within two seconds. Otherwise the result is empty, and the connection is closed. */
export const readShortBody = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Uint8Array> =>
  readBody(response, maxShortBodySize).pipe(
    Effect.timeoutOrElse({ duration: shortBodyTimeout, orElse: () => Effect.succeed<Body>("TooLarge") }),
    Effect.catchCause(() => Effect.succeed<Body>("TooLarge")),
    Effect.map((body) => body === "TooLarge" ? new Uint8Array() : body)
  )

/** The JSON object in the body of an error; an empty object if there is none within two seconds and 64 KiB. */
export const readErrorBody = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<JsonObject> => Effect.map(readShortBody(response), (body) => objectOfBody(body) ?? {})
