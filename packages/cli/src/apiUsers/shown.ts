import type { ApiUsers, Credentials } from "@effect-spotnana/core"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"

/** What Spotnana shows once: an API user's secret, or its SCIM token. */
export type Shown = Credentials.ClientCredentials | ApiUsers.ScimToken

/** The fields as Spotnana names them. */
export const toJson = (shown: Shown): string =>
  JSON.stringify(
    "scimToken" in shown
      ? { clientId: shown.clientId, scimToken: Redacted.value(shown.scimToken) }
      : { clientId: shown.clientId, clientSecret: Redacted.value(shown.clientSecret) }
  )

/** In the one of the quotes that it does not have. A line break it does not have either: the core refuses that. */
const quoted = (value: string): string => {
  const quote = ["'", "\"", "`"].find((quote) => !value.includes(quote)) ?? "'"
  return quote + value + quote
}

/** Lines `NAME=value`, which `--credentials-file` takes. */
export const toVariables = (shown: Shown): string =>
  ("scimToken" in shown
    ? [
      `# The SCIM API user ${shown.clientId}`,
      `SPOTNANA_SCIM_TOKEN=${quoted(Redacted.value(shown.scimToken))}`
    ]
    : [
      `SPOTNANA_CLIENT_ID=${quoted(shown.clientId)}`,
      `SPOTNANA_CLIENT_SECRET=${quoted(Redacted.value(shown.clientSecret))}`
    ]).join("\n")

/**
 * A new file that this user alone can read, made before there is anything to write: what is shown once is not to be lost
 * because there is no place for it. It goes again where nothing was written.
 */
export const reserve = (
  file: string
): Effect.Effect<(shown: Shown) => Effect.Effect<void, Failure>, Failure, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const write = (content: string, flag: "w" | "wx") =>
      Effect.mapError(
        fs.writeFileString(file, content, { flag, mode: 0o600 }),
        ({ message, reason }) =>
          usageFailure(
            reason._tag === "AlreadyExists" ? `${file} is there already. Name another file.` : `${file}: ${message}`
          )
      )
    let isWritten = false
    yield* Effect.acquireRelease(
      write("", "wx"),
      () => Effect.suspend(() => isWritten ? Effect.void : Effect.ignore(fs.remove(file)))
    )
    return (shown) =>
      Effect.tap(write(`${toVariables(shown)}\n`, "w"), () => Effect.sync(() => void (isWritten = true)))
  })
