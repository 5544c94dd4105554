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
   * A directory of its own. It is made if it is missing, for this user alone. On a volume name one below the root, which
   * is often open to others.
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
 * - What is stored is encrypted (AES-256-GCM), in files that this user alone can
 *   read. A directory or a file that others can read is refused.
 * - There is no daemon and no lock to clean up: a lease is a file with a number of
 *   its own, and ends by itself.
 * - Each file appears at once and whole: a process may be killed at any point.
 * - All tenants of one store share one watch of the directory: hundreds that are
 *   idle cost less than 0.5 % of a core.
 * - The folder of a client begins with environment and client id, in lower case,
 *   and ends in a hash.
 *
 * **Gotchas**
 *
 * The directory has to be on a local file system: it needs hard links, and
 * renaming that is atomic.
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
