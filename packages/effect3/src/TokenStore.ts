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
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Backend, Key } from "./internal/tokenStore/contract.ts"
import { withMac } from "./internal/tokenStore/contract.ts"
import { encrypt } from "./internal/tokenStore/encryption.ts"
import { makeRandomNames } from "./internal/tokenStore/keys.ts"
import { makeMemory } from "./internal/tokenStore/memory.ts"
import { share } from "./internal/tokenStore/sharing.ts"
import type { Share } from "./internal/tokenStore/sharing.ts"
import { checkedConfig } from "./internal/variables.ts"

export { TokenStoreError } from "./internal/tokenStore/contract.ts"
export type { Backend, Backoff, Change, Key, Lease, Stored } from "./internal/tokenStore/contract.ts"

/**
 * The store that a `TokenProvider` shares its token through, if there is one.
 *
 * @see {@link layer} for a store of your own
 * @category services
 * @since 0.1.0
 */
export class TokenStore extends Context.Tag("@effect-spotnana/effect3/TokenStore")<TokenStore, {
  /** Where the token is stored. */
  readonly backend: Backend
  /** How the processes share it. */
  readonly share: Share
}>() {}

/**
 * Makes a store from your own {@link Backend}.
 *
 * **Example** (A store that encrypts what it keeps)
 *
 * ```ts
 * import { TokenStore } from "@effect-spotnana/effect3"
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
  Layer.scoped(
    TokenStore,
    Effect.gen(function*() {
      const made = yield* backend
      if (made.mac !== undefined) return { backend: made, share }
      // The same `mac` for all providers of this store, so that they share tokens within the process.
      return { backend: withMac(made, yield* makeRandomNames), share }
    })
  )

/**
 * Encrypts what a store keeps, with AES-256-GCM.
 *
 * **Details**
 *
 * A token is bound to its key in the store (environment and client id) and to its
 * fencing token. If it is put under another key, or put back under a later
 * version, it cannot be decrypted. It then counts as absent, and a warning is
 * logged.
 *
 * The first of `keys` encrypts, and any of them decrypts. To rotate, give every
 * process the new key after the old one. Then put the new key first, and remove
 * the old key a token's lifetime later.
 *
 * It also adds `mac`, which uses the first of `keys`. What depends on a secret (a
 * `Redacted` parameter, or refused credentials) is shared only by processes whose
 * first key is the same.
 *
 * @category combinators
 * @since 0.1.0
 */
export const encrypted = (
  backend: Backend,
  keys: readonly [Key, ...ReadonlyArray<Key>]
): Effect.Effect<Backend> => encrypt(backend, keys)

const decodeKeys = (text: string): Either.Either<readonly [Key, ...ReadonlyArray<Key>], string> => {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "")
  const decoded = parts.map((part) => {
    const bytes = Encoding.decodeBase64(part)
    return Either.isRight(bytes) && bytes.right.length === 32 ? Redacted.make(bytes.right) : undefined
  })
  const wrong = decoded.indexOf(undefined)
  const [first, ...others] = decoded.filter((key) => key !== undefined)
  const made = "Make one with: node -p 'crypto.randomBytes(32).toString(\"base64\")'"
  if (wrong >= 0) {
    const which = `number ${wrong + 1} of ${decoded.length}`
    return Either.left(
      `SPOTNANA_TOKEN_STORE_KEYS cannot be used: each key is 32 bytes in Base64, and ${which} is not. ${made}`
    )
  }
  if (first === undefined) {
    return Either.left(
      `SPOTNANA_TOKEN_STORE_KEYS is missing: tokens are stored only encrypted. ${made}`
    )
  }
  return Either.right([first, ...others])
}

/**
 * Reads `SPOTNANA_TOKEN_STORE_KEYS`: one or several keys of 32 bytes, in Base64, separated by commas.
 *
 * @category config
 * @since 0.1.0
 */
// Every nested call is marked pure, so that bundlers remove all of it from a program without a store.
export const keys: Config.Config<readonly [Key, ...ReadonlyArray<Key>]> = /* #__PURE__ */ checkedConfig(
  /* #__PURE__ */ Config.withDefault(/* #__PURE__ */ Config.string("SPOTNANA_TOKEN_STORE_KEYS"), ""),
  decodeKeys
)

/**
 * A store in the memory of this process, shared by the providers in it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<TokenStore> = /* #__PURE__ */ layer(/* #__PURE__ */ Effect.suspend(makeMemory))
