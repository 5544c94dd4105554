import { Flag } from "effect/cli"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"
import { Output } from "./output.ts"

/** The flags of every command that needs credentials. None takes a secret: other users can read arguments. */
export const flags = {
  envFile: Flag.File("env-file", { mustExist: true }).pipe(
    Flag.optional,
    Flag.withDescription("Take SPOTNANA_… variables from this file, before those of the environment")
  )
}

export interface Input {
  readonly envFile: Option.Option<string>
}

const readFile = (file: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const output = yield* Output
    const { mode } = yield* fs.stat(file)
    if ((mode & 0o044) !== 0) yield* output.warn(`${file} can be read by others. Close it: chmod go= ${file}`)
    return yield* ConfigProvider.fromDotEnv({ path: file })
  })

/** The variables of the environment and of the file. */
export const layer = (input: Input): Layer.Layer<never, Failure, FileSystem.FileSystem | Output> =>
  Layer.effect(
    ConfigProvider.ConfigProvider,
    Effect.gen(function*() {
      const environment = yield* ConfigProvider.ConfigProvider
      if (Option.isSome(input.envFile)) {
        return ConfigProvider.orElse(yield* readFile(input.envFile.value), environment)
      }
      const isThere = yield* FileSystem.FileSystem.use((fs) => fs.exists(".env"))
      return isThere ? ConfigProvider.orElse(environment, yield* readFile(".env")) : environment
    }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(usageFailure(error.message))))
  )
