import { printable } from "@effect-spotnana/engine/Text"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpClientResponse } from "effect/http"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isJson } from "../isJson.ts"

const limit = 1024 * 1024
const patience = Duration.seconds(3)

/** What was read of a body, and why reading ended. */
interface Read {
  readonly bytes: Uint8Array
  readonly end: "whole" | "too large" | "too slow" | "broken"
}

/** Reads at most this much for at most this long, because a body may be endless, or never arrive. */
const read = ({ stream }: HttpClientResponse.HttpClientResponse): Effect.Effect<Read> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    return stream.pipe(
      Stream.takeUntil((chunk) => {
        chunks.push(chunk)
        size += chunk.length
        return size > limit
      }),
      Stream.runDrain,
      Effect.map((): Read["end"] => size > limit ? "too large" : "whole"),
      // A response without a body has no stream.
      Effect.catch((error) => Effect.succeed<Read["end"]>(error.reason._tag === "EmptyBodyError" ? "whole" : "broken")),
      Effect.timeoutOption(patience),
      Effect.map((end) => ({ bytes: Buffer.concat(chunks), end: Option.getOrElse(end, () => "too slow" as const) }))
    )
  })

const wordsFor = {
  "too large": `more than ${limit / 1024} KiB`,
  "too slow": `a body that has no end within ${Duration.format(patience)}`,
  broken: "a body that breaks off"
}

/** What is unexpected about the body of an answer of the API, which should be JSON; undefined if nothing is. */
export const oddityOf = (
  response: HttpClientResponse.HttpClientResponse,
  secrets: ReadonlyArray<string>
): Effect.Effect<string | undefined> =>
  Effect.map(read(response), ({ bytes, end }) => {
    const text = new TextDecoder().decode(bytes)
    const type = printable(response.headers["content-type"] ?? "", secrets) || "no content type"
    if (/^\s*</.test(text) || /html/i.test(type)) {
      const [, title = ""] = /<title[^>]*>(.*?)<\/title>/is.exec(text) ?? []
      const name = printable(title, secrets)
      return `a page of HTML${name === "" ? "" : ` (${name})`}`
    }
    if (end !== "whole") return wordsFor[end]
    if (bytes.length === 0) return response.status === 204 ? undefined : "no body"
    return isJson(text) ? undefined : `a body that is not JSON (${type})`
  })
