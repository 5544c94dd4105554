import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

/**
 * An operation of the store that failed. Callers never get it: the process then
 * requests its own token.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenStoreError extends Schema.TaggedError<TokenStoreError>()("TokenStoreError", {
  /** What happened and what to do. */
  message: Schema.String,
  /** The error of the store. */
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * The value stored under a key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stored {
  /** What was written. */
  readonly payload: Redacted.Redacted
  /** The fencing token of the lease that it was written under. Greater than that of every earlier one. */
  readonly version: number
  /** How long it stays in the store, by the clock of the store. */
  readonly timeLeft: Duration.Duration
}

/**
 * The answer to a process that asks for the lease of a key.
 *
 * **Details**
 *
 * - `Granted`: the process has the lease; `fence` is its fencing token.
 * - `Held`: another process has it, and is about to write.
 * - `Backoff`: the last process that had it failed, and no process gets it for
 *   this time. `failure` is what that process passed to `release`. It is
 *   `undefined` if it cannot be read, because it is encrypted with a key that
 *   this process does not have.
 *
 * `timeLeft` is by the clock of the store; `Duration.infinity` if it does not end
 * by itself.
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
 * What a process stores when it releases its lease after a failure.
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
 * - `Written`: a token was stored under this version. A process that has no token
 *   of this version or a later one reads the store.
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
 * The operations of a store. Implement it for your own store.
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
  /** Its name in logs. */
  readonly name: string
  /** What is stored and has not expired. */
  readonly read: (key: string) => Effect.Effect<Option.Option<Stored>, TokenStoreError>
  /** Takes the lease for this time, if no process has it. */
  readonly lease: (key: string, time: Duration.Duration) => Effect.Effect<Lease, TokenStoreError>
  /** Extends the lease until this time from now; `false` if the lease of this fencing token is over. */
  readonly extend: (key: string, fence: number, time: Duration.Duration) => Effect.Effect<boolean, TokenStoreError>
  /** Replaces what is stored, and ends the lease. If the lease is over, it does nothing and returns `false`. */
  readonly write: (
    key: string,
    fence: number,
    payload: Redacted.Redacted,
    time: Duration.Duration
  ) => Effect.Effect<boolean, TokenStoreError>
  /** Ends the lease, with or without a backoff. Does nothing if the lease is over. */
  readonly release: (key: string, fence: number, backoff?: Backoff) => Effect.Effect<void, TokenStoreError>
  /**
   * Subscribes to a key. The effect ends once the subscription is active, and the stream emits an element after each
   * `write` and `release`. It may miss some, and may leave out a change that a later one made obsolete.
   */
  readonly changes: (
    key: string
  ) => Effect.Effect<Stream.Stream<Change, TokenStoreError>, TokenStoreError, Scope.Scope>
  /**
   * Makes a name for a secret, which is used in keys and failures. It is the same in each process that shares the
   * store, and it does not help to find the secret. `TokenStore.encrypted` adds one: HMAC-SHA-256 with the store's own
   * key. Without it, such a name is random, and what depends on a secret is shared only within this process.
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
