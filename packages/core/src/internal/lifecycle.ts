import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as AccessToken from "../AccessToken.ts"
import type { AuthError } from "../AuthError.ts"
import { isTransient, retryAfter, TokenEndpointUnavailable, TokenExpired } from "../AuthError.ts"
import type { ClientCredentials } from "../Credentials.ts"
import * as RefreshPolicy from "../RefreshPolicy.ts"
import type { Status, TokenProvider } from "../TokenProvider.ts"
import type { Acquisition, Outcome } from "./acquisition.ts"
import { makeRejections } from "./rejections.ts"
import { withRetryAfter } from "./retryAfter.ts"
import type { Judgement, Sharing } from "./sharing.ts"
import type { Change } from "./storeWatch.ts"
import type { Telemetry } from "./telemetry.ts"
import { after, makeTwoClocks } from "./twoClocks.ts"
import type { Instant } from "./twoClocks.ts"

/** A token in use. */
interface Live {
  readonly token: AccessToken.AccessToken
  readonly exit: Exit.Exit<AccessToken.AccessToken>
  readonly renewAt: Instant
  readonly expiresAt: Instant
}

/** The one acquisition in flight, which everybody waits for. */
interface Flight {
  readonly result: Deferred.Deferred<AccessToken.AccessToken, AuthError>
  readonly startedAt: Instant
  /** The refusal that stood at take-off: the answer where the credentials are still the same. */
  readonly verdict: Hold | undefined
  fiber: Fiber.Fiber<void> | undefined
}

/** Why no request is made until then, and what callers get meanwhile. */
interface Hold {
  readonly error: AuthError
  readonly until: Instant
  /** A refusal holds for these credentials only. */
  readonly refused: ClientCredentials | undefined
}

/**
 * The state of one provider and the only code that changes it.
 *
 * Every transition is synchronous, so that nothing else runs between a look and what follows from it. What takes
 * time runs in fibers of the provider's scope: the acquisition in flight, and the sleep until the next renewal.
 */
