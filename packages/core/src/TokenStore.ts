/**
 * One token for several processes: where it is kept, and who may request the next one.
 *
 * Provided below a `TokenProvider`, a store makes all the processes that share it
 * behave as one: whichever asks first requests the token, the others are told.
 * Without one, each process keeps its own.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { makeMemory } from "./internal/memoryBackend.ts"
import { seal } from "./internal/seal.ts"
import { share } from "./internal/sharing.ts"
import type { Share } from "./internal/sharing.ts"
import type { TokenStoreError } from "./internal/tokenStoreError.ts"
import { variableError } from "./internal/variables.ts"

export { TokenStoreError } from "./internal/tokenStoreError.ts"

/**
 * What is stored under a key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stored {
  /** What was written. */
  readonly payload: Redacted.Redacted
  /** Which writing it is from: the fence of the lease. Greater than that of every earlier one. */
  readonly version: number
  /** How long it stays, by the clock of the store: no other clock is the same for all. */
  readonly timeLeft: Duration.Duration
  /** Whether somebody rejected this version. */
  readonly rejected: boolean
}

/**
 * The answer to who asks for the lease of a key.
 *
 * **Details**
 *
 * `Held` without a `note` is by somebody who is about to write. With one it is a
 * pause: whoever had the lease failed, and the note says how.
 *
 * @category models
 * @since 0.1.0
 */
export type Lease =
  | { readonly _tag: "Granted"; readonly fence: number }
  | { readonly _tag: "Held"; readonly timeLeft: Duration.Duration; readonly note: Redacted.Redacted | undefined }

/**
 * What a store can do. Implement it for a store of your own; `TokenStoreConformance` of
 * `@effect-spotnana/testing` tells whether it is right.
 *
 * **Details**
 *
 * Every operation is atomic, whoever else is at work. A key is printable ASCII:
 * environment, client id and a hash, none of it secret.
 *
 * @category models
 * @since 0.1.0
 */
export interface Backend {
  /** What it is called in logs. */
  readonly name: string
  /** What is stored and has not expired. */
  readonly read: (key: string) => Effect.Effect<Option.Option<Stored>, TokenStoreError>
  /** The lease, for so long, if nobody has it. */
  readonly lease: (key: string, time: Duration.Duration) => Effect.Effect<Lease, TokenStoreError>
  /** The same lease for so long from now; `false` if it is no longer this one's. */
  readonly extend: (key: string, fence: number, time: Duration.Duration) => Effect.Effect<boolean, TokenStoreError>
  /** Replaces what is stored, and ends the lease; `false`, and nothing is done, if it is no longer this one's. */
  readonly write: (
    key: string,
    fence: number,
    payload: Redacted.Redacted,
    time: Duration.Duration
  ) => Effect.Effect<boolean, TokenStoreError>
  /** Ends the lease, or makes a pause of it. Does nothing if it is no longer this one's. */
  readonly release: (
    key: string,
    fence: number,
    pause?: { readonly time: Duration.Duration; readonly note: Redacted.Redacted }
  ) => Effect.Effect<void, TokenStoreError>
  /** Marks what is stored as rejected, if it is of this version. */
  readonly reject: (key: string, version: number) => Effect.Effect<void, TokenStoreError>
  /**
   * Subscribes to a key: the effect ends once it hears, and the stream has an element after each `write`, `release` and
   * `reject`. It may miss some.
   */
  readonly changes: (
    key: string
  ) => Effect.Effect<Stream.Stream<unknown, TokenStoreError>, TokenStoreError, Scope.Scope>
}

/**
 * The store that a `TokenProvider` shares its token through, if there is one.
 *
 * @see {@link layer} for a store of your own
 * @category services
 * @since 0.1.0
 */
export class TokenStore extends Context.Service<TokenStore, {
  /** Where the token is kept. */
  readonly backend: Backend
  /** How the processes share it. */
  readonly share: Share
}>()("@effect-spotnana/core/TokenStore") {}

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
 *     return yield* TokenStore.sealed(backend, yield* TokenStore.keys)
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
  Layer.effect(TokenStore, Effect.map(backend, (backend) => ({ backend, share })))

/**
 * A key that encrypts what is stored: 32 bytes.
 *
 * @category models
 * @since 0.1.0
 */
export type Key = Redacted.Redacted<Uint8Array>

/**
 * Encrypts what a store keeps, with AES-256-GCM, and binds it to its key: to environment and client id.
 *
 * **Details**
 *
 * The first of `keys` encrypts, any of them decrypts: to rotate, put the new one
 * first, and drop the old one a token's lifetime after every process has both.
 * What cannot be decrypted counts as absent, with a warning.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sealed = (
  backend: Backend,
  keys: readonly [Key, ...ReadonlyArray<Key>]
): Effect.Effect<Backend, never, Scope.Scope> => seal(backend, keys)

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
export const keys: Config.Config<readonly [Key, ...ReadonlyArray<Key>]> = /* #__PURE__ */ Config.mapEffect(
  /* #__PURE__ */ Config.withDefault(/* #__PURE__ */ Config.String("SPOTNANA_TOKEN_STORE_KEYS"), ""),
  decodeKeys
)

/**
 * A store in the memory of this process, shared by the providers in it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<TokenStore> = /* #__PURE__ */ layer(/* #__PURE__ */ Effect.suspend(makeMemory))
