import * as Instant from "@effect-spotnana/engine/Instant"
import * as Engine from "@effect-spotnana/engine/Lifecycle"
import { usableLifetime, waitForOthers } from "@effect-spotnana/engine/Policy"
import type * as State from "@effect-spotnana/engine/State"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import * as AccessToken from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import { retryAfter } from "../../AuthError.ts"
import { instantOf } from "../instant.ts"
import type { Grant } from "../tokenEndpoint/requestToken.ts"
import type { Sharing } from "../tokenStore/sharing.ts"
import type { Acquisition, Outcome } from "./acquisition.ts"
import { closed, interrupted, late, notTheToken } from "./errors.ts"
import type { Evidence, Status } from "./service.ts"
import { StatusReport } from "./status.ts"
import type { Telemetry } from "./telemetry.ts"
import { withRetryAfter } from "./withRetryAfter.ts"

type Token = AccessToken.AccessToken
type EngineState = State.State<Token, AuthError>
type Event = State.Event<Token, AuthError>
type Command = State.Command<Token, AuthError>
type Caller = Engine.Caller<AuthError>
/** Asks the engine what a caller gets, for `get` or for `replacement`. */
type Ask = (state: EngineState, caller: Caller, now: Instant.Instant) => Engine.Answer<Token, AuthError>

/** How an acquisition ended. */
type Ended = NonNullable<Caller["waited"]>

/**
 * Runs the engine for one provider: keeps its state, its waiters, the fiber of the acquisition and the timer. It decides
 * nothing.
 *
 * A class, so that thousands of tenants share one copy of its methods.
 */
export class Shell {
  readonly #acquisition: Acquisition
  readonly #runtime: Runtime.Runtime<never>
  readonly #clock: Clock.Clock
  readonly #chance: Random.Random
  readonly #telemetry: Telemetry
  readonly #status = new StatusReport()

  #state: EngineState
  /**
   * What every caller gets until `until`, without reading the state. `checkedAt`: when the wall clock was last read.
   */
  #cached: { readonly exit: Exit.Exit<Token>; readonly until: Instant.Instant; checkedAt: number } | undefined
  /** Completed when the acquisition in flight ends. */
  #waiters: Deferred.Deferred<Ended> | undefined
  /** What `#acquire` gives in this millisecond, while the state does not change: thousands may call at once. */
  #same: { readonly wall: number; readonly effect: Effect.Effect<Token, AuthError> } | undefined
  /** How the last acquisition ended. */
  #ended: Ended | undefined
  #fiber: Fiber.RuntimeFiber<void> | undefined
  #timer: Fiber.RuntimeFiber<void> | undefined
  /** Sleeps until the acquisition of this number is overdue. */
  #watch: Fiber.RuntimeFiber<void> | undefined
  #watched = 0
  /** Everything that ends with the provider. */
  readonly #fibers = new Set<Fiber.RuntimeFiber<void>>()
  #isClosed = false