export const makeLifecycle = (
  policy: RefreshPolicy.RefreshPolicy,
  acquisition: Acquisition,
  sharing: Sharing | undefined,
  telemetry: Telemetry
): Effect.Effect<Omit<TokenProvider["Service"], "environment">, never, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<Scope.Scope>()
    const scope = Context.get(context, Scope.Scope)
    const clocks = makeTwoClocks(Context.get(context, Clock.Clock))
    const rejections = makeRejections(policy, clocks)
    const random = Context.get(context, Random.Random)
    const changes = yield* PubSub.sliding<Status>({ capacity: 64, replay: 1 })

    let live: Live | undefined
    let flight: Flight | undefined
    let hold: Hold | undefined
    // Kept apart from `hold`: a source that fails meanwhile does not make the credentials right.
    let refusal: Hold | undefined
    let lastError: AuthError | undefined
    let failures = 0
    let renewal: Fiber.Fiber<void> | undefined

    // What was built within a span does not end with it.
    const run = Effect.runForkWith(Context.omit(Tracer.ParentSpan)(context) as Context.Context<Scope.Scope>)
    const fork = (effect: Effect.Effect<void>) => Fiber.runIn(run(effect), scope)
    // Closed is closed from the first finalizer on: those of the fibers run before the one below.
    const isClosed = () => scope.state._tag === "Closed"
    const isValid = (token: Live | undefined): token is Live => token !== undefined && clocks.isBefore(token.expiresAt)
    const holdLeft = () => hold === undefined ? 0 : clocks.left(hold.until)

    const snapshot = (): Status => {
      const valid = isValid(live)
      const state = flight !== undefined
        ? valid ? "renewing" : "acquiring"
        : valid
        ? "valid"
        : lastError !== undefined
        ? "failed"
        : live === undefined
        ? "empty"
        : "expired"
      return {
        state,
        issuedAt: live?.token.issuedAt,
        expiresAt: live?.token.expiresAt,
        nextRenewalAt: live !== undefined && valid
          ? DateTime.makeUnsafe(Math.max(live.renewAt.wall, clocks.now().wall + holdLeft()))
          : undefined,
        lastError
      }
    }
    const publish = () => PubSub.publishUnsafe(changes, snapshot())
    publish()

    const stopReport = telemetry.report(() => isValid(live) ? clocks.left(live.expiresAt) / 1000 : 0)
    yield* Effect.addFinalizer(() => {
      stopReport()
      return PubSub.shutdown(changes)
    })

    const startUsing = (token: AccessToken.AccessToken, requestedAt: Instant | undefined): Live => {
      const lifetime = Duration.toMillis(AccessToken.lifetime(token))
      const issuedAt = DateTime.toEpochMillis(token.issuedAt)
      const { mono, wall } = clocks.now()
      // As old as the request for it, which the credentials source may have held back; unless another process made it.
      const age = Math.min(Math.max(0, wall - issuedAt), requestedAt === undefined ? Infinity : mono - requestedAt.mono)
      const start: Instant = { wall: issuedAt, mono: mono - age }
      return {
        token,
        exit: Exit.succeed(token),
        renewAt: after(start, RefreshPolicy.renewalDelay(policy, lifetime, random.nextDoubleUnsafe())),
        expiresAt: after(start, RefreshPolicy.usableLifetime(policy, lifetime))
      }
    }

    const retryDelay = (failures: number, error: AuthError): number =>
      RefreshPolicy.retryDelay(policy, failures, Option.getOrUndefined(retryAfter(error)), random.nextDoubleUnsafe())

    const succeed = (
      next: Live,
      client: ClientCredentials | undefined,
      isFromStore: boolean
    ): readonly [Exit.Exit<AccessToken.AccessToken>, Effect.Effect<void>] => {
      const was = { renewed: isValid(live), recovered: failures > 0, isFromStore }
      live = next
      hold = undefined
      refusal = undefined
      lastError = undefined
      failures = 0
      renewal?.interruptUnsafe()
      renewal = policy.mode === "background" ? fork(renew(live)) : undefined
      return [live.exit, telemetry.acquired(next.token, client, was)]
    }

    const fail = (
      cause: AuthError,
      client: ClientCredentials | undefined
    ): readonly [Exit.Exit<never, AuthError>, Effect.Effect<void>] => {
      failures += 1
      const refused = cause._tag === "InvalidCredentials" ? client : undefined
      const backoff = retryDelay(failures, cause)
      const delay = refused === undefined ? backoff : Math.max(backoff, Duration.toMillis(policy.refusalTimeToLive))
      const error = withRetryAfter(cause, delay)
      lastError = error
      hold = { error, refused, until: after(clocks.now(), delay) }
      if (refused !== undefined) refusal = hold
      const was = { valid: isValid(live), retryAfter: Duration.millis(Math.ceil(delay)) }
      return [Exit.fail(error), telemetry.failed(error, client, was)]
    }

    /** What a flight brought: how it ends for those who wait, and what is told of it. */
    const settle = (mine: Flight, outcome: Outcome | "StillRefused") => {
      if (outcome === "StillRefused") {
        hold = mine.verdict
        return [Exit.fail(mine.verdict!.error), Effect.void] as const
      }
      const { credentials, isFromStore, result } = outcome
      if (Result.isFailure(result)) return fail(result.failure, credentials)
      if (rejections.includes(result.success)) {
        const message = "The token endpoint handed out the token again that the API has just rejected."
        return fail(new TokenExpired({ reason: "Rejected", message }), credentials)
      }
      const next = startUsing(result.success, isFromStore ? undefined : mine.startedAt)
      if (isValid(next)) return succeed(next, credentials, isFromStore)
      const message =
        "The token had expired before its answer came: the token endpoint takes longer than a token lives."
      return fail(new TokenEndpointUnavailable({ reason: "Timeout", message }), credentials)
    }

    const land = (mine: Flight, exit: Exit.Exit<Outcome | "StillRefused">): Effect.Effect<void> =>
      Effect.suspend(() => {
        // Overtaken: a later flight answers for this one.
        if (flight !== mine) return Effect.void
        flight = undefined
        // Anything but a success is the closing of the scope: nothing is learnt from it.
        const [result, told] = Exit.isSuccess(exit)
          ? settle(mine, exit.value)
          : [Exit.failCause(exit.cause), Effect.void] as const
        Deferred.doneUnsafe<AccessToken.AccessToken, AuthError>(mine.result, result)
        if (!(Exit.isSuccess(exit) && exit.value === "StillRefused")) publish()
        return told
      })

    /** Whether another process's token is worth taking: it was not rejected, and replaces or outlives the one in use. */
    const isBetter = (token: AccessToken.AccessToken, replaced?: AccessToken.AccessToken): boolean => {
      if (rejections.includes(token) || rejections.includesLaterThan(token)) return false
      const next = startUsing(token, undefined)
      if (!isValid(next)) return false
      return !isValid(live) || live.token === replaced || next.expiresAt.wall > live.expiresAt.wall
    }
    const judgement: Judgement = {
      isBetter: (token) => isBetter(token),
      delayAfter: (error) => Duration.millis(retryDelay(failures + 1, error))
    }

    const takeOff = (): Flight => {
      const stale = flight
      const mine: Flight = {
        result: Deferred.makeUnsafe(),
        startedAt: clocks.now(),
        verdict: refusal !== undefined && clocks.left(refusal.until) > 0 ? refusal : undefined,
        fiber: undefined
      }
      flight = mine
      if (stale !== undefined) {
        Deferred.doneUnsafe(stale.result, Deferred.await(mine.result))
        stale.fiber?.interruptUnsafe()
      }
      if (mine.verdict === undefined) publish()
      mine.fiber = fork(
        acquisition(mine.verdict?.refused, judgement).pipe(
          Effect.onExit((exit) => land(mine, exit)),
          Effect.asVoid
        )
      )
      return mine
    }

    // A flight ends within its time-out. One that did not was frozen with the process, and its connection is dead.
    const longestFlight = 2 * Duration.toMillis(policy.acquisitionTimeout)
    const board = (): Flight =>
      flight !== undefined && clocks.now().wall < flight.startedAt.wall + longestFlight ? flight : takeOff()

    const renew = (token: Live): Effect.Effect<void> =>
      Effect.sleep(Duration.millis(clocks.left(token.renewAt))).pipe(
        Effect.andThen(
          Effect.suspend((): Effect.Effect<unknown> => {
            // Replaced before this fiber was known to who replaced it.
            if (live !== token) return Effect.void
            return holdLeft() > 0
              ? Effect.sleep(Duration.millis(holdLeft()))
              : Effect.exit(Deferred.await(board().result))
          }).pipe(
            // A refusal is not worth another try once nothing is left to renew: the next caller makes one.
            Effect.repeat({
              while: () => !isClosed() && live === token && (isValid(token) || hold?.refused === undefined)
            })
          )
        ),
        Effect.asVoid
      )

    const acquire = (giveUpAt: number): Effect.Effect<AccessToken.AccessToken, AuthError> =>
      Effect.suspend(() => {
        if (isClosed()) return Effect.interrupt
        if (isValid(live)) {
          // Within the renewal window: see to it that a renewal is under way, and do not wait for it. Who waited for a
          // hold to end may find a token that is younger than that.
          if (!clocks.isBefore(live.renewAt) && holdLeft() === 0) board()
          return live?.exit ?? acquire(giveUpAt)
        }
        const wait = holdLeft()
        if (flight === undefined && hold !== undefined && wait > 0 && hold.refused === undefined) {
          return isWorthWaiting(hold.error, giveUpAt)
            ? Effect.flatMap(Effect.sleep(Duration.millis(wait)), () => acquire(giveUpAt))
            : Effect.fail(withRetryAfter(hold.error, wait))
        }
        return Effect.catch(
          Deferred.await(board().result),
          (error) => isWorthWaiting(error, giveUpAt) ? acquire(giveUpAt) : Effect.fail(error)
        )
      })

    const isWorthWaiting = (error: AuthError, giveUpAt: number): boolean =>
      isTransient(error) && failures < giveUpAt && holdLeft() <= Duration.toMillis(policy.patience)

    const replace = () => {
      if (live === undefined && !isClosed() && holdLeft() === 0) board()
    }

    const drop = () => {
      renewal?.interruptUnsafe()
      live = undefined
      publish()
    }

    const follow = (change: Change): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (isClosed()) return Effect.void
        if (change._tag === "Rejected") {
          if (rejections.includes(change.token)) return Effect.void
          rejections.adopt(change.token)
          if (live === undefined || !AccessToken.equals(live.token, change.token)) return Effect.void
          drop()
          return Effect.sync(replace)
        }
        if (!isBetter(change.token, change.before)) return Effect.void
        const [exit, told] = succeed(startUsing(change.token, undefined), change.credentials, true)
        // What is under way would bring one more token, or this one again.
        const overtaken = flight
        flight = undefined
        if (overtaken !== undefined) {
          Deferred.doneUnsafe<AccessToken.AccessToken, AuthError>(overtaken.result, exit)
          overtaken.fiber?.interruptUnsafe()
        }
        publish()
        return told
      })
    if (sharing !== undefined) {
      fork(Stream.runForEach(sharing.changes, follow))
    }

    return {
      get: Effect.suspend(() =>
        live !== undefined && clocks.isBefore(live.renewAt) ? live.exit : acquire(failures + policy.attempts)
      ),
      reject: (token) =>
        Effect.suspend(() => {
          if (live === undefined || !AccessToken.equals(live.token, token)) return Effect.void
          const rejected = live.token
          switch (rejections.enter(rejected)) {
            // So many tokens within a minute: it is not the token that is wrong, and other requests may do well with it.
            case "repeated":
              return Effect.void
            case "doubted":
              return telemetry.doubted
            case "believed":
              drop()
              return Effect.andThen(
                telemetry.rejected,
                Effect.andThen(sharing?.reject(rejected) ?? Effect.void, Effect.sync(replace))
              )
          }
        }),
      status: Effect.sync(snapshot),
      changes: Stream.fromPubSub(changes)
    }
  })
