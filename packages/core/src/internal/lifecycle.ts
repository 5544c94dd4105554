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
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AccessToken from "../AccessToken.ts"
import type { AuthError } from "../AuthError.ts"
import { isTransient, retryAfter, TokenEndpointUnavailable, TokenExpired } from "../AuthError.ts"
import type { ClientCredentials } from "../Credentials.ts"
import * as RefreshPolicy from "../RefreshPolicy.ts"
import type { Status } from "../TokenProvider.ts"
import type { Acquisition, Outcome } from "./acquisition.ts"
import { Rejections } from "./rejections.ts"
import { withRetryAfter } from "./retryAfter.ts"
import type { Judgement, Sharing } from "./sharing.ts"
import type { Change } from "./storeWatch.ts"
import type { Telemetry } from "./telemetry.ts"
import { after, TwoClocks } from "./twoClocks.ts"
import type { Instant } from "./twoClocks.ts"

/** A token in use. */
interface Live {
  readonly token: AccessToken.AccessToken
  readonly exit: Exit.Exit<AccessToken.AccessToken>
  readonly renewAt: Instant
  readonly expiresAt: Instant
  /** Whether the sleep until `renewAt` is still under way. */
  isTimed: boolean
}

/** The one acquisition in flight, which everybody waits for. */
interface Flight {
  readonly result: Deferred.Deferred<AccessToken.AccessToken, AuthError>
  readonly startedAt: Instant
  /** A flight ends within its time-out. One that did not was frozen with the process, and its connection is dead. */
  readonly overdueAt: Instant
  /** The refusal that stood at take-off: the answer where the credentials are still the same. */
  readonly verdict: Hold | undefined
  fiber: Fiber.Fiber<void> | undefined
  /** What callers wait for who give up at the same number of failures. */
  arrival: {
    readonly giveUpAt: number
    readonly effect: Effect.Effect<AccessToken.AccessToken, AuthError>
  } | undefined
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
 * time runs in fibers that end with the scope: the acquisition in flight, and the sleep until the next renewal.
 *
 * A class: its methods are there once, and not for each of thousands of tenants.
 */
export class Lifecycle {
  readonly #policy: RefreshPolicy.RefreshPolicy
  readonly #acquisition: Acquisition
  readonly #sharing: Sharing | undefined
  readonly #telemetry: Telemetry
  readonly #context: Context.Context<never>
  readonly #scope: Scope.Scope
  readonly #clocks: TwoClocks
  readonly #rejections: Rejections

  #live: Live | undefined
  #flight: Flight | undefined
  #hold: Hold | undefined
  // Kept apart from `hold`: a source that fails meanwhile does not make the credentials right.
  #refusal: Hold | undefined
  #lastError: AuthError | undefined
  #failures = 0
  #renewal: Fiber.Fiber<void> | undefined
  /** Made for the first who reads the changes. */
  #changes: PubSub.PubSub<Status> | undefined

  constructor(
    policy: RefreshPolicy.RefreshPolicy,
    acquisition: Acquisition,
    sharing: Sharing | undefined,
    telemetry: Telemetry,
    context: Context.Context<never>,
    scope: Scope.Scope
  ) {
    this.#policy = policy
    this.#acquisition = acquisition
    this.#sharing = sharing
    this.#telemetry = telemetry
    this.#context = context
    this.#scope = scope
    this.#clocks = new TwoClocks(Context.get(context, Clock.Clock))
    this.#rejections = new Rejections(policy, this.#clocks)
    if (sharing !== undefined) this.#fork(Stream.runForEach(sharing.changes, (change) => this.#follow(change)))
  }

