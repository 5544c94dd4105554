import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"

/** Whether other users have any access to a file. On Windows, the mode does not show that. */
export const isOpenToOthers = (
  file: string
): Effect.Effect<boolean, PlatformError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const { mode } = yield* FileSystem.FileSystem.use((fs) => fs.stat(file))
    return (yield* Path.Path).sep === "/" && (mode & 0o077) !== 0
  })
