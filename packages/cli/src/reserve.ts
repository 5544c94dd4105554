import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import { rootOf, usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"

/**
 * Makes a new file that only this user can read, before there is anything to write. So a secret that is shown only once
 * is not lost because it cannot be stored. If nothing was written, the file is removed again.
 */
export const reserve = (
  file: string
): Effect.Effect<(content: string) => Effect.Effect<void, Failure>, Failure, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const write = (content: string, flag: "w" | "wx") =>
      Effect.mapError(
        fs.writeFileString(file, content, { flag, mode: 0o600 }),
        (error) =>
          usageFailure(
            error.reason._tag === "AlreadyExists"
              ? `${file} already exists. Name another file.`
              : `${file}: ${rootOf(error)}`
          )
      )
    let isWritten = false
    yield* Effect.acquireRelease(
      write("", "wx"),
      () => Effect.suspend(() => isWritten ? Effect.void : Effect.ignore(fs.remove(file)))
    )
    return (content) => Effect.tap(write(content, "w"), () => Effect.sync(() => void (isWritten = true)))
  })
