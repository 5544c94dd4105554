import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import { usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"

/**
 * A new file that this user alone can read, made before there is anything to write: what is shown once is not to be lost
 * because there is no place for it. It goes again where nothing was written.
 */
export const reserve = (
  file: string
): Effect.Effect<(content: string) => Effect.Effect<void, Failure>, Failure, FileSystem.FileSystem | Scope.Scope> =>
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
    return (content) => Effect.tap(write(content, "w"), () => Effect.sync(() => void (isWritten = true)))
  })