  get(): Effect.Effect<AccessToken.AccessToken, AuthError> {
    const live = this.#live
    // While the sleep goes on it stands for the monotonic clock, whose reading would cost a tenth of a microsecond.
    return live !== undefined &&
        (live.isTimed ? this.#clocks.isBeforeOnWall(live.renewAt) : this.#clocks.isBefore(live.renewAt))
      ? live.exit
      : this.#acquire(this.#failures + this.#policy.attempts)
  }

  reject(token: AccessToken.AccessToken): Effect.Effect<void> {
    if (this.#live === undefined || !AccessToken.equals(this.#live.token, token)) return Effect.void
    const rejected = this.#live.token
    switch (this.#rejections.enter(rejected)) {
      // So many tokens within a minute: it is not the token that is wrong, and other requests may do well with it.
      case "repeated":
        return Effect.void
      case "doubted":
        return this.#telemetry.doubted()
      case "believed":
        this.#drop()
        return Effect.andThen(
          this.#telemetry.rejected(),
          Effect.andThen(this.#sharing?.reject(rejected) ?? Effect.void, Effect.sync(() => this.#replace()))
        )
    }
  }

  status(): Status {
    const live = this.#live
    const valid = this.#isValid(live)
    const state = this.#flight !== undefined
      ? valid ? "renewing" : "acquiring"
      : valid
      ? "valid"
      : this.#lastError !== undefined
      ? "failed"
      : live === undefined
      ? "empty"
      : "expired"
    return {
      state,
      issuedAt: live?.token.issuedAt,
      expiresAt: live?.token.expiresAt,
      nextRenewalAt: live !== undefined && valid
        ? DateTime.makeUnsafe(Math.max(live.renewAt.wall, this.#clocks.now().wall + this.#holdLeft()))
        : undefined,
      lastError: this.#lastError
    }
  }

  changes(): Stream.Stream<Status> {
    const changes = Effect.suspend(() =>
      this.#changes !== undefined
        ? Effect.succeed(this.#changes)
        : Effect.map(PubSub.sliding<Status>({ capacity: 64, replay: 1 }), (made) => {
          if (this.#changes !== undefined) return this.#changes
          this.#changes = made
          this.#publish()
          return made
        })
    )
    return Stream.unwrap(Effect.map(changes, Stream.fromPubSub))
  }

  close(): Effect.Effect<void> {
    this.#telemetry.close()
    const sleep = this.#renewal === undefined ? Effect.void : Fiber.interrupt(this.#renewal)
    return this.#changes === undefined ? sleep : Effect.andThen(sleep, PubSub.shutdown(this.#changes))
  }

  #fork(effect: Effect.Effect<void>): Fiber.Fiber<void> {
    return Fiber.runIn(Effect.runForkWith(this.#context)(effect), this.#scope)
  }
  // Closed is closed from the first finalizer on.
  get #isClosed(): boolean {
    return this.#scope.state._tag === "Closed"
  }
  #isValid(token: Live | undefined): token is Live {
    return token !== undefined && this.#clocks.isBefore(token.expiresAt)
  }
  #holdLeft(): number {
    return this.#hold === undefined ? 0 : this.#clocks.left(this.#hold.until)
  }
  #publish(): void {
    if (this.#changes !== undefined) PubSub.publishUnsafe(this.#changes, this.status())
  }

  #startUsing(token: AccessToken.AccessToken, requestedAt: Instant | undefined): Live {
    const lifetime = Duration.toMillis(AccessToken.lifetime(token))
    const issuedAt = DateTime.toEpochMillis(token.issuedAt)
    const { mono, wall } = this.#clocks.now()
    // As old as the request for it, which the credentials source may have held back; unless another process made it.
    const age = Math.min(Math.max(0, wall - issuedAt), requestedAt === undefined ? Infinity : mono - requestedAt.mono)
    const start: Instant = { wall: issuedAt, mono: mono - age }
    return {
      token,
      exit: Exit.succeed(token),
      renewAt: after(start, RefreshPolicy.renewalDelay(this.#policy, lifetime, this.#random())),
      expiresAt: after(start, RefreshPolicy.usableLifetime(this.#policy, lifetime)),
      isTimed: false
    }
  }

  #random(): number {
    return Context.get(this.#context, Random.Random).nextDoubleUnsafe()
  }
  #retryDelay(failures: number, error: AuthError): number {
    const asked = Option.getOrUndefined(retryAfter(error))
    return RefreshPolicy.retryDelay(this.#policy, failures, asked, this.#random(), this.#left())
  }

  #succeed(
    next: Live,
    client: ClientCredentials | undefined,
    isFromStore: boolean
  ): readonly [Exit.Exit<AccessToken.AccessToken>, Effect.Effect<void>] {
    const was = { renewed: this.#isValid(this.#live), recovered: this.#failures > 0, isFromStore }
    this.#live = next
    this.#hold = undefined
    this.#refusal = undefined
    this.#lastError = undefined
    this.#failures = 0
    this.#renewal?.interruptUnsafe()
    this.#renewal = this.#policy.mode === "background" ? this.#renew(next) : undefined
    return [next.exit, this.#telemetry.acquired(next.token, client, was, () => this.#left() / 1000)]
  }

  /** For how long the token in use is still used, in milliseconds. */
  #left(): number {
    return this.#isValid(this.#live) ? this.#clocks.left(this.#live.expiresAt) : 0
  }

  #fail(
    cause: AuthError,
    client: ClientCredentials | undefined
  ): readonly [Exit.Exit<never, AuthError>, Effect.Effect<void>] {
    this.#failures += 1
    const refused = cause._tag === "InvalidCredentials" ? client : undefined
    const backoff = this.#retryDelay(this.#failures, cause)
    const delay = refused === undefined
      ? backoff
      : Math.max(backoff, Duration.toMillis(this.#policy.refusalTimeToLive))
    const error = withRetryAfter(cause, delay)
    this.#lastError = error
    this.#hold = { error, refused, until: after(this.#clocks.now(), delay) }
    if (refused !== undefined) this.#refusal = this.#hold
    const was = { valid: this.#isValid(this.#live), retryAfter: Duration.millis(Math.ceil(delay)) }
    return [Exit.fail(error), this.#telemetry.failed(error, client, was)]
  }

  /** What a flight brought: how it ends for those who wait, and what is told of it. */
  #settle(
    mine: Flight,
    outcome: Outcome | "StillRefused"
  ): readonly [Exit.Exit<AccessToken.AccessToken, AuthError>, Effect.Effect<void>] {
    if (outcome === "StillRefused") {
      this.#hold = mine.verdict
      return [Exit.fail(mine.verdict!.error), Effect.void]
    }
    const { credentials, isFromStore, result } = outcome
    if (Result.isFailure(result)) return this.#fail(result.failure, credentials)
    if (this.#rejections.includes(result.success)) {
      const message = "The token endpoint handed out the token again that the API has just rejected."
      return this.#fail(new TokenExpired({ reason: "Rejected", message }), credentials)
    }
    const next = this.#startUsing(result.success, isFromStore ? undefined : mine.startedAt)
    if (this.#isValid(next)) return this.#succeed(next, credentials, isFromStore)
    const message = "The token had expired before its answer came: the token endpoint takes longer than a token lives."
    return this.#fail(new TokenEndpointUnavailable({ reason: "Timeout", message }), credentials)
  }

  #land(mine: Flight, exit: Exit.Exit<Outcome | "StillRefused">): Effect.Effect<void> {
    // Overtaken: a later flight answers for this one.
    if (this.#flight !== mine) return Effect.void
    this.#flight = undefined
    // Anything but a success is the closing of the scope: nothing is learnt from it.
    const [result, told] = Exit.isSuccess(exit)
      ? this.#settle(mine, exit.value)
      : [Exit.failCause(exit.cause), Effect.void] as const
    Deferred.doneUnsafe<AccessToken.AccessToken, AuthError>(mine.result, result)
    if (!(Exit.isSuccess(exit) && exit.value === "StillRefused")) this.#publish()
    return told
  }

  /** Whether another process's token is worth taking: it was not rejected, and replaces or outlives the one in use. */
  #isBetter(token: AccessToken.AccessToken, replaced?: AccessToken.AccessToken): boolean {
    if (this.#rejections.includes(token) || this.#rejections.includesLaterThan(token)) return false
    const next = this.#startUsing(token, undefined)
    if (!this.#isValid(next)) return false
    const live = this.#live
    return !this.#isValid(live) || live.token === replaced || next.expiresAt.wall > live.expiresAt.wall
  }

  #takeOff(): Flight {
    const stale = this.#flight
    const startedAt = this.#clocks.now()
    const mine: Flight = {
      result: Deferred.makeUnsafe(),
      startedAt,
      overdueAt: after(startedAt, 2 * Duration.toMillis(this.#policy.acquisitionTimeout)),
      verdict: this.#refusal !== undefined && this.#clocks.left(this.#refusal.until) > 0 ? this.#refusal : undefined,
      fiber: undefined,
      arrival: undefined
    }
    this.#flight = mine
    if (stale !== undefined) {
      Deferred.doneUnsafe(stale.result, Deferred.await(mine.result))
      stale.fiber?.interruptUnsafe()
    }
    if (mine.verdict === undefined) this.#publish()
    const judgement: Judgement = {
      isBetter: (token) => this.#isBetter(token),
      delayAfter: (error) => Duration.millis(this.#retryDelay(this.#failures + 1, error))
    }
    mine.fiber = this.#fork(
      this.#acquisition(mine.verdict?.refused, judgement).pipe(
        Effect.onExit((exit) => Effect.suspend(() => this.#land(mine, exit))),
        Effect.asVoid
      )
    )
    return mine
  }

  #board(): Flight {
    const flight = this.#flight
    return flight !== undefined && this.#clocks.isBeforeOnWall(flight.overdueAt) ? flight : this.#takeOff()
  }

  /** Sleeps until the token is to be renewed. A fiber without context: it is what an idle tenant consists of. */
  #renew(token: Live): Fiber.Fiber<void> {
    token.isTimed = true
    return Effect.runFork(
      Effect.flatMap(this.#clocks.sleep(this.#clocks.left(token.renewAt)), () => {
        token.isTimed = false
        return this.#renewUntilReplaced(token)
      })
    )
  }
  #renewUntilReplaced(token: Live): Effect.Effect<void> {
    return Effect.suspend(() => {
      // A refusal is not worth another try once nothing is left to renew: the next caller makes one.
      const goesOn = !this.#isClosed && this.#live === token &&
        (this.#isValid(token) || this.#hold?.refused === undefined)
      if (!goesOn) return Effect.void
      const wait = this.#holdLeft()
      const step = wait > 0 ? this.#clocks.sleep(wait) : Effect.exit(Deferred.await(this.#board().result))
      return Effect.flatMap(step, () => this.#renewUntilReplaced(token))
    })
  }

  #acquire(giveUpAt: number): Effect.Effect<AccessToken.AccessToken, AuthError> {
    return Effect.suspend(() => {
      if (this.#isClosed) return Effect.interrupt
      const live = this.#live
      if (this.#isValid(live)) {
        // Within the renewal window: see to it that a renewal is under way, and do not wait for it. Who waited for a
        // hold to end may find a token that is younger than that.
        if (!this.#clocks.isBefore(live.renewAt) && this.#holdLeft() === 0) this.#board()
        return this.#live?.exit ?? this.#acquire(giveUpAt)
      }
      const hold = this.#hold
      const wait = this.#holdLeft()
      if (this.#flight === undefined && hold !== undefined && wait > 0 && hold.refused === undefined) {
        return this.#isWorthWaiting(hold.error, giveUpAt)
          ? Effect.flatMap(Effect.sleep(Duration.millis(wait)), () => this.#acquire(giveUpAt))
          : Effect.fail(withRetryAfter(hold.error, wait))
      }
      return this.#arrival(this.#board(), giveUpAt)
    })
  }

  /** Thousands may wait for a flight, and all who came with it for the same: one effect for them is 1 µs less for each. */
  #arrival(flight: Flight, giveUpAt: number): Effect.Effect<AccessToken.AccessToken, AuthError> {
    if (flight.arrival?.giveUpAt !== giveUpAt) {
      const effect = Effect.catch(
        Deferred.await(flight.result),
        (error) => this.#isWorthWaiting(error, giveUpAt) ? this.#acquire(giveUpAt) : Effect.fail(error)
      )
      flight.arrival = { giveUpAt, effect }
    }
    return flight.arrival.effect
  }

  #isWorthWaiting(error: AuthError, giveUpAt: number): boolean {
    return isTransient(error) && this.#failures < giveUpAt &&
      this.#holdLeft() <= Duration.toMillis(this.#policy.patience)
  }

  #replace(): void {
    if (this.#live === undefined && !this.#isClosed && this.#holdLeft() === 0) this.#board()
  }

  #drop(): void {
    this.#renewal?.interruptUnsafe()
    this.#live = undefined
    this.#publish()
  }

  #follow(change: Change): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#isClosed) return Effect.void
      if (change._tag === "Rejected") {
        if (this.#rejections.includes(change.token)) return Effect.void
        this.#rejections.adopt(change.token)
        if (this.#live === undefined || !AccessToken.equals(this.#live.token, change.token)) return Effect.void
        this.#drop()
        return Effect.sync(() => this.#replace())
      }
      if (!this.#isBetter(change.token, change.before)) return Effect.void
      const [exit, told] = this.#succeed(this.#startUsing(change.token, undefined), change.credentials, true)
      // What is under way would bring one more token, or this one again.
      const overtaken = this.#flight
      this.#flight = undefined
      if (overtaken !== undefined) {
        Deferred.doneUnsafe<AccessToken.AccessToken, AuthError>(overtaken.result, exit)
        overtaken.fiber?.interruptUnsafe()
      }
      this.#publish()
      return told
    })
  }
}
