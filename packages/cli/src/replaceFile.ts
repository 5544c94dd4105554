import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { systemError } from "effect/PlatformError"
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"

/** A user and a group. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Gives an open file to another user. Not by its name, for which Effect has a function: in a directory of that user, the
 * name may lead to another file by now, and the user would get that one.
 */
const chown = (file: FileSystem.File, { gid, uid }: Owner): Effect.Effect<void, PlatformError> =>
  Effect.try({
    try: () => {
      if (!Predicate.hasProperty(file, "fd") || !Predicate.isNumber(file.fd)) throw new TypeError("no file descriptor")
      process.getBuiltinModule("node:fs").fchownSync(file.fd, uid, gid)
    },
    catch: (cause) => systemError({ _tag: "Unknown", module: "FileSystem", method: "chown", cause })
  })

/**
 * Atomically replaces a file by one that only its owner can read: a reader finds either the old or the new content. If
 * it fails, the old file stays. The owner is this user, unless another one is named.
 */
export const replaceFile = (
  file: string,
  content: string,
  owner?: Owner
): Effect.Effect<void, PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    // Written under another name first, because an existing file would keep its mode, and a link its target.
    const draft = `${file}.${process.pid}`
    // A process with the same number may have been killed while it wrote. In a container, the number is always the same.
    yield* Effect.ignore(fs.remove(draft))
    const opened = yield* fs.open(draft, { flag: "wx", mode: 0o600 })
    const give = owner === undefined ? Effect.void : chown(opened, owner)
    yield* opened.writeAll(new TextEncoder().encode(content)).pipe(
      Effect.andThen(opened.sync),
      Effect.andThen(give),
      Effect.andThen(fs.rename(draft, file)),
      Effect.onError(() => Effect.ignore(fs.remove(draft)))
    )
  }).pipe(Effect.scoped)