  constructor(
    state: EngineState,
    acquisition: Acquisition,
    sharing: Sharing | undefined,
    telemetry: (secondsLeft: () => number) => Telemetry,
    services: {
      readonly runtime: Runtime.Runtime<never>
      readonly clock: Clock.Clock
      readonly random: Random.Random
    }
  ) {
    this.#state = state
    this.#acquisition = acquisition
    this.#runtime = services.runtime
    this.#clock = services.clock
    this.#chance = services.random
    this.#telemetry = telemetry(() => this.#millisLeft / 1_000)
    if (sharing !== undefined) {
      this.#fork(Stream.runForEach(sharing.changes, ({ credentials, grant }) => {
        this.#telemetry.client = credentials
        return this.#dispatch({ _tag: "TokenShared", ...this.#granted(grant) })
      }))
    }
  }

  get(): Effect.Effect<Token, AuthError> {
    const cached = this.#cached
    const wall = this.#clock.unsafeCurrentTimeMillis()
    // The monotonic clock is read at most once a millisecond, because reading it takes a third of the time that the
    // library needs for a request with a token.
    if (cached?.checkedAt === wall) return cached.exit
    const now = instantOf(this.#clock, wall)
    if (cached === undefined || Instant.hasPassed(cached.until, now)) return this.#acquire(now)
    cached.checkedAt = wall
    return cached.exit
  }

  /** Begins the first acquisition, and makes as many attempts as a caller would. Nobody waits for it. */
  start(): void {
    this.#fork(Effect.asVoid(Effect.exit(this.get())))
  }

  reject(token: Token, evidence: Evidence | undefined): Effect.Effect<boolean> {
    return this.#whileOpen(() => {
      const { rejectedInARow = 1, wasAccepted = false } = evidence ?? {}
      const known = this.#known(token)
      const wasInUse = known === this.#state.cached?.token
      return Effect.as(
        this.#dispatch({ _tag: "TokenRejected", token: known, rejectedInARow, wasAccepted }),
        wasInUse
      )
    })
  }

  replacement(token: Token, isRepeated: boolean): Effect.Effect<Token, AuthError> {
    return this.#whileOpen(() => {
      const rejected = this.#known(token)
      const now = this.#now
      return this.#answered(
        Engine.caller(this.#state, now),
        (state, caller, now) => Engine.replacement(state, { ...caller, rejected, isRepeated }, now),
        now
      )
    })
  }

  replayAccepted(): Effect.Effect<void> {
    return Effect.suspend(() => this.#dispatch({ _tag: "ReplayAccepted" }))
  }

  status(): Status {
    return this.#status.of(this.#state, this.#now)
  }

  changes(): Stream.Stream<Status> {
    return this.#isClosed ? Stream.fromEffect(Effect.interrupt) : this.#status.changes(() => this.status())
  }

  close(): Effect.Effect<void> {
    this.#isClosed = true
    this.#telemetry.close()
    this.#cached = undefined
    const waiters = this.#waiters
    if (waiters !== undefined) Deferred.unsafeDone(waiters, closed)
    this.#status.close()
    return Fiber.interruptAll([...this.#fibers])
  }

  get #now(): Instant.Instant {
    return instantOf(this.#clock)
  }
  get #millisLeft(): number {
    const { cached } = this.#state
    return cached === undefined ? 0 : Instant.millisUntil(cached.expiresAt, this.#now)
  }
  #whileOpen<A, E>(effect: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => this.#isClosed ? closed : effect())
  }
  #fork(effect: Effect.Effect<void>): Fiber.RuntimeFiber<void> {
    const fiber = Runtime.runFork(this.#runtime, effect)
    this.#fibers.add(fiber)
    fiber.addObserver(() => this.#fibers.delete(fiber))
    return fiber
  }
  #random(): number {
    return Effect.runSync(this.#chance.next)
  }
  /** The engine compares tokens by identity, everything else compares them by value. */
  #known(token: Token): Token {
    const known = this.#state.cached?.token
    return known !== undefined && AccessToken.equals(known, token) ? known : token
  }

  /** Changes the state, then runs the commands. The returned effect only writes the logs. */
  #dispatch(event: Event, now = this.#now): Effect.Effect<void> {
    const before = this.#state
    const [state, commands] = Engine.transition(before, event, now)
    if (state === before && commands.length === 0) return Effect.void
    this.#state = state
    this.#same = undefined
    const until = Engine.usableUntil(state)
    this.#cached = until === undefined
      ? undefined
      : { exit: Exit.succeed(state.cached!.token), until, checkedAt: NaN }
    if (state !== before) this.#status.publish(() => this.status())
    const reports = commands.map((command) => this.#run(command))
    return Effect.all(reports, { discard: true })
  }

  #run(command: Command): Effect.Effect<void> {
    switch (command._tag) {
      case "Acquire":
        this.#beginAcquisition(command)
        return Effect.void
      case "CancelAcquisition":
        interrupt(this.#fiber)
        return Effect.void
      case "WakeAt":
        this.#wakeAt(command.at)
        return Effect.void
      case "CompleteWaiters": {
        const waiters = this.#waiters
        this.#waiters = undefined
        interrupt(this.#watch)
        this.#watch = undefined
        this.#ended = { failure: command.failure }
        if (waiters !== undefined) Deferred.unsafeDone(waiters, Exit.succeed(this.#ended))
        return Effect.void
      }
      case "Report":
        return this.#telemetry.report(command.report)
    }
  }

  #wakeAt(at: Instant.Instant): void {
    interrupt(this.#timer)
    this.#timer = undefined
    let isOver = false
    const timer = this.#fork(Effect.flatMap(this.#sleep(at), () => {
      isOver = true
      this.#timer = undefined
      return this.#isClosed ? Effect.void : this.#dispatch({ _tag: "RenewalDue" })
    }))
    // A sleep of no time has ended already, and may have set the next timer.
    if (!isOver) this.#timer = timer
  }

  /** Makes sure that nobody keeps waiting for an acquisition whose fiber is lost. */
  #watchAcquisition(): void {
    const { acquisition } = this.#state
    if (acquisition === undefined || acquisition.id === this.#watched) return
    this.#watched = acquisition.id
    interrupt(this.#watch)
    this.#watch = this.#fork(Effect.flatMap(this.#sleep(acquisition.overdueAt), () => {
      this.#watch = undefined
      if (this.#isClosed || this.#waiters === undefined) return Effect.void
      const reported = this.#dispatch({ _tag: "TokenRequested" })
      // The same acquisition is watched again if the timer went off a moment too early.
      this.#watched = 0
      this.#watchAcquisition()
      return reported
    }))
  }

  #beginAcquisition({ id, laterThan, refused }: Command & { readonly _tag: "Acquire" }): void {
    const acquisition = this.#acquisition({
      laterThan,
      refused,
      usableLifetime: (lifetime) => usableLifetime(this.#state.policy, lifetime),
      longestWait: waitForOthers(this.#state.policy),
      retryDelay: (error) => Engine.retryDelay(this.#state, millisOf(error), this.#random(), this.#now)
    })
    const fiber = this.#fork(
      Effect.onExit(acquisition, (exit) =>
        Effect.suspend(() => {
          if (this.#isClosed) return Effect.void
          const outcome = Exit.isSuccess(exit) ? exit.value : interrupted()
          if (outcome.credentials !== undefined) this.#telemetry.client = outcome.credentials
          return this.#dispatch(this.#eventOf(id, outcome))
        })).pipe(Effect.asVoid)
    )
    // An acquisition that never suspended has ended already, and another one may be in flight.
    if (this.#state.acquisition?.id === id) this.#fiber = fiber
  }

  #eventOf(id: number, { credentials, result }: Outcome): Event {
    if (result === "Unchanged") return { _tag: "CredentialsUnchanged", id }
    if (Either.isLeft(result)) {
      const error = result.left
      return {
        _tag: "AcquisitionFailed",
        id,
        error,
        refused: error._tag === "InvalidCredentials" ? credentials?.number : undefined,
        retryAfter: millisOf(error),
        random: this.#random()
      }
    }
    const grant = this.#granted(result.right)
    return { _tag: "Acquired", id, ...grant, errorIfLate: late }
  }

  #granted(grant: Grant): Grant & { readonly random: number } {
    return { ...grant, token: this.#known(grant.token), random: this.#random() }
  }

  /** What `get` does without a token that is known to be good. */
  #acquire(now: Instant.Instant): Effect.Effect<Token, AuthError> {
    if (this.#isClosed) return closed
    if (this.#same?.wall === now.wall) return this.#same.effect
    const state = this.#state
    const effect = this.#requested(Engine.caller(state, now), Engine.answer, now)
    if (this.#state === state) this.#same = { wall: now.wall, effect }
    return effect
  }

  #requested(caller: Caller, ask: Ask, now: Instant.Instant): Effect.Effect<Token, AuthError> {
    if (this.#isClosed) return closed
    const before = this.#ended
    const reported = this.#dispatch({ _tag: "TokenRequested" }, now)
    const answered = (now: Instant.Instant) => {
      // An acquisition that never suspends has ended now.
      const waited = this.#ended === before ? undefined : this.#ended
      return this.#answered({ ...caller, waited }, ask, now)
    }
    return reported === Effect.void ? answered(now) : Effect.flatMap(reported, () => answered(this.#now))
  }

  /** Waits until the acquisition in flight ends, but no longer than until this moment. */
  #wait(until: Instant.Instant): Effect.Effect<Ended | undefined> {
    const ended = Deferred.await(this.#waiters ??= Deferred.unsafeMake(FiberId.none))
    // Thousands of callers may wait for the same acquisition, so they share one timer. A caller that waits for a
    // shorter time has its own timer.
    if (until === this.#state.acquisition?.overdueAt) {
      this.#watchAcquisition()
      return ended
    }
    return Effect.map(
      Effect.timeoutOption(Effect.interruptible(ended), Instant.millisUntil(until, this.#now)),
      Option.getOrUndefined
    )
  }

  /** Does what the engine answers, until the answer is a token or a failure. */
  #answered(caller: Caller, ask: Ask, now: Instant.Instant): Effect.Effect<Token, AuthError> {
    if (this.#isClosed) return closed
    const answer = ask(this.#state, caller, now)
    switch (answer._tag) {
      case "Token":
        return Effect.succeed(answer.token)
      case "Failure":
        return Effect.fail(
          answer.error === undefined
            ? notTheToken(answer.retryAfter)
            : withRetryAfter(answer.error, answer.retryAfter)
        )
      case "Retry":
        return this.#requested(caller, ask, now)
      default:
        return Effect.flatMap(this.#wait(answer.until), (waited) => {
          const now = this.#now
          return waited === undefined
            ? this.#requested(caller, ask, now)
            : this.#answered({ ...caller, waited }, ask, now)
        })
    }
  }

  #sleep(until: Instant.Instant): Effect.Effect<void> {
    return this.#clock.sleep(Duration.millis(Instant.millisUntil(until, this.#now)))
  }
}

const interrupt = (fiber: Fiber.RuntimeFiber<void> | undefined): void => fiber?.unsafeInterruptAsFork(FiberId.none)

const millisOf = (error: AuthError): number | undefined =>
  Option.getOrUndefined(Option.map(retryAfter(error), Duration.toMillis))
