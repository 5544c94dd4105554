import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

/**
 * An operation of the store that failed. It never reaches callers: the process requests its token by itself.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenStoreError extends Schema.TaggedError<TokenStoreError>()("TokenStoreError", {
  /** What happened and what to do. */
  message: Schema.String,
  /** What the store failed with. */
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * What is stored under a key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stored {
  /** What was written. */
  readonly payload: Redacted.Redacted
  /** The fencing token of the lease that it was written under. Greater than that of every earlier one. */
  readonly version: number
  /** How long it stays, by the clock of the store. */
  readonly timeLeft: Duration.Duration
}

/**
 * The answer to a process that asks for the lease of a key.
 *
 * **Details**
 *
 * - `Granted`: the process has the lease; `fence` is its fencing token.
 * - `Held`: another process has it, and is about to write.
 * - `Backoff`: the last process that had it failed, and none gets it for this
 *   time. `failure` is what that process released the lease with; `undefined`:
 *   it cannot be read, as it is encrypted with a key that this process lacks.
 *
 * `timeLeft` is by the clock of the store; `Duration.infinity` for what does not
 * end by itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Lease =
  | { readonly _tag: "Granted"; readonly fence: number }
  | { readonly _tag: "Held"; readonly timeLeft: Duration.Duration }
  | {
    readonly _tag: "Backoff"
    readonly timeLeft: Duration.Duration
    readonly failure: Redacted.Redacted | undefined
  }

/**
 * What a process leaves behind that releases its lease after a failure.
 *
 * @category models
 * @since 0.1.0
 */
export interface Backoff {
  /** For how long no process gets the lease. */
  readonly time: Duration.Duration
  /** Why. */
  readonly failure: Redacted.Redacted
}

/**
 * What happened to a key, as a store tells it.
 *
 * **Details**
 *
 * - `Written`: a token was stored under this version. A process that has none as
 *   late reads the store.
 * - `Released`: a lease ended, and nothing was stored. Only processes that wait for
 *   the lease act on it.
 *
 * @category models
 * @since 0.1.0
 */
export type Change =
  | { readonly _tag: "Written"; readonly version: number }
  | { readonly _tag: "Released" }

/**
 * What a store can do. Implement it for a store of your own; `TokenStoreConformance` of
 * `@effect-spotnana/testing` tells whether it is right.
 *
 * **Details**
 *
 * Every operation is atomic, whatever other processes do at the same time. A key
 * is printable ASCII: environment, client id and a hash, none of it secret.
 *
 * @category models
 * @since 0.1.0
 */
export interface Backend {
  /** What it is called in logs. */
  readonly name: string
  /** What is stored and has not expired. */
  readonly read: (key: string) => Effect.Effect<Option.Option<Stored>, TokenStoreError>
  /** The lease, for so long, if no process has it. */
  readonly lease: (key: string, time: Duration.Duration) => Effect.Effect<Lease, TokenStoreError>
  /** The same lease for so long from now; `false` if the lease of this fencing token is over. */
  readonly extend: (key: string, fence: number, time: Duration.Duration) => Effect.Effect<boolean, TokenStoreError>
  /** Replaces what is stored, and ends the lease; `false`, and nothing is done, if the lease is over. */
  readonly write: (
    key: string,
    fence: number,
    payload: Redacted.Redacted,
    time: Duration.Duration
  ) => Effect.Effect<boolean, TokenStoreError>
  /** Ends the lease, with or without a backoff. Does nothing if the lease is over. */
  readonly release: (key: string, fence: number, backoff?: Backoff) => Effect.Effect<void, TokenStoreError>
  /**
   * Subscribes to a key: the effect ends once the subscription stands, and the stream has an element after each `write`
   * and `release`. It may miss some, and may leave out what a later one made void.
   */
  readonly changes: (
    key: string
  ) => Effect.Effect<Stream.Stream<Change, TokenStoreError>, TokenStoreError, Scope.Scope>
  /**
   * A name for a secret that is part of a key or of a failure: the same in each process that shares the store, and of no
   * use for finding the secret. `TokenStore.encrypted` adds one: HMAC-SHA-256 under the store's own key. Without it such
   * a name is random, and what depends on a secret is shared within this process only.
   */
  readonly mac?: ((secret: Redacted.Redacted) => Effect.Effect<string>) | undefined
}

/**
 * A key that encrypts what is stored: 32 bytes.
 *
 * @category models
 * @since 0.1.0
 */
export type Key = Redacted.Redacted<Uint8Array>

/** The backend with this `mac`. Its operations are called on itself: it may be an instance of a class. */
export const withMac = (backend: Backend, mac: NonNullable<Backend["mac"]>): Backend => ({
  name: backend.name,
  read: (key) => backend.read(key),
  lease: (key, time) => backend.lease(key, time),
  extend: (key, fence, time) => backend.extend(key, fence, time),
  write: (key, fence, payload, time) => backend.write(key, fence, payload, time),
  release: (key, fence, backoff) => backend.release(key, fence, backoff),
  changes: (key) => backend.changes(key),
  mac
})
