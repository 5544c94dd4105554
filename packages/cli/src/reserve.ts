import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
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
    const failed = (error: PlatformError): Failure =>
      usageFailure(
        error.reason._tag === "AlreadyExists"
          ? `${file} already exists. Name another file.`
          : `${file}: ${rootOf(error)}`
      )
    let isWritten = false
    const opened = yield* Effect.acquireRelease(
      Effect.mapError(fs.open(file, { flag: "wx", mode: 0o600 }), failed),
      () => isWritten ? Effect.void : Effect.ignore(fs.remove(file))
    )
    // Into the file that was opened, and not to its name: in a directory where another user may rename files, the name
    // may lead to a file of that user by now.
    return (content) =>
      opened.writeAll(new TextEncoder().encode(content)).pipe(
        Effect.andThen(opened.sync),
        Effect.andThen(Effect.sync(() => void (isWritten = true))),
        Effect.mapError(failed)
      )
  })
