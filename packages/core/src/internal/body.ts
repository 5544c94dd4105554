import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"

/** What was read of a body: its bytes, or no more than that there were too many. */
export type Body = Uint8Array | "TooLarge"

/**
 * Reads a body up to `limit` bytes, counted after decompression, and closes the
 * connection on a larger one: neither a bomb nor an endless answer fills memory.
 */
export const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Body, HttpClientError.HttpClientError> =>
  Stream.runFoldEffect(response.stream, () => ({ size: 0, chunks: [] as Array<Uint8Array> }), (read, chunk) => {
    read.size += chunk.length
    read.chunks.push(chunk)
    return read.size > limit ? Effect.fail("TooLarge" as const) : Effect.succeed(read)
  }).pipe(
    Effect.map(({ chunks, size }): Body => {
      const bytes = new Uint8Array(size)
      let offset = 0
      for (const chunk of chunks) {
        bytes.set(chunk, offset)
        offset += chunk.length
      }
      return bytes
    }),
    Effect.catch((error) => {
      if (error === "TooLarge") return Effect.succeed<Body>("TooLarge")
      // A response without a body has no stream: that is an empty one.
      return error.reason._tag === "EmptyBodyError" ? Effect.succeed<Body>(new Uint8Array()) : Effect.fail(error)
    })
  )

/** The JSON object in a body; none when it is not UTF-8, not JSON or not an object. */
export const jsonObject = (body: Body): Option.Option<Readonly<Record<string, unknown>>> => {
  if (body === "TooLarge") return Option.none()
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body))
    return Predicate.isObject(json) ? Option.some(json as Readonly<Record<string, unknown>>) : Option.none()
  } catch {
    return Option.none()
  }
}

// What an error says is worth a moment, not a hang: its body may be endless or never come.
const maxErrorBodySize = 65_536
const errorBodyTimeout = Duration.seconds(2)

/** The JSON object in the body of an error; an empty one where there is none within two seconds and 64 KiB. */
export const readErrorBody = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Readonly<Record<string, unknown>>> =>
  readBody(response, maxErrorBodySize).pipe(
    Effect.timeoutOption(errorBodyTimeout),
    Effect.orElseSucceed(Option.none),
    Effect.map((body) => Option.getOrElse(Option.flatMap(body, jsonObject), () => ({})))
  )
