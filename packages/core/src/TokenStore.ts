/**
 * One token for several processes: where it is stored, and which process may request
 * the next one.
 *
 * Processes whose `TokenProvider` has the same store share one token: the first one
 * that needs a token requests it, and the others get it too. Without a store, each
 * process requests its own token.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Backend, Key } from "./internal/tokenStore/contract.ts"
import { withMac } from "./internal/tokenStore/contract.ts"
import { encrypt } from "./internal/tokenStore/encryption.ts"
import { makeRandomNames } from "./internal/tokenStore/keys.ts"
import { makeMemory } from "./internal/tokenStore/memory.ts"
import { share } from "./internal/tokenStore/sharing.ts"
import { TokenStore } from "./internal/tokenStore/tag.ts"
import { variableError, withFullNames } from "./internal/variables.ts"

export { TokenStoreError } from "./internal/tokenStore/contract.ts"
export type { Backend, Backoff, Change, Key, Lease, Stored } from "./internal/tokenStore/contract.ts"
export { TokenStore } from "./internal/tokenStore/tag.ts"

/**
 * A store of your own.
 *
 * **Example** (A store that encrypts what it keeps)
 *
 * ```ts
 * import { TokenStore } from "@effect-spotnana/core"
 * import { Effect } from "effect"
 *
 * declare const backend: TokenStore.Backend
 *
 * const MyTokenStore = TokenStore.layer(
 *   Effect.gen(function*() {
 *     return yield* TokenStore.encrypted(backend, yield* TokenStore.keys)
 *   })
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E, R>(
  backend: Effect.Effect<Backend, E, R>
): Layer.Layer<TokenStore, E, Exclude<R, Scope.Scope>> =>
  Layer.effect(
    TokenStore,
    Effect.gen(function*() {
      const made = yield* backend
      if (made.mac !== undefined) return { backend: made, share }
      // One for all providers of this store, so that they share within the process.
      return { backend: withMac(made, yield* makeRandomNames), share }
    })
  )

/**
 * Encrypts what a store keeps, with AES-256-GCM.
 *
 * **Details**
 *
 * A token is bound to its key in the store (environment and client id) and to its
 * fencing token: what is put under another key, or back under a later version,
 * cannot be decrypted, and counts as absent, with a warning.
 *
 * The first of `keys` encrypts, any of them decrypts: to rotate, give every
 * process the new one behind the old one, then put it first, and drop the old one
 * a token's lifetime later.
 *
 * Adds `mac`, under the first of `keys`: what depends on a secret, a `Redacted`
 * parameter or refused credentials, is shared by the processes whose first key is
 * the same.
 *
 * @category combinators
 * @since 0.1.0
 */
export const encrypted = (
  backend: Backend,
  keys: readonly [Key, ...ReadonlyArray<Key>]
): Effect.Effect<Backend, never, Scope.Scope> => encrypt(backend, keys)

const decodeKeys = (text: string): Effect.Effect<readonly [Key, ...ReadonlyArray<Key>], Config.ConfigError> => {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "")
  const decoded = parts.map((part) => {
    const bytes = Base64.decode(part)
    return Result.isSuccess(bytes) && bytes.success.length === 32
      ? Redacted.make(bytes.success, { label: "TokenStore.Key" })
      : undefined
  })
  const wrong = decoded.indexOf(undefined)
  const [first, ...others] = decoded.filter((key) => key !== undefined)
  const made = "Make one with: node -p 'crypto.randomBytes(32).toString(\"base64\")'"
  if (wrong >= 0) {
    const which = `number ${wrong + 1} of ${decoded.length}`
    return Effect.fail(
      variableError(
        `SPOTNANA_TOKEN_STORE_KEYS cannot be used: each key is 32 bytes in Base64, and ${which} is not. ${made}`
      )
    )
  }
  if (first === undefined) {
    return Effect.fail(
      variableError(`SPOTNANA_TOKEN_STORE_KEYS is missing: a shared token is stored encrypted only. ${made}`)
    )
  }
  return Effect.succeed([first, ...others])
}

/**
 * Reads `SPOTNANA_TOKEN_STORE_KEYS`: one or several keys of 32 bytes, in Base64, separated by commas.
 *
 * @category config
 * @since 0.1.0
 */
// Calls in calls, each marked pure: a program without a store bundles none of it.
export const keys: Config.Config<readonly [Key, ...ReadonlyArray<Key>]> = /* #__PURE__ */ withFullNames(
  /* #__PURE__ */ Config.mapEffect(
    /* #__PURE__ */ Config.withDefault(/* #__PURE__ */ Config.String("SPOTNANA_TOKEN_STORE_KEYS"), ""),
    decodeKeys
  )
)

/**
 * A store in the memory of this process, shared by the providers in it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<TokenStore> = /* #__PURE__ */ layer(/* #__PURE__ */ Effect.suspend(makeMemory))
