import * as Clock from "effect/Clock"
import { Digest } from "effect/crypto"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AccessToken from "../AccessToken.ts"
import { AuthError, isTransient, retryAfter } from "../AuthError.ts"
import type { TokenEndpointError } from "../AuthError.ts"
import type { ClientCredentials } from "../Credentials.ts"
import type { TokenEndpoint } from "../TokenEndpoint.ts"
import type { Backend } from "../TokenStore.ts"
import { withRetryAfter } from "./retryAfter.ts"
import { TokenStoreError } from "./tokenStoreError.ts"

/** A token, and whether it came from this process or from another one. */
export interface Shared {
  readonly result: Result.Result<AccessToken.AccessToken, TokenEndpointError>
  readonly isFromStore: boolean
}

/** What another process did. */
export type Change =
  | {
    readonly _tag: "Renewed"
    readonly token: AccessToken.AccessToken
    /** Whose token it is. */
    readonly credentials: ClientCredentials
  }
  | { readonly _tag: "Rejected"; readonly token: AccessToken.AccessToken }

/** One provider's part in what the processes share. */
export interface Sharing {
  /**
   * A token that is better than what the provider has: another process's, if there is one, or else the answer to the one
   * request. Without the store, the answer to a request of its own.
   */
  readonly acquire: (
    credentials: ClientCredentials,
    isBetter: (token: AccessToken.AccessToken) => boolean
  ) => Effect.Effect<Shared>
  /** Tells the others that the API rejected this token. */
  readonly reject: (token: AccessToken.AccessToken) => Effect.Effect<void>
  readonly changes: Stream.Stream<Change>
}

/** How the processes share: see the table of failures in `docs/sharing-tokens.md`. */
export type Share = (
  backend: Backend,
  endpoint: TokenEndpoint["Service"]
) => Effect.Effect<Sharing, never, Scope.Scope>

// A holder that died is found out after this time; one that lives says so three times as often.
const leaseTime = Duration.seconds(5)
// A store that does not answer within this time is done without.
const operationTimeout = Duration.seconds(2)
// The net below the notifications: while somebody waits, and while nobody does.
const pollWaiting = Duration.millis(500)
const pollIdle = Duration.seconds(30)
// How long all pause after a failure that does not say so itself.
const pauseAfterFailure = Duration.seconds(1)
const longestPause = Duration.hours(1)

const Payload = Schema.fromJsonString(Schema.Struct({
  value: Schema.String,
  lifetime: Schema.Number,
  scope: Schema.optional(Schema.String)
}))
const encodePayload = Schema.encodeSync(Payload)
const decodePayload = Schema.decodeUnknownOption(Payload)

const Note = Schema.fromJsonString(Schema.toCodecJson(AuthError))
const encodeNote = Schema.encodeSync(Note)
const decodeNote = Schema.decodeUnknownOption(Note)

/** The subscription of a provider to one key, and what it last saw there. */
interface Watch {
  readonly key: string
  readonly credentials: ClientCredentials
  readonly scope: Scope.Closeable
  /** Done at the next change. */
  tick: Deferred.Deferred<void>
  seen: { readonly token: AccessToken.AccessToken; readonly version: number; rejected: boolean } | undefined
}

const bounded = <A, R>(operation: Effect.Effect<A, TokenStoreError, R>): Effect.Effect<A, TokenStoreError, R> =>
  Effect.timeoutOrElse(operation, {
    duration: operationTimeout,
    orElse: () =>
      Effect.fail(new TokenStoreError({ message: `No answer within ${Duration.format(operationTimeout)}.` }))
  })

const part = (text: string): string => encodeURIComponent(text)

/** What tells tokens apart, and no secret: of what may hold one, the token URL and the parameters, there is a hash. */
const makeKeyOf = ({ environment, variant }: TokenEndpoint["Service"]): Effect.Effect<(clientId: string) => string> => {
  const parts = JSON.stringify([environment.baseUrl, environment.tokenUrl, variant ?? ""])
  return Digest.Digest.use((digest) => digest.digestHex(Digest.sha256, new TextEncoder().encode(parts))).pipe(
    Effect.provide(Digest.layerWebCrypto),
    Effect.map((hash) => (clientId) => `${part(environment.name)}:${part(clientId)}:${hash.slice(0, 32)}`)
  )
}

