import { SecretFiles } from "@effect-spotnana/core"
import { Flag } from "effect/cli"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"
import { isOpenToOthers } from "./openToOthers.ts"
import { Output } from "./output.ts"

/** The flags of every command that needs credentials. None takes a secret: whoever lists the processes reads arguments. */
export const flags = {
  // Not `--env-file`: Node takes that for itself, wherever among the arguments it stands.
  // Nor a file that must be one: `<(vault read …)` is a pipe.
  credentialsFile: Flag.Path("credentials-file").pipe(
    Flag.withMetavar("file"),
    Flag.optional,
    Flag.withDescription("Read SPOTNANA_ variables from this file first, then from the environment")
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

const isSpotnana = (path: ConfigProvider.Path): boolean =>
  typeof path[0] === "string" && path[0].startsWith("SPOTNANA_")

/** Of a file only what is meant for this command counts: it does not say where this user's home is. */
const onlySpotnana = (provider: ConfigProvider.ConfigProvider): ConfigProvider.ConfigProvider =>
  ConfigProvider.make((path) => isSpotnana(path) ? provider.load(path) : Effect.undefined)

/** What has no value is not there, also where other names begin with its own, as that of its `_FILE` does. */
const onlyValues = (provider: ConfigProvider.ConfigProvider): ConfigProvider.ConfigProvider =>
  ConfigProvider.make((path) =>
    Effect.map(provider.load(path), (node) => isSpotnana(path) && node?.value === undefined ? undefined : node)
  )

const isUtf16 = (bytes: Uint8Array): boolean =>
  bytes[0] === 0xff && bytes[1] === 0xfe || bytes[0] === 0xfe && bytes[1] === 0xff || bytes.includes(0)

/** A source that says itself what is in which file. */
const withFiles = (source: Source): Effect.Effect<Source, never, FileSystem.FileSystem> =>
  Effect.map(SecretFiles.withFiles(source.provider), (provider) => ({ ...source, provider: onlyValues(provider) }))

/** The text of a file, without the byte order mark that editors put before it. */
const decode = (file: string, bytes: Uint8Array): Effect.Effect<string, Failure> =>
  Effect.try({
    try: () => {
      if (isUtf16(bytes)) throw new TypeError("UTF-16")
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    },
    catch: () =>
      usageFailure(
        `${file} is not in UTF-8${isUtf16(bytes) ? ", but in UTF-16" : ""}. Save it as UTF-8; in PowerShell: ` +
          `(Get-Content ${file}) | Set-Content -Encoding utf8 ${file}`
      )
  })

/** The text of a file of variables. */
export const readText = (file: string): Effect.Effect<string, Failure | PlatformError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem.use((fs) => fs.readFile(file)), (bytes) => decode(file, bytes))

/** Read once: what a pipe had is gone then. */
const fromFile = (file: string): Effect.Effect<Source, Failure, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const isOpen = yield* isOpenToOthers(file)
    const content = yield* readText(file)
    const provider = onlyValues(onlySpotnana(ConfigProvider.fromDotEnvContents(content)))
    return isOpen
      ? { name: file, provider, warning: `${file} can be read by others. Correct it: chmod go= ${file}` }
      : { name: file, provider }
  }).pipe(Effect.catchTag("PlatformError", (error) => {
    const what = error.reason._tag === "NotFound"
      ? "there is no such file. The mock removes its file at its end"
      : error.message
    return Effect.fail(usageFailure(`${file}: ${what}`))
  }))

const has = ({ provider }: Source, variable: string): Effect.Effect<boolean, Config.ConfigError> =>
  Effect.map(Config.String(variable).pipe(Config.withDefault("")).parse(provider), (value) => value !== "")

/** What decides where a secret is sent, or who can read the token that is kept: without the secret it is not for a file to say. */
const decisive = {
  SPOTNANA_BASE_URL: "where it would be sent",
  SPOTNANA_ENVIRONMENT: "where it would be sent",
  SPOTNANA_TOKEN_STORE_KEYS: "with which key its token would be kept"
}

/**
 * The file of the working directory may be anybody's: one that came with a repository, say. It does not get to decide about
 * a secret that it does not know.
 */
const assertOwnSecret = (environment: Source, file: Source): Effect.Effect<void, Failure | Config.ConfigError> =>
  Effect.gen(function*() {
    if (!(yield* has(environment, "SPOTNANA_CLIENT_SECRET"))) return
    for (const [variable, what] of Object.entries(decisive)) {
      if ((yield* has(file, variable)) && !(yield* has(environment, variable))) {
        return yield* usageFailure(
          `The client secret is in the environment, and ${file.name} in this directory says ${what} (${variable}). ` +
            `If you mean that, set ${variable} in the environment, or name the file: --credentials-file ${file.name}`
        )
      }
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
    if (Option.isSome(input.credentialsFile)) {
      return [yield* withFiles(yield* fromFile(input.credentialsFile.value)), environment]
    }
    const isThere = yield* FileSystem.FileSystem.use((fs) => Effect.orElseSucceed(fs.exists(implicitFile), () => false))
    if (!isThere) return [environment]
    // It names no file of this user's that would be sent to an address which it names too.
    const file = yield* fromFile(implicitFile)
    yield* assertOwnSecret(environment, file)
    return [environment, file]
  })

/** Looks for the variables where the command line says. */
export const read = (
  input: Input
): Effect.Effect<Configuration, Failure | Config.ConfigError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const environment = yield* withFiles({ name: "the environment", provider: yield* ConfigProvider.ConfigProvider })
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
