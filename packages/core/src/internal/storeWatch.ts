import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AccessToken } from "../AccessToken.ts"
import type { ClientCredentials } from "../Credentials.ts"
import type { Backend } from "../TokenStore.ts"
import { tokenOfPayload } from "./sharedFormat.ts"
import { TokenStoreError } from "./tokenStoreError.ts"

/** What another process did. */
export type Change =
  | {
    readonly _tag: "Renewed"
    readonly token: AccessToken
    /** The token in whose place it is stored, if this process has seen that. */
    readonly before: AccessToken | undefined
    /** Whose token it is. */
    readonly credentials: ClientCredentials
  }
  | { readonly _tag: "Rejected"; readonly token: AccessToken }

/** Where a token stands in the store. */
export interface Place {
  readonly key: string
  readonly version: number
}

/** One process's view of one key of the store, as long as it lasts. */
export interface View {
  readonly key: string
  /** The token that is stored now and was not rejected. */
  readonly look: Effect.Effect<Option.Option<AccessToken>, TokenStoreError>
  /** Enters a token of this process, so that hearing of it is no news. */
  readonly enter: (token: AccessToken, version: number) => void
  /** Ends at the next change after it was taken, with the token that is stored since then. */
  readonly nextChange: () => Effect.Effect<Option.Option<AccessToken>>
}

/** What one process knows of a store: what it sees in it, what it hears from it, and whether it is there at all. */
export interface StoreWatch {
  /** The view of these credentials' key. There is one at a time. */
  readonly viewOf: (credentials: ClientCredentials) => Effect.Effect<View>
  readonly placeOf: (token: AccessToken) => Place | undefined
  readonly changes: Stream.Stream<Change>
  /** Whether the store failed and has not answered since. */
  readonly isAway: () => boolean
  /** From now on nobody waits for the store, until it answers again. */
  readonly wentAway: (error: TokenStoreError) => Effect.Effect<void>
}

// A store that does not answer within this time is done without.
const operationTimeout = Duration.seconds(2)
// The net below the notifications.
const pollTime = Duration.seconds(30)
// How often to look whether a store that went away is back, and to subscribe again.
const retryTime = Duration.seconds(1)

export const bounded = <A, R>(operation: Effect.Effect<A, TokenStoreError, R>): Effect.Effect<A, TokenStoreError, R> =>
  Effect.timeoutOrElse(operation, {
    duration: operationTimeout,
    orElse: () =>
      Effect.fail(new TokenStoreError({ message: `No answer within ${Duration.format(operationTimeout)}.` }))
  })

