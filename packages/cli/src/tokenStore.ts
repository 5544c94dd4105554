import { FileTokenStore, TokenStore } from "@effect-spotnana/core"
import * as StoredInFiles from "@effect-spotnana/engine/StoredInFiles"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import { SecureRandom } from "effect/crypto"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { UserDirectories } from "effect/persistence"
import type { PlatformError } from "effect/PlatformError"
import { rootOf } from "./exitCode.ts"
import { toggle } from "./flag.ts"
import { exposureOf } from "./openToOthers.ts"
import { Output } from "./output.ts"

/** The flag of every command that stores its token for the next command. */
export const flags = {
  noStore: toggle("no-store", "Do not use a stored token, and do not store this one")
}

export interface Input {
  readonly noStore: boolean
}

/** Where this user's token is stored: the directory of the store, and the file with its key. */
export const places: Effect.Effect<
  { readonly directory: string; readonly tokens: string; readonly key: string },
  PlatformError,
  Path.Path
> = Effect.gen(function*() {
  const path = yield* Path.Path
  const directories = yield* UserDirectories.UserDirectories
  const directory = yield* directories.state("spotnana-auth")
  return { directory, tokens: path.join(directory, "tokens"), key: path.join(directory, "key") }
}).pipe(Effect.provide(UserDirectories.layer))

const variable = "SPOTNANA_TOKEN_STORE_KEYS"

const unusable = (message: string) => new TokenStore.TokenStoreError({ message })

/**
 * Made under another name first. So a reader always finds a complete key, and only one of several processes makes it.
 */
const makeKey = (directory: string, key: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const random = yield* SecureRandom.SecureRandom
    yield* fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
    const draft = path.join(directory, `key.${Hex.encode(yield* random.randomBytes(12))}`)
    const content = `${Base64.encode(yield* random.randomBytes(32))}\n`
    yield* fs.writeFileString(draft, content, { flag: "wx", mode: 0o600 }).pipe(
      Effect.andThen(fs.link(draft, key)),
      Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => Effect.void),
      Effect.ensuring(Effect.ignore(fs.remove(draft)))
    )
  }).pipe(Effect.provide(SecureRandom.layerWebCrypto))

/** The key of this user, made at its first use. */
const keyOfUser = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { directory, key } = yield* places
  if (!(yield* fs.exists(key))) yield* makeKey(directory, key)
  const exposure = yield* exposureOf(key)
  if (exposure !== undefined) {
    return yield* unusable(`${exposure.message} Remove it, and the next run makes a new one.`)
  }
  const content = ConfigProvider.fromEnvRecord({ [variable]: yield* fs.readFileString(key) })
  return yield* TokenStore.keys.parse(content).pipe(
    Effect.mapError(() => unusable(`${key} is not a key. Remove it, and the next run makes a new one.`))
  )
})

/** The keys of the variable, if it is set: its owner decides who shares them. */
const keys = Effect.gen(function*() {
  const isSet = yield* Config.String(variable).pipe(Config.withDefault(""), Config.map((value) => value !== ""))
  return isSet ? yield* TokenStore.keys : yield* keyOfUser
})

/** Fails if a directory belongs to another user, as after `sudo -E`. The library checks its mode. */
const assertOwn = (directory: string) =>
  Effect.gen(function*() {
    if (!(yield* FileSystem.FileSystem.use((fs) => fs.exists(directory)))) return
    const exposure = yield* exposureOf(directory)
    if (exposure?.readers !== "owner") return
    return yield* unusable(
      `${exposure.message} Run this command as that user, or name a directory of your own in XDG_STATE_HOME.`
    )
  })

/** Fails if a stored token can be read by others. The library refuses the file too, but only its log says so. */
const assertPrivate = (tokens: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    if (!(yield* fs.exists(tokens))) return
    for (const name of yield* fs.readDirectory(tokens, { recursive: true })) {
      if (StoredInFiles.filesOf([path.basename(name)]).length === 0) continue
      const exposure = yield* exposureOf(path.join(tokens, name)).pipe(
        // Another process has removed it meanwhile.
        Effect.catchIf((error) => error.reason._tag === "NotFound", () => Effect.undefined)
      )
      if (exposure !== undefined) {
        return yield* unusable(`${exposure.message} Remove ${tokens}, and the next run makes it again.`)
      }
    }
  })

/** The store of this user, or why it cannot be used. */
export const opened: Layer.Layer<
  TokenStore.TokenStore,
  PlatformError | TokenStore.TokenStoreError | Config.ConfigError,
  FileSystem.FileSystem | Path.Path
> = Layer.unwrap(
  Effect.gen(function*() {
    const { directory, tokens } = yield* places
    yield* Effect.forEach([directory, tokens], assertOwn)
    yield* assertPrivate(tokens)
    return FileTokenStore.layer({ directory: tokens, keys: Config.succeed(yield* keys) })
  })
)

const without = (reason: string) =>
  Layer.effectDiscard(
    Effect.flatMap(Output, (output) => output.warn(`The token is not stored for the next run. ${reason}`))
  )

/** The store of this user. If it cannot be used, there is none, and a warning is printed. */
export const layer = (
  { noStore }: Input
): Layer.Layer<never, Config.ConfigError, FileSystem.FileSystem | Path.Path | Output> =>
  noStore
    ? Layer.empty
    : opened.pipe(
      Layer.catchTag("PlatformError", (error) => without(rootOf(error))),
      Layer.catchTag("TokenStoreError", ({ message }) => without(message))
    )
