import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { AccessToken } from "../AccessToken.ts"
import type { TokenEndpointError } from "../AuthError.ts"
import type { ClientCredentials } from "../Credentials.ts"
import type { TokenEndpoint } from "../TokenEndpoint.ts"
import type { Backend } from "../TokenStore.ts"
import { withRetryAfter } from "./retryAfter.ts"
import { errorOfNote, errorToNote, makeKeyOf, tokenToPayload } from "./sharedFormat.ts"
import { bounded, makeStoreWatch } from "./storeWatch.ts"
import type { Change, View } from "./storeWatch.ts"
import type { TokenStoreError } from "./tokenStoreError.ts"

/** A token, and whether it came from this process or from another one. */
export interface Shared {
  readonly result: Result.Result<AccessToken, TokenEndpointError>
  readonly isFromStore: boolean
}

/** What only the provider that asks can tell. */
export interface Judgement {
  /** Whether a token is better than what the provider has. */
  readonly isBetter: (token: AccessToken) => boolean
  /** How long it waits after this failure before it asks again; and so does everybody. */
  readonly delayAfter: (error: TokenEndpointError) => Duration.Duration
}

/** One provider's part in what the processes share. */
export interface Sharing {
  /**
   * A token that is better than what the provider has: another process's, if there is one, or else the answer to the one
   * request. Without the store, the answer to a request of its own.
   */
  readonly acquire: (credentials: ClientCredentials, judgement: Judgement) => Effect.Effect<Shared>
  /** Tells the others that the API rejected this token, and does not wait until they know. */
  readonly reject: (token: AccessToken) => Effect.Effect<void>
  readonly changes: Stream.Stream<Change>
}

/** How the processes share: see the table of failures in `docs/sharing-tokens.md`. */
export type Share = (
  backend: Backend,
  endpoint: TokenEndpoint["Service"]
) => Effect.Effect<Sharing, never, Scope.Scope>

// A holder that died is found out after this time; one that lives says so three times as often.
const leaseTime = Duration.seconds(5)
// The net below the notifications, while somebody waits.
const pollTime = Duration.seconds(1)
// How long the answer to refused credentials is there for the others that have the same.
const pauseAfterRefusal = Duration.seconds(1)
// How often to tell a store that does not hear.
const retryTime = Duration.seconds(1)

const timeLeft = (token: AccessToken): Effect.Effect<Duration.Duration> =>
  Effect.map(
    Clock.currentTimeMillis,
    (now) => Duration.millis(Math.max(0, DateTime.toEpochMillis(token.expiresAt) - now))
  )

const own = (result: Shared["result"]): Shared => ({ result, isFromStore: false })
const fromStore = (token: AccessToken): Shared => ({ result: Result.succeed(token), isFromStore: true })

