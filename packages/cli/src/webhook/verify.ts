import { Webhook } from "@effect-spotnana/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { exitCode, Failure, usageFailure } from "../exitCode.ts"
import { bytesOf, textOf } from "../fileOrStdin.ts"
import { Output } from "../output.ts"
import { examine } from "./examine.ts"
import { parseHeader, parseHeaders } from "./headers.ts"
import type { Header } from "./headers.ts"

export interface Input {
  readonly file: string
  readonly header: ReadonlyArray<string>
  readonly headersFile: Option.Option<string>
  readonly tolerance: Option.Option<Duration.Duration>
  readonly json: boolean
}

const headersOf = ({ file, header, headersFile }: Input) =>
  Effect.gen(function*() {
    if (file === "-" && Option.contains(headersFile, "-")) {
      return yield* usageFailure("stdin has either the body or the headers: name a file for one of them.")
    }
    const given = yield* Effect.forEach(header, (text): Effect.Effect<Header, Failure> =>
      Option.match(parseHeader(text), {
        onNone: () =>
          Effect.fail(usageFailure("--header cannot be used: Expected \"Name: value\" on one line")),
        onSome: Effect.succeed
      }))
    const recorded = Option.isSome(headersFile) ? parseHeaders(yield* textOf(headersFile.value)) : []
    return [...recorded, ...given]
  })

/** Says whether a delivery was signed with one of the secrets, and what is wrong with it if it was not. */
export const verify = (input: Input) =>
  Effect.gen(function*() {
    const output = yield* Output
    const secrets = yield* Webhook.secrets
    const headers = yield* headersOf(input)
    const body = yield* bytesOf(input.file)
    const finding = yield* examine({ headers, body }, {
      secrets,
      tolerance: Option.getOrUndefined(input.tolerance)
    })
    if (input.json) yield* output.line(JSON.stringify(finding))
    if (finding.ok) {
      return input.json
        ? undefined
        : yield* output.line(`${finding.id} was signed at ${finding.timestamp}`)
    }
    const { advice, message, problem } = finding
    return yield* new Failure({
      // Everything has been printed.
      message: input.json ? "" : [`${problem}: ${message}`, ...(advice === undefined ? [] : [advice])].join("\n"),
      exitCode: exitCode.fault
    })
  })
