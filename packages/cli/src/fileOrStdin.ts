import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { rootOf, usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"

/** The bytes of a file, or with `-` those of stdin. */
export const bytesOf = (
  file: string
): Effect.Effect<Uint8Array, Failure, FileSystem.FileSystem | Stdio.Stdio> => {
  const read: Effect.Effect<Uint8Array, PlatformError, FileSystem.FileSystem | Stdio.Stdio> = file === "-"
    ? Stdio.Stdio.use(({ stdin }) => Stream.mkUint8Array(stdin))
    : FileSystem.FileSystem.use((fs) => fs.readFile(file))
  return Effect.mapError(read, (error) => usageFailure(`${nameOf(file)} cannot be read: ${rootOf(error)}`))
}

/** The same as text. */
export const textOf = (
  file: string
): Effect.Effect<string, Failure, FileSystem.FileSystem | Stdio.Stdio> =>
  Effect.map(bytesOf(file), (bytes) => new TextDecoder().decode(bytes))

/** The name of a file in a message. */
export const nameOf = (file: string): string => file === "-" ? "stdin" : file
