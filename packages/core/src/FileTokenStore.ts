/**
 * One token for one machine: a `TokenStore` in a directory, for command lines, cron jobs and several processes.
 *
 * @since 0.1.0
 */
import { checked } from "@effect-spotnana/engine/Options"
import type * as Config from "effect/Config"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Predicate from "effect/Predicate"
import { makeFileBackend } from "./internal/tokenStore/file.ts"
import * as TokenStore from "./TokenStore.ts"

/**
 * Where the store is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * A directory only for the store. If it is missing, it is created so that only this user can read it. On a mounted
   * volume, name a directory below the root, because the root is often open to others.
   */
  readonly directory: string
  /** Encrypts what is stored. Default: `TokenStore.keys`, which reads `SPOTNANA_TOKEN_STORE_KEYS`. */
  readonly keys?: Config.Config<readonly [TokenStore.Key, ...ReadonlyArray<TokenStore.Key>]> | undefined
}

/**
 * A store in a directory of this machine.
 *
 * **Details**
 *
 * - What is stored is encrypted (AES-256-GCM), in files that only this user can
 *   read. A directory or a file that others can read is refused, and so is one of
 *   another user, unless that user is root.
 * - There is no daemon, and no lock to clean up: a lease is a file with its own
 *   number, and expires by itself.
 * - Each file appears complete, so a process may be killed at any time.
 * - All tenants of one store share one file watcher: hundreds of idle tenants
 *   cost less than 0.5 % of a core.
 * - The name of a client's folder begins with the environment and the client id,
 *   in lower case, and ends with a hash.
 *
 * **Gotchas**
 *
 * The directory must be on a local file system, because the store needs hard
 * links and atomic renaming.
 *
 * **Example** (A command that reuses the token of its last run)
 *
 * ```ts
 * import { FileTokenStore, SpotnanaHttpClient } from "@effect-spotnana/core"
 * import { NodeServices } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const Auth = SpotnanaHttpClient.layerConfig().pipe(
 *   Layer.provide(FileTokenStore.layer({ directory: "/home/me/.cache/spotnana" })),
 *   Layer.provide(NodeServices.layer),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<
  TokenStore.TokenStore,
  Config.ConfigError | TokenStore.TokenStoreError,
  FileSystem.FileSystem | Path.Path
> =>
  TokenStore.layer(
    Effect.gen(function*() {
      const keys = yield* options.keys ?? TokenStore.keys
      const backend = yield* makeFileBackend(
        checked(
          "FileTokenStore.directory",
          options.directory,
          Predicate.isString(options.directory) && options.directory !== "",
          "the path of a directory"
        )
      )
      return yield* TokenStore.encrypted(backend, keys)
    })
  ).pipe(Layer.provide([Digest.layerWebCrypto, SecureRandom.layerWebCrypto]))
