import type { Instant } from "@effect-spotnana/engine"
import { printable } from "@effect-spotnana/engine/Text"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClientCredentials } from "../../Credentials.ts"
import { currentInstant } from "../instant.ts"
import type { Grant } from "../tokenEndpoint/requestToken.ts"
import type { Backend, Change as Told, TokenStoreError } from "./contract.ts"
import { bounded, defectAsError, tryLease } from "./lease.ts"
import { decodeToken } from "./payload.ts"

/** A token that another process stored, and its credentials. */
export interface Change {
  readonly grant: Grant
  readonly credentials: ClientCredentials
}

/** What one process sees of one key of the store. */
export interface View {
  readonly key: string
  /** The token that is stored now. */
  readonly look: Effect.Effect<Option.Option<Grant>, TokenStoreError>
  /** Records a token of this process: one that it is about to store, or that it requested without the store. */
  readonly enter: (grant: Grant) => void
  /** Whether a stored token was requested later than this version, and than what this process requested by itself. */
  readonly isLater: (grant: Grant, version: number) => boolean
  /** Ends at the next change after this call, with the token that was then stored. */
  readonly nextChange: () => Effect.Effect<Option.Option<Grant>>
}

/** What one process knows of a store: what is in it, what changes, and whether it can be used. */
export interface Watch {
  /** The view of these credentials' key. There is one at a time. */
  readonly viewOf: (credentials: ClientCredentials) => Effect.Effect<View>
  readonly changes: Stream.Stream<Change>
  /** Whether the store failed, and has not worked since. */
  readonly isUnavailable: () => boolean
  /** Warns, once. From now on no call waits for the store, until this process can read it and take the lease. */
  readonly unavailable: (error: TokenStoreError, options?: {
    /** Whether it is enough that another process has the lease: yes after a failed read, no after a failed write. */
    readonly isHeldEnough: boolean
  }) => Effect.Effect<void>
}

// How often to check whether an unavailable store works again, and to subscribe again.
const retryTime = 1_000
// How often to subscribe again, and to read, while a store can be read but refuses subscriptions.
const longestRetryTime = 30_000

// Many processes lose a store at the same moment, but must not come back at the same moment.
const jittered = (millis: number): Effect.Effect<void> =>
  Effect.flatMap(Random.nextRange(0.5, 1.5), (factor) => Effect.sleep(Math.ceil(millis * factor)))

type Notice = (told?: Told) => Effect.Effect<void, TokenStoreError>

const makeView = (
  backend: Backend,
  key: string,
  publish: (grant: Grant) => void
): { readonly view: View; readonly notice: Notice } => {
  let seen: Grant | undefined
  // When this process last requested a token without the store. Such a token has no version.
  let aloneAt: Instant.Instant | undefined
  let change = Deferred.unsafeMake<Option.Option<Grant>>(FiberId.none)

  const look: View["look"] = Effect.gen(function*() {
    // Taken before the answer, so that the time until the answer is not added to the token's lifetime.
    const now = yield* currentInstant
    const stored = yield* bounded(() => backend.read(key))
    if (Option.isNone(stored)) return Option.none()
    const { version } = stored.value
    if (seen?.version === version) return Option.some(seen)
    // An older token than the one that this process is about to write: versions rise.
    if (seen !== undefined && version < seen.version) return Option.none()
    const grant = decodeToken(stored.value, now)
    if (grant === undefined) return Option.none()
    seen = grant
    return Option.some(grant)
  })

  /**
   * Reads the store, after a notification or without one, and publishes a new token. That wakes all waiting callers.
   */
  const notice: Notice = (told) =>
    Effect.suspend(() => {
      const before = seen
      const wake = (grant: Option.Option<Grant>) => {
        if (told === undefined && seen === before) return
        const waiting = change
        change = Deferred.unsafeMake(FiberId.none)
        Deferred.unsafeDone(waiting, Exit.succeed(grant))
      }
      // Nothing new is stored. Callers that wait for the lease may ask for it.
      if (told?._tag === "Released") return Effect.sync(() => wake(Option.none()))
      // This process stored it, or has read it already.
      if (told !== undefined && seen !== undefined && told.version <= seen.version) return Effect.void
      return look.pipe(
        Effect.map((grant) => {
          if (Option.isSome(grant) && seen !== before) publish(grant.value)
          wake(grant)
        }),
        Effect.tapError(() => Effect.sync(() => wake(Option.none())))
      )
    })

  const view: View = {
    key,
    look,
    enter: (grant) => {
      if (grant.version > 0) seen = grant
      else aloneAt = grant.startedAt
    },
    isLater: ({ startedAt, version }, than) =>
      version > than && (aloneAt === undefined || startedAt.mono > aloneAt.mono),
    nextChange: () => Deferred.await(change)
  }
  return { view, notice }
}

