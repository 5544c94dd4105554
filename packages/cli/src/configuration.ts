import { SecretFiles } from "@effect-spotnana/core"
import { Flag } from "effect/cli"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import { rootOf, usageFailure } from "./exitCode.ts"
import type { Failure } from "./exitCode.ts"
import { exposureOf } from "./openToOthers.ts"
import type { Exposure } from "./openToOthers.ts"
import { Output } from "./output.ts"

/**
 * The flags of every command that needs credentials. None takes a secret, because every user who lists the processes
 * can read the arguments.
 */
export const flags = {
  // Not `--env-file`, because Node uses that flag itself, wherever it is in the arguments. The path may also be a pipe:
  // `<(vault read …)`.
  credentialsFile: Flag.Path("credentials-file").pipe(
    Flag.withMetavar("file"),
    Flag.optional,
    Flag.withDescription("Read SPOTNANA_ variables from this file first, then from the environment")
  )
}

export interface Input {
  readonly credentialsFile: Option.Option<string>
}

/** What a command sends besides the credentials. */
export interface Sent {
  /** Where a user's token is from: the name of a file, or stdin. */
  readonly subjectTokenFrom?: string
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
  /** Problems that the user should correct. */
  readonly warnings: ReadonlyArray<string>
}

const isSpotnana = (path: ConfigProvider.Path): boolean =>
  typeof path[0] === "string" && path[0].startsWith("SPOTNANA_")

/**
 * Reads only the variables of this command from a file. A file cannot set, for example, the home directory of the user.
 */
const onlySpotnana = (provider: ConfigProvider.ConfigProvider): ConfigProvider.ConfigProvider =>
  ConfigProvider.make((path) => isSpotnana(path) ? provider.load(path) : Effect.undefined)

/**
 * A variable without a value counts as absent, also if the names of other variables begin with its name, as with
 * `_FILE`.
 */
const onlyValues = (provider: ConfigProvider.ConfigProvider): ConfigProvider.ConfigProvider =>
  ConfigProvider.make((path) =>
    Effect.map(provider.load(path), (node) => isSpotnana(path) && node?.value === undefined ? undefined : node)
  )

const isUtf16 = (bytes: Uint8Array): boolean =>
  bytes[0] === 0xff && bytes[1] === 0xfe || bytes[0] === 0xfe && bytes[1] === 0xff || bytes.includes(0)

/** A source whose own variables name the files. */
const withFiles = (source: Source): Effect.Effect<Source, never, FileSystem.FileSystem> =>
  Effect.map(SecretFiles.withFiles(source.provider), (provider) => ({ ...source, provider: onlyValues(provider) }))

/** The text of a file, without the byte order mark that some editors write. */
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

const warningOf = (file: string, { message, readers }: Exposure): string =>
  `${message} ${
    readers === "others"
      ? `Correct it: chmod go= ${file}`
      : "Run this command as that user, or use a file of your own."
  }`

/** Read once, because a pipe can be read only once. */
const fromFile = (file: string): Effect.Effect<Source, Failure, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const exposure = yield* exposureOf(file)
    const content = yield* readText(file)
    const provider = onlyValues(onlySpotnana(ConfigProvider.fromDotEnvContents(content)))
    return exposure === undefined
      ? { name: file, provider }
      : { name: file, provider, warning: warningOf(file, exposure) }
  }).pipe(Effect.catchTag("PlatformError", (error) => {
    const what = error.reason._tag === "NotFound"
      ? "there is no such file. If a mock wrote it, the mock has ended: start it again."
      : rootOf(error)
    return Effect.fail(usageFailure(`${file}: ${what}`))
  }))

const has = ({ provider }: Source, variable: string): Effect.Effect<boolean, Config.ConfigError> =>
  Effect.map(Config.String(variable).pipe(Config.withDefault("")).parse(provider), (value) => value !== "")

/** A secret that the file in the working directory does not contain, and which variables decide about it. */
interface ForeignSecret {
  /** A sentence that says where it is, without a full stop. */
  readonly where: string
  /** What each variable decides. */
  readonly decisive: Readonly<Record<string, string>>
}

const address = { SPOTNANA_BASE_URL: "where it would be sent", SPOTNANA_ENVIRONMENT: "where it would be sent" }

const clientSecret: ForeignSecret = {
  where: "The client secret is in the environment",
  decisive: { ...address, SPOTNANA_TOKEN_STORE_KEYS: "with which key its token would be kept" }
}

/**
 * Anybody may have written the file in the working directory. It may, for example, come with a repository. So it must
 * not decide about a secret that it does not contain: not where the secret is sent, nor who can read its stored token.
 */
const assertNotDecided = (
  { decisive, where }: ForeignSecret,
  environment: Source,
  file: Source
): Effect.Effect<void, Failure | Config.ConfigError> =>
  Effect.gen(function*() {
    for (const [variable, what] of Object.entries(decisive)) {
      if ((yield* has(file, variable)) && !(yield* has(environment, variable))) {
        return yield* usageFailure(
          `${where}, and ${file.name} in this directory says ${what} (${variable}). ` +
            `If you want that, set ${variable} in the environment, or name the file: --credentials-file ${file.name}`
        )
      }
    }
  })

const implicitFile = ".env"

const sourcesOf = (
  input: Input,
  { subjectTokenFrom }: Sent,
  environment: Source
): Effect.Effect<
  ReadonlyArray<Source>,
  Failure | Config.ConfigError,
  FileSystem.FileSystem
> =>
  Effect.gen(function*() {
    // A file that the command line names has precedence over the environment. A file that only lies in the directory
    // does not.
    if (Option.isSome(input.credentialsFile)) {
      return [yield* withFiles(yield* fromFile(input.credentialsFile.value)), environment]
    }
    // A directory of this name is a virtual environment of Python.
    const isThere = yield* FileSystem.FileSystem.use((fs) => fs.stat(implicitFile)).pipe(
      Effect.map(({ type }) => type !== "Directory"),
      Effect.orElseSucceed(() => false)
    )
    if (!isThere) return [environment]
    // Without `_FILE`: otherwise this file could name both a file of the user and the address to which it is sent.
    const file = yield* fromFile(implicitFile)
    if (yield* has(environment, "SPOTNANA_CLIENT_SECRET")) yield* assertNotDecided(clientSecret, environment, file)
    if (subjectTokenFrom !== undefined) {
      const where = `The user's token is from ${subjectTokenFrom}`
      yield* assertNotDecided({ where, decisive: address }, environment, file)
    }
    return [environment, file]
  })

/** Reads the variables from where the command line says. */
export const read = (
  input: Input,
  sent: Sent = {}
): Effect.Effect<Configuration, Failure | Config.ConfigError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const environment = yield* withFiles({ name: "the environment", provider: yield* ConfigProvider.ConfigProvider })
    const sources = yield* sourcesOf(input, sent, environment)
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
  input: Input,
  sent: Sent = {}
): Layer.Layer<never, Failure | Config.ConfigError, FileSystem.FileSystem | Output> =>
  Layer.effect(
    ConfigProvider.ConfigProvider,
    Effect.gen(function*() {
      const { provider, warnings } = yield* read(input, sent)
      const output = yield* Output
      yield* Effect.forEach(warnings, output.warn)
      return provider
    })
  )
