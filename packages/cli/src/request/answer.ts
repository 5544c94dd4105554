import { SpotnanaApiError } from "@effect-spotnana/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpClientResponse } from "effect/http"
import type { HttpClientError } from "effect/http"
import * as Stream from "effect/Stream"
import { exitCode, Failure } from "../exitCode.ts"
import { Output } from "../output.ts"
import type { Style } from "../output.ts"
import { readable } from "./readable.ts"

type Response = HttpClientResponse.HttpClientResponse

/** A response without a body has no stream. Its body counts as empty. */
const bodyOf = ({ stream }: Response): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> =>
  Stream.catchIf(stream, (error) => error.reason._tag === "EmptyBodyError", () => Stream.empty)

const statusText = ({ status }: Response, style: Style): string =>
  (status < 300 ? style.green : status < 400 ? style.yellow : style.red)(`HTTP ${status}`)

const head = (response: Response, style: Style): string =>
  [
    statusText(response, style),
    ...Object.entries(response.headers).map(([name, value]) => `${style.cyan(name)}: ${value}`),
    ""
  ].join("\n")

/** The failure for an answer that is not 2xx, with Spotnana's error text. */
const failureOf = (
  response: Response,
  body: Uint8Array
): Effect.Effect<Failure | SpotnanaApiError.SpotnanaApiError> => {
  const { headers: { location }, request, status } = response
  if (status >= 400) {
    return SpotnanaApiError.fromResponse(
      HttpClientResponse.fromWeb(request, new Response(new Uint8Array(body), { status }))
    )
  }
  const where = location === undefined ? "" : `, a redirect to ${location} that is not followed`
  return Effect.succeed(new Failure({ message: `The answer is ${status}${where}.`, exitCode: exitCode.redirection }))
}

/**
 * Prints the body to stdout and the status to stderr. With `include`, it prints status and headers to stdout, before
 * the body.
 */
export const printAnswer = (
  response: Response,
  { include, took }: { readonly include: boolean; readonly took: Duration.Duration }
): Effect.Effect<void, Failure | SpotnanaApiError.SpotnanaApiError | HttpClientError.HttpClientError, Output> =>
  Effect.gen(function*() {
    const output = yield* Output
    const { isTerminal, noteStyle, style, write } = output
    yield* include
      ? output.line(head(response, style))
      : output.note(
        `${statusText(response, noteStyle)} ${noteStyle.dim(`in ${Math.round(Duration.toMillis(took))} ms`)}`
      )
    const isSuccess = response.status >= 200 && response.status < 300
    // Piped output is streamed unchanged.
    if (isSuccess && !isTerminal) return yield* Stream.runForEach(bodyOf(response), write)
    const body = yield* Stream.mkUint8Array(bodyOf(response))
    if (body.length > 0) yield* isTerminal ? output.line(readable(body, style)) : write(body)
    if (!isSuccess) return yield* yield* failureOf(response, body)
  })
