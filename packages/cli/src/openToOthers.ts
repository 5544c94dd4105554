import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"

/** Which other users can read a file. */
export type Readers = "owner" | "others"

const root = 0

/**
 * Another owner can read and change the file whatever its mode is. Root can do that with every file, so a file of root
 * is no exception. Without a user, as on Windows, files have neither owner nor mode.
 */
export const readersOf = (
  { mode, owner }: { readonly mode: number; readonly owner: number | undefined },
  user: number | undefined
): Readers | undefined => {
  if (user === undefined) return undefined
  if (owner !== undefined && owner !== user && owner !== root) return "owner"
  return (mode & 0o077) === 0 ? undefined : "others"
}

/** Which other users can read a file, and a sentence that says so. */
export interface Exposure {
  readonly readers: Readers
  readonly message: string
}

/** Whether other users can read a file or a directory. */
export const exposureOf = (
  place: string
): Effect.Effect<Exposure | undefined, PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { mode, type, uid } = yield* FileSystem.FileSystem.use((fs) => fs.stat(place))
    // Such as /dev/null, which keeps nothing: everybody may use it, and must go on to.
    if (type === "CharacterDevice") return undefined
    // A pipe belongs to the user of the program that writes it, and is read once.
    const owner = type === "File" || type === "Directory" ? Option.getOrUndefined(uid) : undefined
    const readers = readersOf({ mode, owner }, process.geteuid?.())
    if (readers === undefined) return undefined
    return {
      readers,
      message: readers === "others"
        ? `${place} can be read by others.`
        : `${place} belongs to another user (uid ${owner}), who can read and change it.`
    }
  })
