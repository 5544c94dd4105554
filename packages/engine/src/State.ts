/**
 * State, events and commands of the state machine: plain data, to print and to compare.
 *
 * `T` is a token and `E` an error. The engine does not look inside them, and compares tokens by identity.
 *
 * @since 0.1.0
 */
import type { Instant } from "./Instant.ts"
import type { Policy } from "./Policy.ts"

/**
 * The token in use.
 *
 * @category models
 * @since 0.1.0
 */
export interface CachedToken<T> {
  readonly token: T
  /** The latest fencing token that was seen in the store that the processes share; 0 if none was. */
  readonly version: number
  /** Right before it was requested. */
  readonly startedAt: Instant
  /** Milliseconds. */
  readonly lifetime: number
  /** From then on it is renewed. */
  readonly renewAt: Instant
  /** From then on it is not sent. */
  readonly expiresAt: Instant
}

/**
 * Everything that is known about one provider's token.
 *
 * @category models
 * @since 0.1.0
 */
export interface State<T, E> {
  readonly policy: Policy
  readonly cached: CachedToken<T> | undefined
  /**
   * Set while the token in use is replaced because the API rejected it. Until then, callers wait for the replacement.
   */
  readonly suspectUntil: Instant | undefined
  /** Since when no request with the token in use was accepted; set by a rejection. */
  readonly rejectedSince: Instant | undefined
  /** The one acquisition in flight. */
  readonly acquisition: {
    readonly id: number
    readonly startedAt: Instant
    /** An acquisition that is in flight for longer has lost its fiber or its connection. Another one replaces it. */
    readonly overdueAt: Instant
    /** The rejected token that it replaces. */
    readonly rejected: T | undefined
  } | undefined
  readonly lastId: number
  /** How many acquisitions in a row failed. */
  readonly failures: number
  /** The last failure since the last success. */
  readonly lastError: E | undefined
  /** No token is requested until then. Callers without a token wait, or get the error. */
  readonly backoff: {
    readonly error: E
    readonly until: Instant
    /** The acquisition whose credentials were refused, if changed credentials were refused again and again. */
    readonly refusedIn?: number | undefined
  } | undefined
  /** These credentials were refused, and are not sent again until then. Others are sent, unless there is a backoff. */
  readonly refusal: {
    /** Numbers the credentials that the shell has seen. */
    readonly credentials: number
    readonly error: E
    readonly until: Instant
    /** The step from which `until` was drawn at random, in milliseconds. */
    readonly delay: number
    /** How many credentials in a row were refused, each other than the one before it. */
    readonly inARow: number
  } | undefined
  /** The last replacement of a rejected token, if it is not known to have helped, and how long the next one waits. */
  readonly replacement: {
    readonly at: Instant | undefined
    readonly delay: number
    /** Whether a replacement that had to wait was reported. */
    readonly isReported: boolean
  }
}

/** A token, and what is known about its time. */
interface Grant<T> {
  readonly token: T
  /** The time right before it was requested. For a token from a store, it is computed from the time that is left. */
  readonly startedAt: Instant
  /** Milliseconds. */
  readonly lifetime: number
  /** Its fencing token in the store; 0 if it is in no store. */
  readonly version: number
  /** Whether another process requested it. */
  readonly isShared: boolean
  /** From 0 to 1. */
  readonly random: number
}

/**
 * What happens. Events that come late, twice or never do no harm.
 *
 * @category models
 * @since 0.1.0
 */
export type Event<T, E> =
  /** A caller wants a token. */
  | { readonly _tag: "TokenRequested" }
  /** The timer went off. */
  | { readonly _tag: "RenewalDue" }
  /** The acquisition brought a token. */
  | Grant<T> & {
    readonly _tag: "Acquired"
    readonly id: number
    /**
     * What callers get if the token expired before it arrived, or if it is the token in use again and is about to
     * expire. Called only then.
     */
    readonly errorIfLate: () => E
  }
  /** The acquisition brought no token. */
  | {
    readonly _tag: "AcquisitionFailed"
    readonly id: number
    readonly error: E
    /** The credentials that the token endpoint refused, if it did. */
    readonly refused: number | undefined
    /** How long the token endpoint asks to wait, in milliseconds. */
    readonly retryAfter: number | undefined
    /** From 0 to 1. */
    readonly random: number
  }
  /** The acquisition ended without a request: the credentials are the refused ones. */
  | { readonly _tag: "CredentialsUnchanged"; readonly id: number }
  /** The acquisition will not end, because its fiber is gone. */
  | { readonly _tag: "AcquisitionLost"; readonly id: number }
  /** The API answered 401 to this token, and has not accepted it since the rejected request was sent. */
  | {
    readonly _tag: "TokenRejected"
    readonly token: T
    /** Whether the API has ever accepted it. */
    readonly wasAccepted: boolean
    /** How many requests were rejected since it was accepted last, this one included. */
    readonly rejectedInARow: number
  }
  /** A rejected request was sent again with the token that replaced its own, and was accepted. */
  | { readonly _tag: "ReplayAccepted" }
  /** Another process renewed the token. */
  | Grant<T> & { readonly _tag: "TokenShared" }

/**
 * How an acquisition failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure<E> {
  readonly error: E
  /** The acquisition whose credentials were refused; no attempt helps before they change. */
  readonly refusedIn: number | undefined
}

/**
 * What is reported for logs and metrics.
 *
 * @category models
 * @since 0.1.0
 */
export type Report<T, E> =
  | {
    readonly _tag: "TokenAcquired"
    readonly token: T
    readonly isShared: boolean
    /** It is the token in use again: nothing was gained. */
    readonly isSame: boolean
    /** It replaces a token that has not expired. */
    readonly isRenewal: boolean
    /** The last acquisition failed. */
    readonly isRecovery: boolean
  }
  | {
    readonly _tag: "AcquisitionFailed"
    readonly error: E
    /** Milliseconds. */
    readonly retryAfter: number
    /** Whether a token stays in use. */
    readonly isLive: boolean
  }
  | {
    readonly _tag: "TokenRejected"
    readonly token: T
    /** Whether the credentials are refused. Then only other credentials bring a new token. */
    readonly isRefused: boolean
  }
  /** Replacements did not help, so the token in use is kept for `retryAfter` milliseconds. */
  | {
    readonly _tag: "ReplacementHeldBack"
    readonly retryAfter: number
    /** Whether it is the first one since the last replacement. */
    readonly isFirst: boolean
  }

/**
 * What the shell does, in order.
 *
 * @category models
 * @since 0.1.0
 */
export type Command<T, E> =
  /** Read the credentials, and request a token unless they are the refused ones. */
  | {
    readonly _tag: "Acquire"
    readonly id: number
    /** A token from the store has to have a later version. */
    readonly laterThan: number
    readonly refused: number | undefined
  }
  | { readonly _tag: "CancelAcquisition"; readonly id: number }
  /** Sleep until then, instead of the previous sleep. */
  | { readonly _tag: "WakeAt"; readonly at: Instant }
  | { readonly _tag: "Report"; readonly report: Report<T, E> }
  /** Resume every caller that waits for the acquisition. */
  | { readonly _tag: "CompleteWaiters"; readonly failure: Failure<E> | undefined }

/**
 * The next state, and the commands to run.
 *
 * @category models
 * @since 0.1.0
 */
export type Transition<T, E> = readonly [State<T, E>, ReadonlyArray<Command<T, E>>]
