import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Stdio from "effect/Stdio"
import type { Failure } from "../exitCode.ts"
import { bytesOf } from "../fileOrStdin.ts"

/**
 * The bytes of `--data`: those of a file (`@file`), of stdin (`-`), or of the text itself.
 *
 * They are read completely, because a body that can be sent only once could not be sent again with a new token.
 */
export const readData = (
  data: string
): Effect.Effect<Uint8Array, Failure, FileSystem.FileSystem | Stdio.Stdio> =>
  data === "-" || data === "@-"
    ? bytesOf("-")
    : data.startsWith("@")
    ? bytesOf(data.slice(1))
    : Effect.succeed(new TextEncoder().encode(data))
