import * as Instant from "@effect-spotnana/engine/Instant"
import * as Policy from "@effect-spotnana/engine/Policy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { TokenEndpointError } from "../../AuthError.ts"
import type { ClientCredentials } from "../../Credentials.ts"
import { currentInstant } from "../instant.ts"
import { requestToken } from "../tokenEndpoint/requestToken.ts"
import type { Endpoint as TokenSource, Grant } from "../tokenEndpoint/requestToken.ts"
import type { Backend, TokenStoreError } from "./contract.ts"
import type { Endpoint } from "./keys.ts"
import { makeKeyOf, makeRandomNames } from "./keys.ts"
import { bounded, isOurs, leaseNeverFree, leaseNotOurs, leaseTime, longestBackoff } from "./lease.ts"
import { decodeFailure, encodeFailure, encodeToken } from "./payload.ts"
import { makeWatch } from "./watch.ts"
import type { Change, View } from "./watch.ts"

/** A request of a provider. */
export interface Request {
  /** A stored token must have a later version. */
  readonly laterThan: number
  /** For how many milliseconds no process makes a request after this failure. */
  readonly retryDelay: (error: TokenEndpointError) => number
  /** For how many milliseconds a token of this lifetime is used. Default: that of the default policy. */
  readonly usableLifetime?: ((lifetime: number) => number) | undefined
  /** How many milliseconds it waits for other processes. Default: that of the default policy. */
  readonly longestWait?: number | undefined
}

/** How one provider takes part in the sharing. */
export interface Sharing {
  /**
   * A stored token with a later version, if there is one, or else the answer to the one request that the processes make.
   * Without the store, the answer to a request of its own.
   */
  readonly acquire: (
    credentials: ClientCredentials,
    request: Request
  ) => Effect.Effect<Result.Result<Grant, TokenEndpointError>>
  /** Tokens that other processes stored. */
  readonly changes: Stream.Stream<Change>
}

/** How the processes share: see the table of failures in `docs/sharing-tokens.md`. */
export type Share = (
  backend: Backend,
  endpoint: Endpoint & TokenSource
) => Effect.Effect<Sharing, never, Scope.Scope>

type Acquired = Result.Result<Grant, TokenEndpointError>

// Notifications may be lost: how often to look while callers wait.
const pollTime = Duration.toMillis("1 second")
// The shortest wait between two reads, also if a store notifies more often or reports shorter leases.
const shortestWait = 50
// How long other processes with the same credentials get the same refusal, without a request.
const refusalBackoff = Duration.seconds(1)

