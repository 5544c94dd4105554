import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"

/**
 * Puts a file that this user alone can read in the place of another one, at once: a reader finds the old content or the new
 * one. If it fails, the old file stays.
 */
export const replaceFile = (
  file: string,
  content: string
): Effect.Effect<void, PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    // Under another name first: a file that is there keeps its mode, and a link what it leads to.
    const draft = `${file}.${process.pid}`
    const opened = yield* fs.open(draft, { flag: "wx", mode: 0o600 })
    yield* opened.writeAll(new TextEncoder().encode(content)).pipe(
      Effect.andThen(opened.sync),
      Effect.andThen(fs.rename(draft, file)),
      Effect.onError(() => Effect.ignore(fs.remove(draft)))
    )
  }).pipe(Effect.scoped)