export const share: Share = (backend, endpoint) =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const keyOf = yield* makeKeyOf(endpoint)
    const changes = yield* PubSub.unbounded<Change>()
    yield* Effect.addFinalizer(() => PubSub.shutdown(changes))
    const tell = (change: Change) => void PubSub.publishUnsafe(changes, change)
    const versions = new WeakMap<AccessToken.AccessToken, { readonly key: string; readonly version: number }>()
    let watch: Watch | undefined
    let isAlone = false

    const own = (result: Shared["result"]): Shared => ({ result, isFromStore: false })
    const fromStore = (token: AccessToken.AccessToken): Shared => ({ result: Result.succeed(token), isFromStore: true })

    const see = (watch: Watch, token: AccessToken.AccessToken, version: number) => {
      watch.seen = { token, version, rejected: false }
      versions.set(token, { key: watch.key, version })
    }

    /** The token that is stored now. */
    const look = (watch: Watch): Effect.Effect<Option.Option<AccessToken.AccessToken>, TokenStoreError> =>
      Effect.gen(function*() {
        // Before the answer: what it takes to come is not added to the token's life.
        const now = yield* DateTime.now
        const found = yield* bounded(backend.read(watch.key))
        if (Option.isNone(found)) return Option.none()
        const { payload, rejected, timeLeft, version } = found.value
        if (rejected) {
          const { seen } = watch
          if (seen?.version === version && !seen.rejected) {
            seen.rejected = true
            tell({ _tag: "Rejected", token: seen.token })
          }
          return Option.none()
        }
        if (watch.seen?.version !== version) {
          const decoded = decodePayload(Redacted.value(payload))
          if (Option.isNone(decoded)) return Option.none()
          const { lifetime, scope, value } = decoded.value
          // A store that says otherwise cannot make a token live longer.
          const expiresAt = DateTime.addDuration(now, Duration.min(timeLeft, Duration.millis(lifetime)))
          const issuedAt = DateTime.subtractDuration(expiresAt, Duration.millis(lifetime))
          see(watch, { value: Redacted.make(value, { label: "AccessToken" }), issuedAt, expiresAt, scope }, version)
        }
        return Option.some(watch.seen!.token)
      })

    const notice = (watch: Watch): Effect.Effect<void> =>
      Effect.suspend(() => {
        const { seen, tick } = watch
        watch.tick = Deferred.makeUnsafe()
        Deferred.doneUnsafe(tick, Exit.void)
        return Effect.map(look(watch), (token) => {
          if (Option.isSome(token) && watch.seen !== seen) {
            tell({ _tag: "Renewed", token: token.value, credentials: watch.credentials })
          }
        })
      }).pipe(Effect.ignore)

    /** Listens to a key for as long as its scope is open, over any interruption of the store. */
    const listen = (watch: Watch): Effect.Effect<void> =>
      Effect.gen(function*() {
        const stream = yield* bounded(backend.changes(watch.key))
        // What changed before.
        yield* notice(watch)
        yield* Stream.runForEach(stream, () => notice(watch))
      }).pipe(
        Effect.scoped,
        Effect.ignore,
        Effect.repeat(Schedule.spaced("1 second")),
        Effect.asVoid
      )

    const watchOf = (credentials: ClientCredentials): Effect.Effect<Watch> =>
      Effect.gen(function*() {
        const key = keyOf(credentials.clientId)
        if (watch?.key === key) return watch
        if (watch !== undefined) yield* Scope.close(watch.scope, Exit.void)
        const mine: Watch = {
          key,
          credentials,
          scope: yield* Scope.fork(scope),
          tick: Deferred.makeUnsafe(),
          seen: undefined
        }
        watch = mine
        const poll = Effect.repeat(notice(mine), Schedule.spaced(pollIdle)).pipe(Effect.delay(pollIdle))
        yield* Effect.forkIn(listen(mine), mine.scope)
        yield* Effect.forkIn(poll, mine.scope)
        return mine
      })

    const keepLease = (key: string, fence: number): Effect.Effect<never> =>
      Effect.forever(
        Effect.delay(Effect.ignore(bounded(backend.extend(key, fence, leaseTime))), Duration.divideUnsafe(leaseTime, 3))
      )

    const store = (
      watch: Watch,
      fence: number,
      token: AccessToken.AccessToken,
      isBetter: (token: AccessToken.AccessToken) => boolean
    ): Effect.Effect<Shared, TokenStoreError> =>
      Effect.gen(function*() {
        const payload = encodePayload({
          value: Redacted.value(token.value),
          lifetime: Duration.toMillis(AccessToken.lifetime(token)),
          ...(token.scope === undefined ? undefined : { scope: token.scope })
        })
        const timeLeft = Duration.millis(DateTime.toEpochMillis(token.expiresAt) - (yield* Clock.currentTimeMillis))
        if (!Duration.isPositive(timeLeft)) return own(Result.succeed(token))
        // Known before it is written: the notification may be faster than the answer, and is no news.
        see(watch, token, fence)
        if (yield* bounded(backend.write(watch.key, fence, Redacted.make(payload), timeLeft))) {
          return own(Result.succeed(token))
        }
        // The lease was lost: this process was paused, and another one took its place.
        const newer = Option.filter(yield* look(watch), isBetter)
        return Option.isSome(newer) ? fromStore(newer.value) : own(Result.succeed(token))
      })

    const pauseAfter = (error: TokenEndpointError) => {
      if (!isTransient(error)) return undefined
      const time = Duration.min(Option.getOrElse(retryAfter(error), () => pauseAfterFailure), longestPause)
      return { time, note: Redacted.make(encodeNote(error)) }
    }

    const holding = (
      watch: Watch,
      fence: number,
      credentials: ClientCredentials,
      isBetter: (token: AccessToken.AccessToken) => boolean
    ): Effect.Effect<Shared, TokenStoreError> => {
      const release = (pause?: Parameters<Backend["release"]>[2]) =>
        Effect.ignore(bounded(backend.release(watch.key, fence, pause)))
      return Effect.gen(function*() {
        // Somebody may have written between the look and the lease.
        const found = Option.filter(yield* look(watch), isBetter)
        if (Option.isSome(found)) return Effect.as(release(), fromStore(found.value))
        const result = yield* Effect.raceFirst(
          Effect.result(endpoint.acquire(credentials)),
          keepLease(watch.key, fence)
        )
        // What follows does not undo what the request has brought.
        return Result.isFailure(result)
          ? Effect.as(release(pauseAfter(result.failure)), own(result))
          : Effect.catch(
            store(watch, fence, result.success, isBetter),
            (error) => Effect.as(withoutStore(error), own(result))
          )
      }).pipe(
        Effect.onExit((exit) => Exit.isFailure(exit) ? release() : Effect.void),
        Effect.flatten
      )
    }

    const attempt = (
      watch: Watch,
      credentials: ClientCredentials,
      isBetter: (token: AccessToken.AccessToken) => boolean
    ): Effect.Effect<Shared, TokenStoreError> =>
      Effect.suspend(() => {
        // Taken before the look, so that no change between look and wait is missed.
        const { tick } = watch
        return Effect.gen(function*() {
          const found = Option.filter(yield* look(watch), isBetter)
          yield* withStore
          if (Option.isSome(found)) return fromStore(found.value)
          const lease = yield* bounded(backend.lease(watch.key, leaseTime))
          if (lease._tag === "Granted") return yield* holding(watch, lease.fence, credentials, isBetter)
          const note = lease.note === undefined ? Option.none() : decodeNote(Redacted.value(lease.note))
          if (Option.isSome(note)) {
            const error = withRetryAfter(note.value, Duration.toMillis(lease.timeLeft)) as TokenEndpointError
            return { result: Result.fail(error), isFromStore: true }
          }
          yield* Effect.timeoutOption(Deferred.await(tick), Duration.min(lease.timeLeft, pollWaiting))
          return yield* attempt(watch, credentials, isBetter)
        })
      })

    const withoutStore = (error: TokenStoreError): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (isAlone) return Effect.void
        isAlone = true
        return Effect.annotateLogs(
          Effect.logWarning("The token store cannot be used; this process requests tokens by itself until it can"),
          { store: backend.name, reason: error.message }
        )
      })

    const withStore = Effect.suspend(() => {
      if (!isAlone) return Effect.void
      isAlone = false
      return Effect.annotateLogs(Effect.logInfo("The token store can be used again"), { store: backend.name })
    })

    return {
      acquire: (credentials, isBetter) =>
        watchOf(credentials).pipe(
          Effect.flatMap((watch) => attempt(watch, credentials, isBetter)),
          Effect.catch((error) =>
            Effect.andThen(withoutStore(error), Effect.map(Effect.result(endpoint.acquire(credentials)), own))
          )
        ),
      reject: (token) => {
        const stored = versions.get(token)
        if (stored === undefined) return Effect.void
        const told = bounded(backend.reject(stored.key, stored.version))
        // A store that is away is told later: until the token expires, somebody may find it there and begin with it.
        const toldLater = Clock.currentTimeMillis.pipe(
          Effect.flatMap((now) =>
            Effect.timeoutOption(
              Effect.retry(told, Schedule.spaced("1 second")),
              Duration.millis(Math.max(0, DateTime.toEpochMillis(token.expiresAt) - now))
            )
          ),
          Effect.forkIn(scope)
        )
        return Effect.asVoid(Effect.catch(told, () => toldLater))
      },
      changes: Stream.fromPubSub(changes)
    }
  })