export const share: Share = (backend, endpoint) =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const watch = yield* makeStoreWatch(backend, yield* makeKeyOf(endpoint))

    const keepLease = (key: string, fence: number): Effect.Effect<never> =>
      Effect.forever(
        Effect.delay(Effect.ignore(bounded(backend.extend(key, fence, leaseTime))), Duration.divideUnsafe(leaseTime, 3))
      )

    const store = (
      view: View,
      fence: number,
      token: AccessToken,
      { isBetter }: Judgement
    ): Effect.Effect<Shared, TokenStoreError> =>
      Effect.gen(function*() {
        const time = yield* timeLeft(token)
        if (!Duration.isPositive(time)) return own(Result.succeed(token))
        // Before it is written: the notification may be faster than the answer.
        view.enter(token, fence)
        if (yield* bounded(backend.write(view.key, fence, tokenToPayload(token), time))) {
          return own(Result.succeed(token))
        }
        // The lease was lost: this process was paused, and another one took its place.
        const newer = Option.filter(yield* view.look, isBetter)
        return Option.isSome(newer) ? fromStore(newer.value) : own(Result.succeed(token))
      })

    const holding = (
      view: View,
      fence: number,
      credentials: ClientCredentials,
      judgement: Judgement
    ): Effect.Effect<Shared, TokenStoreError> => {
      const release = (pause?: Parameters<Backend["release"]>[2]) =>
        Effect.ignore(bounded(backend.release(view.key, fence, pause)))
      // Who has an answer does not wait for that; the closing of the scope does.
      const releaseLater = (pause?: Parameters<Backend["release"]>[2]) =>
        Effect.forkIn(release(pause), scope, { startImmediately: true, uninterruptible: true })
      const pauseAfter = (error: TokenEndpointError) => ({
        note: errorToNote(error, credentials),
        time: error._tag === "InvalidCredentials" ? pauseAfterRefusal : judgement.delayAfter(error)
      })
      // Somebody may have written between the look and the lease.
      const request = Effect.flatMap(view.look, (stored) => {
        const found = Option.filter(stored, judgement.isBetter)
        return Option.isSome(found)
          ? Effect.succeed(fromStore(found.value))
          : Effect.map(Effect.result(endpoint.acquire(credentials)), own)
      })
      return Effect.raceFirst(request, keepLease(view.key, fence)).pipe(
        Effect.onError(() => release()),
        Effect.flatMap((shared) => {
          if (shared.isFromStore) return Effect.as(releaseLater(), shared)
          // What follows does not undo what the request has brought, nor keep it back.
          return Result.isFailure(shared.result)
            ? Effect.as(releaseLater(pauseAfter(shared.result.failure)), shared)
            : Effect.catch(
              bounded(store(view, fence, shared.result.success, judgement)),
              (error) => Effect.as(watch.wentAway(error), shared)
            )
        })
      )
    }

    const attempt = (
      view: View,
      credentials: ClientCredentials,
      judgement: Judgement
    ): Effect.Effect<Shared, TokenStoreError> =>
      Effect.suspend(() => {
        // Taken before the look, so that no change between look and wait is missed.
        const nextChange = view.nextChange()
        return Effect.gen(function*() {
          const found = Option.filter(yield* view.look, judgement.isBetter)
          if (Option.isSome(found)) return fromStore(found.value)
          const lease = yield* bounded(backend.lease(view.key, leaseTime))
          if (lease._tag === "Granted") return yield* holding(view, lease.fence, credentials, judgement)
          const error = lease.note === undefined ? Option.none() : errorOfNote(lease.note, credentials)
          if (Option.isSome(error)) {
            const failure = withRetryAfter(error.value, Duration.toMillis(lease.timeLeft)) as TokenEndpointError
            return { result: Result.fail(failure), isFromStore: true }
          }
          const change = yield* Effect.timeoutOption(nextChange, Duration.min(lease.timeLeft, pollTime))
          const changed = Option.filter(Option.flatten(change), judgement.isBetter)
          return Option.isSome(changed) ? fromStore(changed.value) : yield* attempt(view, credentials, judgement)
        })
      })

    return {
      acquire: (credentials, judgement) => {
        const alone = Effect.map(Effect.result(endpoint.acquire(credentials)), own)
        return Effect.flatMap(watch.viewOf(credentials), (view) =>
          watch.isAway()
            ? alone
            : Effect.catch(attempt(view, credentials, judgement), (error) =>
              Effect.andThen(watch.wentAway(error), alone)))
      },
      reject: (token) => {
        const place = watch.placeOf(token)
        if (place === undefined) {
          return Effect.void
        }
        // A store that is away is told later: until the token expires, somebody may find it there and begin with it.
        const told = Effect.retry(bounded(backend.reject(place.key, place.version)), Schedule.spaced(retryTime))
        return timeLeft(token).pipe(
          Effect.flatMap((time) =>
            Effect.timeoutOption(told, time)
          ),
          Effect.forkIn(scope),
          Effect.asVoid
        )
      },
      changes: watch.changes
    }
  })
