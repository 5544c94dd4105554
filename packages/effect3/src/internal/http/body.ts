import type { Body, JsonObject } from "@effect-spotnana/engine/Json"
import { objectOfBody } from "@effect-spotnana/engine/Json"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/**
 * Reads a body up to `limit` bytes, counted after decompression, and closes the
 * connection on a larger one: neither a bomb nor an endless answer fills memory.
 */
export const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Body, HttpClientError.ResponseError> =>
  Effect.suspend(() => {
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
        // A response without a body has no stream: that is an empty one.
        return error.reason === "EmptyBody" ? Effect.succeed<Body>(new Uint8Array()) : Effect.fail(error)
      })
    )
  })

// Not every body is worth a wait: it may be endless, or never come.
const maxShortBodySize = 65_536
const shortBodyTimeout = Duration.seconds(2)

/** A body that is read within two seconds and has 64 KiB at most; otherwise none of it, and the connection is closed. */
export const readShortBody = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Uint8Array> =>
  readBody(response, maxShortBodySize).pipe(
    // Before it is raced with a timer: a fiber that fails is logged with its error, which has the request.
    Effect.orElseSucceed(() => "TooLarge" as const),
    Effect.timeoutOption(shortBodyTimeout),
    Effect.map((body) => Option.isNone(body) || body.value === "TooLarge" ? new Uint8Array() : body.value)
  )

/** The JSON object in the body of an error; an empty one where there is none within two seconds and 64 KiB. */
export const readErrorBody = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<JsonObject> => Effect.map(readShortBody(response), (body) => objectOfBody(body) ?? {})
