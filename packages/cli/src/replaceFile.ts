import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"

/**
 * Atomically replaces a file by one that only this user can read: a reader finds either the old or the new content. If
 * it fails, the old file stays.
 */
export const replaceFile = (
  file: string,
  content: string
): Effect.Effect<void, PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    // Written under another name first, because an existing file would keep its mode, and a link its target.
    const draft = `${file}.${process.pid}`
    const opened = yield* fs.open(draft, { flag: "wx", mode: 0o600 })
    yield* opened.writeAll(new TextEncoder().encode(content)).pipe(
      Effect.andThen(opened.sync),
      Effect.andThen(fs.rename(draft, file)),
      Effect.onError(() => Effect.ignore(fs.remove(draft)))
    )
  }).pipe(Effect.scoped)
