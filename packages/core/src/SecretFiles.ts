/**
 * Variables whose value is in a file, as container platforms mount secrets:
 * `SPOTNANA_CLIENT_SECRET_FILE=/run/secrets/spotnana` in place of
 * `SPOTNANA_CLIENT_SECRET`.
 *
 * @since 0.1.0
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"

/**
 * A `ConfigProvider` that also reads each variable `SPOTNANA_…` from the file
 * that `SPOTNANA_…_FILE` names.
 *
 * **Details**
 *
 * The file is read each time the variable is read. `Credentials.layerConfig`
 * reads at every acquisition, so a secret that is replaced in the file is used
 * without a restart. One line break at the end of the file is ignored. Reading
 * fails if both a variable and its `_FILE` are set, and if the file is empty,
 * cannot be read, has more than 64 KiB, or begins with a name of a variable, as
 * in `SPOTNANA_CLIENT_SECRET=`. The `ConfigError` names the variable, and contains
 * neither its value nor the content of the file.
 *
 * **Gotchas**
 *
 * Whoever sets such a variable chooses a file whose content is sent to the
 * address in `SPOTNANA_BASE_URL`. Only the same person may set both: do not use
 * it with a provider whose values come from outside.
 *
 * @see {@link layer} to apply it to the whole program
 * @category combinators
 * @since 0.1.0
 */
export const withFiles = (
  provider: ConfigProvider.ConfigProvider
): Effect.Effect<ConfigProvider.ConfigProvider, never, FileSystem.FileSystem> =>
  Effect.map(FileSystem.FileSystem, (fs) =>
    ConfigProvider.make((path) =>
      Effect.gen(function*() {
        const node = yield* provider.load(path)
        const name = path.at(-1)
        if (typeof name !== "string" || !name.startsWith("SPOTNANA_") || name.endsWith(suffix)) return node
        const named = yield* provider.load([...path.slice(0, -1), name + suffix])
        const file = named?.value ?? ""
        if (file === "") return node
        const variable = path.join("_")
        // The name of the file is not shown: it may be the secret, by mistake.
        const refuse = (problem: string) =>
          Effect.fail(new ConfigProvider.SourceError({ message: `${variable}${suffix} ${problem}` }))
        if ((node?.value ?? "") !== "") return yield* refuse(`and ${variable} are both set; expected one of them`)
        const content = yield* Effect.catch(fs.readFileString(file), ({ reason }) =>
          Effect.flatMap(
            isDirectory(fs, file),
            (is) =>
              refuse(is ? "names a directory; expected a file" : `names a file that cannot be read (${reason._tag})`)
          ))
        if (content.length > maximumLength) {
          return yield* refuse("names a file of more than 64 KiB; it must contain the value alone")
        }
        // A file of variables, as for a shell, by mistake.
        if (/^\s*(export\s+)?\w*SPOTNANA_\w+\s*=/.test(content)) {
          return yield* refuse(
            `names a file that begins with a name, as in ${variable}=; it must contain the value alone`
          )
        }
        const value = content.replace(/\r?\n$/, "")
        // An empty variable counts as absent. An empty file does not: it may be empty for a moment while it is written.
        return value === "" ? yield* refuse("names a file that is empty") : ConfigProvider.makeValue(value)
      })
    ))

const suffix = "_FILE"

const maximumLength = 64 * 1024

const isDirectory = (fs: FileSystem.FileSystem, file: string): Effect.Effect<boolean> =>
  Effect.orElseSucceed(Effect.map(fs.stat(file), ({ type }) => type === "Directory"), () => false)

/**
 * Applies {@link withFiles} to the configuration of the program.
 *
 * **Example** (A mounted secret, on any platform)
 *
 * ```ts
 * import { SecretFiles, SpotnanaHttpClient } from "@effect-spotnana/core"
 * import type { FileSystem } from "effect"
 * import { Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * // `NodeFileSystem.layer` of `@effect/platform-node`, or that of your platform.
 * declare const PlatformFileSystem: Layer.Layer<FileSystem.FileSystem>
 *
 * const Auth = SpotnanaHttpClient.layerConfig().pipe(
 *   Layer.provide(SecretFiles.layer),
 *   Layer.provide(PlatformFileSystem),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
// Fresh, because a memoised layer in a `LayerMap` would read the variables of the first tenant for all tenants.
export const layer: Layer.Layer<never, never, FileSystem.FileSystem> = /* #__PURE__ */ Layer.fresh(
  /* #__PURE__ */ ConfigProvider.layer(/* #__PURE__ */ Effect.flatMap(ConfigProvider.ConfigProvider, withFiles))
)
