import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { rootOf, usageFailure } from "../exitCode.ts"
import type { Failure } from "../exitCode.ts"

/**
 * The bytes that `--data` stands for: those of a file (`@file`), of stdin (`-`), or its own.
 *
 * They are read as a whole: a body that can be sent once only could not be sent again with a new token.
 */
export const readData = (
  data: string
): Effect.Effect<Uint8Array, Failure, FileSystem.FileSystem | Stdio.Stdio> => {
  const read: Effect.Effect<Uint8Array, PlatformError, FileSystem.FileSystem | Stdio.Stdio> =
    data === "-" || data === "@-"
      ? Stdio.Stdio.use(({ stdin }) => Stream.mkUint8Array(stdin))
      : data.startsWith("@")
      ? FileSystem.FileSystem.use((fs) => fs.readFile(data.slice(1)))
      : Effect.succeed(new TextEncoder().encode(data))
  return Effect.mapError(read, (error) => usageFailure(`--data ${data} cannot be read: ${rootOf(error)}`))
}