export const makeStoreWatch = (
  backend: Backend,
  keyOf: (clientId: string) => string
): Effect.Effect<StoreWatch, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const changes = yield* PubSub.unbounded<Change>()
    yield* Effect.addFinalizer(() => PubSub.shutdown(changes))
    const tell = (change: Change) => void PubSub.publishUnsafe(changes, change)
    const places = new WeakMap<AccessToken, Place>()
    let isAway = false
    let current: { readonly view: View; readonly scope: Scope.Closeable; readonly notice: Notice } | undefined

    type Notice = (isChange: boolean) => Effect.Effect<void, TokenStoreError>

    const makeView = (
      key: string,
      credentials: ClientCredentials
    ): { readonly view: View; readonly notice: Notice } => {
      let seen: { readonly token: AccessToken; readonly version: number; readonly isRejected: boolean } | undefined
      let change = Deferred.makeUnsafe<Option.Option<AccessToken>>()

      const enter = (token: AccessToken, version: number): AccessToken => {
        seen = { token, version, isRejected: false }
        places.set(token, { key, version })
        return token
      }

      const look: View["look"] = Effect.gen(function*() {
        // Before the answer: what it takes to come is not added to the token's life.
        const now = yield* DateTime.now
        const found = yield* bounded(backend.read(key))
        if (Option.isNone(found)) return Option.none()
        const { payload, rejected, timeLeft, version } = found.value
        if (rejected) {
          if (seen?.version === version && !seen.isRejected) {
            seen = { ...seen, isRejected: true }
            tell({ _tag: "Rejected", token: seen.token })
          }
          return Option.none()
        }
        if (seen?.version === version) return Option.some(seen.token)
        // What was there before the token that this process is about to write: versions rise.
        if (seen !== undefined && version < seen.version) return Option.none()
        return Option.map(tokenOfPayload(payload), ({ lifetime, scope, value }) => {
          // A store that says otherwise cannot make a token live longer.
          const expiresAt = DateTime.addDuration(now, Duration.min(timeLeft, Duration.millis(lifetime)))
          const issuedAt = DateTime.subtractDuration(expiresAt, Duration.millis(lifetime))
          return enter({ value: Redacted.make(value, { label: "AccessToken" }), issuedAt, expiresAt, scope }, version)
        })
      })

      /** Looks, once for all that wait, and tells what is new. They are woken by what is new, and by any change. */
      const notice: Notice = (isChange) =>
        Effect.suspend(() => {
          const before = seen
          const wake = (token: Option.Option<AccessToken>) => {
            if (!isChange && seen === before) return
            const waiting = change
            change = Deferred.makeUnsafe()
            Deferred.doneUnsafe(waiting, Exit.succeed(token))
          }
          return look.pipe(
            Effect.map((token) => {
              if (Option.isSome(token) && seen !== before) {
                tell({ _tag: "Renewed", token: token.value, before: before?.token, credentials })
              }
              wake(token)
            }),
            Effect.tapError(() => Effect.sync(() => wake(Option.none())))
          )
        })

      return { view: { key, look, enter, nextChange: () => Deferred.await(change) }, notice }
    }

    const log = Effect.annotateLogs({ store: backend.name })
    const warn = (message: string, error: TokenStoreError): Effect.Effect<void> =>
      log(Effect.annotateLogs(Effect.logWarning(message), { reason: error.message }))

    const wentAway = (error: TokenStoreError): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (isAway) return Effect.void
        isAway = true
        const isBack = Effect.delay(Effect.suspend(() => current!.notice(false)), retryTime)
        const comeBack = Effect.eventually(isBack).pipe(
          Effect.andThen(Effect.sync(() => isAway = false)),
          Effect.andThen(log(Effect.logInfo("The token store can be used again")))
        )
        return Effect.andThen(
          warn("The token store cannot be used; this process requests tokens by itself until it can", error),
          Effect.forkIn(comeBack, scope)
        )
      })

    /** Listens to a key, over any interruption of the store. */
    const listen = (key: string, notice: Notice): Effect.Effect<void> => {
      let isDeaf = false
      return Effect.gen(function*() {
        const stream = yield* bounded(backend.changes(key))
        // What changed before.
        yield* notice(false)
        yield* Stream.runForEach(stream, () => Effect.ignore(notice(true)))
      }).pipe(
        Effect.scoped,
        // A store that is there, and does not tell, is worth a word: what others do is found out late.
        Effect.catch((error) =>
          Effect.matchEffect(notice(false), {
            onFailure: wentAway,
            onSuccess: () => {
              if (isDeaf) return Effect.void
              isDeaf = true
              return warn("The token store does not tell of changes; this process looks for them now and then", error)
            }
          })
        ),
        Effect.repeat(Schedule.spaced(retryTime)),
        Effect.asVoid
      )
    }

    return {
      viewOf: (credentials) =>
        Effect.gen(function*() {
          const key = keyOf(credentials.clientId)
          if (current?.view.key === key) return current.view
          if (current !== undefined) yield* Scope.close(current.scope, Exit.void)
          const made = makeView(key, credentials)
          current = { ...made, scope: yield* Scope.fork(scope) }
          yield* Effect.forkIn(listen(key, made.notice), current.scope)
          yield* Effect.forkIn(
            Effect.forever(Effect.delay(Effect.catch(made.notice(false), wentAway), pollTime)),
            current.scope
          )
          return made.view
        }),
      placeOf: (token) => places.get(token),
      changes: Stream.fromPubSub(changes),
      isAway: () => isAway,
      wentAway
    }
  })