export const makeWatch = (
  backend: Backend,
  keyOf: (clientId: string) => string
): Effect.Effect<Watch, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const changes = yield* PubSub.unbounded<Change>()
    yield* Effect.addFinalizer(() => PubSub.shutdown(changes))
    let isUnavailable = false
    let current: { readonly view: View; readonly notice: Notice; readonly scope: Scope.CloseableScope } | undefined

    const log = Effect.annotateLogs({ store: backend.name })
    const warn = (message: string, error: TokenStoreError): Effect.Effect<void> =>
      log(Effect.annotateLogs(Effect.logWarning(message), { reason: printable(error.message, []) }))

    const unavailable: Watch["unavailable"] = (error, { isHeldEnough } = { isHeldEnough: true }) =>
      Effect.suspend(() => {
        if (isUnavailable) return Effect.void
        isUnavailable = true
        const works = Effect.suspend(() => {
          const { notice, view } = current!
          return Effect.zipRight(notice(), tryLease(backend, view.key, isHeldEnough))
        })
        const recover = Effect.eventually(Effect.zipRight(jittered(retryTime), works)).pipe(
          Effect.zipRight(Effect.sync(() => isUnavailable = false)),
          Effect.zipRight(log(Effect.logInfo("The token store can be used again")))
        )
        return Effect.zipRight(
          warn("The token store cannot be used; this process requests tokens by itself until it can", error),
          Effect.forkIn(Effect.interruptible(recover), scope)
        )
      })

    /** Subscribes to a key, again and again, and handles each change. */
    const subscribe = (key: string, notice: Notice): Effect.Effect<never> => {
      let isWarned = false
      let pause = retryTime
      const once = Effect.gen(function*() {
        const stream = yield* bounded(() => backend.changes(key))
        // Handles what changed before the subscription.
        yield* notice()
        yield* Stream.runForEach(stream, (told) => {
          pause = retryTime
          return Effect.catchAll(notice(told), (error) => unavailable(error))
        })
      }).pipe(
        Effect.scoped,
        defectAsError,
        // Warns if a store can be read but not subscribed to, because changes of other processes are then noticed late.
        Effect.catchAll((error) =>
          Effect.matchEffect(notice(), {
            onFailure: (error) => unavailable(error),
            onSuccess: () => {
              pause = Math.min(2 * pause, longestRetryTime)
              if (isWarned) return Effect.void
              isWarned = true
              return warn("The token store does not report changes; this process checks for them at intervals", error)
            }
          })
        )
      )
      return Effect.forever(Effect.zipRight(once, Effect.suspend(() => jittered(pause))))
    }

    return {
      viewOf: (credentials) =>
        Effect.gen(function*() {
          const key = keyOf(credentials.clientId)
          if (current?.view.key === key) return current.view
          if (current !== undefined) yield* Scope.close(current.scope, Exit.void)
          const publish = (grant: Grant) => void changes.unsafeOffer({ grant, credentials })
          const { notice, view } = makeView(backend, key, publish)
          current = { view, notice, scope: yield* Scope.fork(scope, ExecutionStrategy.sequential) }
          yield* Effect.forkIn(Effect.interruptible(subscribe(key, notice)), current.scope)
          return view
        }),
      changes: Stream.fromPubSub(changes),
      isUnavailable: () => isUnavailable,
      unavailable
    }
  })