export const share: Share = Effect.fnUntraced(function*(backend, endpoint) {
  const scope = yield* Effect.scope
  const nameSecret = backend.mac ?? (yield* makeRandomNames)
  const watch = yield* makeWatch(backend, yield* makeKeyOf(endpoint, nameSecret))

  const requestAlone = (view: View, credentials: ClientCredentials): Effect.Effect<Acquired> =>
    Effect.map(
      requestToken(endpoint, credentials),
      Result.map((grant) => {
        view.enter(grant)
        return grant
      })
    )

  /** The stored token, if it is good enough for the request. */
  const lookFor = (view: View, request: Request): Effect.Effect<Option.Option<Grant>, TokenStoreError> =>
    Effect.flatMap(view.look, (found) => Effect.map(currentInstant, (now) => usable(view, request, found, now)))

  const usable = (view: View, request: Request, found: Option.Option<Grant>, now: Instant.Instant) =>
    Option.filter(found, (grant) => {
      const { laterThan, usableLifetime = (lifetime) => Policy.usableLifetime(Policy.defaults, lifetime) } = request
      const until = Instant.after(grant.startedAt, usableLifetime(grant.lifetime))
      return view.isLater(grant, laterThan) && !Instant.hasPassed(until, now)
    })

  const keepLease = (key: string, fence: number): Effect.Effect<never> =>
    Effect.forever(
      Effect.delay(
        Effect.ignore(bounded(() => backend.extend(key, fence, leaseTime))),
        Duration.divideUnsafe(leaseTime, 3)
      )
    )

  /** Stores a token that was requested under a lease. */
  const store = Effect.fnUntraced(function*(view: View, grant: Grant, request: Request) {
    const now = yield* currentInstant
    const stored = encodeToken(grant, now)
    if (stored === undefined) {
      yield* bounded(() => backend.release(view.key, grant.version))
      return grant
    }
    // Before it is written, because the notification may arrive before the answer.
    view.enter(grant)
    if (yield* bounded(() => backend.write(view.key, grant.version, stored.payload, stored.time))) return grant
    // The lease was lost: this process was frozen, and another one took its place.
    return Option.getOrElse(yield* lookFor(view, request), () => grant)
  })

  const requestUnderLease = (
    view: View,
    fence: number,
    credentials: ClientCredentials,
    request: Request
  ): Effect.Effect<Acquired, TokenStoreError> => {
    const release = (backoff?: Parameters<Backend["release"]>[2]) =>
      Effect.ignore(bounded(() => backend.release(view.key, fence, backoff)))
    const backOff = Effect.fnUntraced(function*(error: TokenEndpointError) {
      const isRefusal = error._tag === "InvalidCredentials"
      const time = isRefusal
        ? refusalBackoff
        : Duration.min(Duration.millis(request.retryDelay(error)), longestBackoff)
      // Credentials that are refused say nothing about those of another process.
      const refused = isRefusal ? yield* nameSecret(credentials.clientSecret) : undefined
      const { wall } = yield* currentInstant
      return yield* release({ time, failure: encodeFailure(error, refused, wall + Duration.toMillis(time)) })
    })
    // Callers do not wait for it, but closing the scope does.
    const inBackground = (effect: Effect.Effect<void>) =>
      Effect.forkIn(effect, scope, { startImmediately: true, uninterruptible: true })
    // Another process may have written between the read and the lease.
    const acquired = Effect.flatMap(
      lookFor(view, request),
      (found) =>
        Option.isSome(found) ? Effect.succeed(Result.succeed(found.value)) : requestToken(endpoint, credentials)
    )
    return Effect.raceFirst(acquired, keepLease(view.key, fence)).pipe(
      Effect.onError(() => release()),
      Effect.flatMap((result): Effect.Effect<Acquired> => {
        if (Result.isFailure(result)) return Effect.as(inBackground(backOff(result.failure)), result)
        if (result.success.version > 0) return Effect.as(inBackground(release()), result)
        // If the store fails now, the token is used nevertheless, and soon.
        const grant = { ...result.success, version: fence }
        return bounded(() => store(view, grant, request)).pipe(
          Effect.catch((error) => Effect.as(watch.unavailable(error, { isHeldEnough: false }), grant)),
          Effect.map(Result.succeed)
        )
      })
    )
  }

  /**
   * Requests tokens without the store until this process can take the lease. It is not enough that the store can be
   * read.
   */
  const goOnAlone = (error: TokenStoreError, view: View, credentials: ClientCredentials): Effect.Effect<Acquired> =>
    Effect.andThen(watch.unavailable(error, { isHeldEnough: false }), requestAlone(view, credentials))

  const attempt = (
    view: View,
    credentials: ClientCredentials,
    request: Request,
    deadline: number
  ): Effect.Effect<Acquired, TokenStoreError> =>
    Effect.suspend(() => {
      // Taken before the read, so that no change between read and wait is missed.
      const nextChange = view.nextChange()
      return Effect.gen(function*() {
        const found = yield* lookFor(view, request)
        if (Option.isSome(found)) return Result.succeed(found.value)
        const asked = yield* Effect.result(bounded(() => backend.lease(view.key, leaseTime)))
        if (Result.isFailure(asked)) return yield* goOnAlone(asked.failure, view, credentials)
        const lease = asked.success
        if (lease._tag === "Granted") return yield* requestUnderLease(view, lease.fence, credentials, request)
        if (!isOurs(lease)) return yield* goOnAlone(leaseNotOurs(view.key, lease.timeLeft), view, credentials)
        if (lease._tag === "Backoff") {
          const failure = lease.failure === undefined
            ? undefined
            : decodeFailure(lease.failure, lease.timeLeft, yield* currentInstant)
          // It is from a process with other keys, or was put back after its end. Nobody waits for it.
          if (failure === undefined) return yield* requestAlone(view, credentials)
          const isForAll = failure.refused === undefined
          if (isForAll || failure.refused === (yield* nameSecret(credentials.clientSecret))) {
            return Result.fail(failure.error)
          }
        }
        const before = yield* currentInstant
        if (before.mono >= deadline) return yield* goOnAlone(leaseNeverFree(view.key), view, credentials)
        const time = Math.min(Duration.toMillis(lease.timeLeft), pollTime, deadline - before.mono)
        const change = yield* Effect.timeoutOption(nextChange, Math.max(Math.ceil(time), shortestWait))
        const after = yield* currentInstant
        const changed = usable(view, request, Option.flatten(change), after)
        if (Option.isSome(changed)) return Result.succeed(changed.value)
        yield* Effect.sleep(Math.max(0, Math.ceil(shortestWait - (after.mono - before.mono))))
        return yield* attempt(view, credentials, request, deadline)
      })
    })

  return {
    acquire: Effect.fnUntraced(function*(credentials, request) {
      const view = yield* watch.viewOf(credentials)
      if (watch.isUnavailable()) return yield* requestAlone(view, credentials)
      const { mono } = yield* currentInstant
      return yield* Effect.catch(
        attempt(view, credentials, request, mono + (request.longestWait ?? Policy.waitForOthers(Policy.defaults))),
        (error) => Effect.andThen(watch.unavailable(error), requestAlone(view, credentials))
      )
    }),
    changes: watch.changes
  } satisfies Sharing
})
