import { Flag } from "effect/cli"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import { usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"
import { isOpenToOthers } from "./openToOthers.ts"
import { Output } from "./output.ts"

/** The flags of every command that needs credentials. None takes a secret: whoever lists the processes reads arguments. */
export const flags = {
  // Not `--env-file`: Node takes that for itself, wherever among the arguments it stands.
  credentialsFile: Flag.File("credentials-file", { mustExist: true }).pipe(
    Flag.optional,
    Flag.withDescription("Take SPOTNANA_ variables from this file, before those of the environment")
  )
}

export interface Input {
  readonly credentialsFile: Option.Option<string>
}

/** Where variables are looked for. */
interface Source {
  readonly name: string
  readonly provider: ConfigProvider.ConfigProvider
  readonly warning?: string
}

/** The variables, and which source each of them is from. */
export interface Configuration {
  readonly provider: ConfigProvider.ConfigProvider
  readonly sourceOf: (variable: string) => Effect.Effect<string | undefined, Config.ConfigError>
  /** What its user should see to. */
  readonly warnings: ReadonlyArray<string>
}

/** Of a file only what is meant for this command counts: it does not say where this user's home is. */
const onlySpotnana = (provider: ConfigProvider.ConfigProvider): ConfigProvider.ConfigProvider =>
  ConfigProvider.make((path) =>
    typeof path[0] === "string" && path[0].startsWith("SPOTNANA_") ? provider.load(path) : Effect.undefined
  )

const fromFile = (file: string): Effect.Effect<Source, Failure, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const isOpen = yield* isOpenToOthers(file)
    const provider = onlySpotnana(yield* ConfigProvider.fromDotEnv({ path: file }))
    return isOpen
      ? { name: file, provider, warning: `${file} is open to others. Close it: chmod go= ${file}` }
      : { name: file, provider }
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(usageFailure(`${file}: ${error.message}`))))

const has = ({ provider }: Source, variable: string): Effect.Effect<boolean, Config.ConfigError> =>
  Effect.map(Config.String(variable).pipe(Config.withDefault("")).parse(provider), (value) => value !== "")

/**
 * The file of the working directory may be anybody's: one that came with a repository, say. It does not get to say where a
 * secret is sent that it does not know.
 */
const assertNoRedirection = (environment: Source, file: Source): Effect.Effect<void, Failure | Config.ConfigError> =>
  Effect.gen(function*() {
    const isRedirected = (yield* has(environment, "SPOTNANA_CLIENT_SECRET")) &&
      !(yield* has(environment, "SPOTNANA_BASE_URL")) && (yield* has(file, "SPOTNANA_BASE_URL"))
    if (isRedirected) {
      return yield* usageFailure(
        `The client secret is in the environment, and ${file.name} in this directory says where it would be sent. ` +
          `If that is meant, set SPOTNANA_BASE_URL in the environment, or name the file: --credentials-file ${file.name}`
      )
    }
  })

const implicitFile = ".env"

const sourcesOf = (
  input: Input,
  environment: Source
): Effect.Effect<
  ReadonlyArray<Source>,
  Failure | Config.ConfigError,
  FileSystem.FileSystem | Path.Path
> =>
  Effect.gen(function*() {
    // What was named on the command line is meant; what lies about is for what nobody has said otherwise.
    if (Option.isSome(input.credentialsFile)) return [yield* fromFile(input.credentialsFile.value), environment]
    const isThere = yield* FileSystem.FileSystem.use((fs) => Effect.orElseSucceed(fs.exists(implicitFile), () => false))
    if (!isThere) return [environment]
    const file = yield* fromFile(implicitFile)
    yield* assertNoRedirection(environment, file)
    return [environment, file]
  })

/** Looks for the variables where the command line says. */
export const read = (
  input: Input
): Effect.Effect<Configuration, Failure | Config.ConfigError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const environment: Source = { name: "the environment", provider: yield* ConfigProvider.ConfigProvider }
    const sources = yield* sourcesOf(input, environment)
    return {
      provider: sources.map(({ provider }) => provider).reduce((first, second) => ConfigProvider.orElse(first, second)),
      sourceOf: (variable) =>
        Effect.gen(function*() {
          for (const source of sources) {
            if (yield* has(source, variable)) return source.name
          }
          return undefined
        }),
      warnings: sources.flatMap(({ warning }) => warning === undefined ? [] : [warning])
    }
  })

/** The variables of the environment and of the file, for `Config`. */
export const layer = (
  input: Input
): Layer.Layer<never, Failure | Config.ConfigError, FileSystem.FileSystem | Path.Path | Output> =>
  Layer.effect(
    ConfigProvider.ConfigProvider,
    Effect.gen(function*() {
      const { provider, warnings } = yield* read(input)
      const output = yield* Output
      yield* Effect.forEach(warnings, output.warn)
      return provider
    })
  )
