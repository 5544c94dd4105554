import * as Instant from "@effect-spotnana/engine/Instant"
import * as Engine from "@effect-spotnana/engine/Lifecycle"
import { usableLifetime, waitForOthers } from "@effect-spotnana/engine/Policy"
import type * as State from "@effect-spotnana/engine/State"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AccessToken from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import { retryAfter } from "../../AuthError.ts"
import { instantOf } from "../instant.ts"
import type { Grant } from "../tokenEndpoint/requestToken.ts"
import type { Sharing } from "../tokenStore/sharing.ts"
import type { Acquisition, AcquisitionRequest, Outcome } from "./acquisition.ts"
import { alarmsOf } from "./alarms.ts"
import type { Alarm } from "./alarms.ts"
import { CurrentToken } from "./currentToken.ts"
import { closed, interrupted, late, notTheToken } from "./errors.ts"
import type { Evidence, Status } from "./service.ts"
import { StatusReport } from "./status.ts"
import type { Telemetry } from "./telemetry.ts"
import { withRetryAfter } from "./withRetryAfter.ts"

type Token = AccessToken.AccessToken
type EngineState = State.State<Token, AuthError>
export type Event = State.Event<Token, AuthError>
type Command = State.Command<Token, AuthError>
type Caller = Engine.Caller<AuthError>
/** Asks the engine what a caller gets, for `get` or for `replacement`. */
type Ask = (state: EngineState, caller: Caller, now: Instant.Instant) => Engine.Answer<Token, AuthError>

/** How an acquisition ended. */
export type Ended = NonNullable<Caller["waited"]>

/**
 * Runs the engine for one provider: keeps its state, its waiters, the fiber of the acquisition and the timer. It decides
 * nothing.
 *
 * A class, so that thousands of tenants share one copy of its methods.
 */
export class Shell {
  readonly #acquisition: Acquisition
  readonly #context: Context.Context<never>
  readonly #scope: Scope.Scope
  readonly #clock: Clock.Clock
  readonly #telemetry: Telemetry
  /** Made for the first reader. */
  #status: StatusReport | undefined

  protected state: EngineState
  /** What every caller gets, without reading the state. */
  readonly current: CurrentToken
  /** Completed when the acquisition in flight ends. */
  #waiters: Deferred.Deferred<Ended> | undefined
  /** What `acquire` gives in this millisecond, while the state does not change: thousands may call at once. */
  #same: { readonly now: Instant.Instant; readonly effect: Effect.Effect<Token, AuthError> } | undefined
  /** How the last acquisition ended. */
  protected ended: Ended | undefined
  protected fiber: Fiber.Fiber<unknown> | undefined
  /** When it is to renew. All that an idle tenant keeps for that. */
  alarm: Alarm | undefined
  /** Sleeps until the acquisition of this number is overdue. */
  #watch: Fiber.Fiber<unknown> | undefined
  #watched = 0
  /** The fibers that have not ended. */
  #running: ReadonlyArray<Fiber.Fiber<unknown>> = []

  constructor(
    state: EngineState,
    acquisition: Acquisition,
    sharing: Sharing | undefined,
    telemetry: Telemetry,
    context: Context.Context<never>,
    scope: Scope.Scope
  ) {
    this.state = state
    this.#acquisition = acquisition
    this.#context = context
    this.#scope = scope
    this.#clock = Context.get(context, Clock.Clock)
    this.#telemetry = telemetry
    this.current = new CurrentToken(this.#clock, this)
    if (sharing !== undefined) {
      this.#fork(Stream.runForEach(sharing.changes, ({ credentials, grant }) => {
        this.#telemetry.client = credentials
        return this.dispatch({ _tag: "TokenShared", ...this.#granted(grant) })
      }))
    }
  }

  get(): Effect.Effect<Token, AuthError> {
    return this.current.asEffect()
  }

  /** Begins the first acquisition, and makes as many attempts as a caller would. Nobody waits for it. */
  start(): void {
    this.#fork(Effect.exit(this.get()))
  }

  reject(token: Token, evidence?: Evidence): Effect.Effect<boolean> {
    return this.#whileOpen(() => {
      const { rejectedInARow = 1, wasAccepted = false } = evidence ?? {}
      const known = this.#known(token)
      const wasInUse = known === this.state.cached?.token
      return Effect.as(
        this.dispatch({ _tag: "TokenRejected", token: known, rejectedInARow, wasAccepted }),
        wasInUse
      )
    })
  }

  replacement(token: Token, isRepeated = false): Effect.Effect<Token, AuthError> {
    return this.#whileOpen(() => {
      const rejected = this.#known(token)
      const now = this.#now
      return this.#answered(
        Engine.caller(this.state, now),
        (state, caller, now) => Engine.replacement(state, { ...caller, rejected, isRepeated }, now),
        now
      )
    })
  }

  replayAccepted(): Effect.Effect<void> {
    return Effect.suspend(() => this.dispatch({ _tag: "ReplayAccepted" }))
  }

  status(): Status {
    return this.#statusReport.of(this.state, this.#now)
  }

  changes(): Stream.Stream<Status> {
    return this.#isClosed ? Stream.fromEffect(Effect.interrupt) : this.#statusReport.changes(() => this.status())
  }

  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#telemetry.close()
      this.current.clear()
      alarmsOf(this.#clock).cancel(this)
      if (this.#waiters !== undefined) Deferred.doneUnsafe(this.#waiters, closed)
      this.#status?.close()
      return Fiber.interruptAll(this.#running)
    })
  }

  get #now(): Instant.Instant {
    return instantOf(this.#clock)
  }
  // The provider is closed as soon as the first finalizer has run.
  get #isClosed(): boolean {
    return this.#scope.state._tag === "Closed"
  }
  get #statusReport(): StatusReport {
    return this.#status ??= new StatusReport()
  }
  #whileOpen<A, E>(effect: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => this.#isClosed ? closed : effect())
  }
  // Not with `Fiber.runIn`: it leaves a map in the scope, which takes 0.2 kB for each of thousands of tenants.
  #fork(effect: Effect.Effect<unknown>): Fiber.Fiber<unknown> {
    const fiber = Effect.runForkWith(this.#context)(effect)
    this.#running = [...this.#running, fiber]
    fiber.addObserver(() => {
      this.#running = this.#running.filter((other) => other !== fiber)
    })
    return fiber
  }
  #random(): number {
    return Context.get(this.#context, Random.Random).nextDoubleUnsafe()
  }
  /** The engine compares tokens by identity, everything else compares them by value. */
  #known(token: Token): Token {
    const known = this.state.cached?.token
    return known !== undefined && AccessToken.equals(known, token) ? known : token
  }

  /** Changes the state, then runs the commands, unless it is closed. The returned effect only writes the logs. */
  protected dispatch(event: Event, now = this.#now): Effect.Effect<void> {
    if (this.#isClosed) return Effect.void
    const before = this.state
    const [state, commands] = Engine.transition(before, event, now)
    if (state === before && commands.length === 0) return Effect.void
    this.state = state
    this.#same = undefined
    const until = Engine.usableUntil(state)
    if (until === undefined) this.current.clear()
    else this.current.set(state.cached!.token, until)
    if (state !== before) this.#status?.publish(() => this.status())
    const reports = commands.map((command) => this.#run(command))
    return Effect.all(reports, { discard: true })
  }

  #run(command: Command): Effect.Effect<void> {
    switch (command._tag) {
      case "Acquire":
        this.#beginAcquisition(command)
        return Effect.void
      case "CancelAcquisition":
        this.cancel()
        return Effect.void
      case "WakeAt":
        alarmsOf(this.#clock).set(this, Instant.millisUntil(command.at, this.#now))
        return Effect.void
      case "CompleteWaiters": {
        const waiters = this.#waiters
        this.#waiters = undefined
        this.#watch?.interruptUnsafe()
        this.#watch = undefined
        this.fiber = undefined
        this.ended = { failure: command.failure }
        if (waiters !== undefined) Deferred.doneUnsafe(waiters, Exit.succeed(this.ended))
        return Effect.void
      }
      case "Report":
        return this.#telemetry.report(command.report, this)
    }
  }

  /** Called when the alarm rings. */
  wake(): Effect.Effect<void> {
    return this.dispatch({ _tag: "RenewalDue" })
  }

  /** Makes sure that nobody keeps waiting for an acquisition whose fiber is lost. */
  #watchAcquisition(): void {
    const { acquisition } = this.state
    if (acquisition === undefined || acquisition.id === this.#watched) return
    this.#watched = acquisition.id
    this.#watch?.interruptUnsafe()
    const left = Duration.millis(Instant.millisUntil(acquisition.overdueAt, this.#now))
    this.#watch = this.#fork(Effect.flatMap(this.#clock.sleep(left), () => {
      this.#watch = undefined
      if (this.#isClosed || this.#waiters === undefined) return Effect.void
      const reported = this.dispatch({ _tag: "TokenRequested" })
      // The same acquisition is watched again if the timer went off a moment too early.
      this.#watched = 0
      this.#watchAcquisition()
      return reported
    }))
  }

  /** Seconds until the token in use expires; 0 without one. */
  secondsLeft(): number {
    const { cached } = this.state
    return cached === undefined ? 0 : Instant.millisUntil(cached.expiresAt, this.#now) / 1_000
  }

  protected runAcquisition(request: AcquisitionRequest): Effect.Effect<Outcome> {
    return this.#acquisition.run(request)
  }

  #beginAcquisition({ id, laterThan, refused }: Command & { readonly _tag: "Acquire" }): void {
    const acquisition = this.runAcquisition({
      laterThan,
      refused,
      usableLifetime: (lifetime) => usableLifetime(this.state.policy, lifetime),
      longestWait: waitForOthers(this.state.policy),
      retryDelay: (error) => Engine.retryDelay(this.state, millisOf(error), this.#random(), this.#now)
    })
    const fiber = this.#fork(
      Effect.onExit(acquisition, (exit) =>
        Effect.suspend(() => {
          const outcome = Exit.isSuccess(exit) ? exit.value : interrupted()
          if (outcome.credentials !== undefined) this.#telemetry.client = outcome.credentials
          return this.dispatch(this.#eventOf(id, outcome))
        }))
    )
    // An acquisition that never suspended has ended already, and another one may be in flight.
    if (this.state.acquisition?.id === id) this.fiber = fiber
  }

  #eventOf(id: number, { number, result }: Outcome): Event {
    if (result === "Unchanged") return { _tag: "CredentialsUnchanged", id }
    if (Result.isFailure(result)) {
      const error = result.failure
      return {
        _tag: "AcquisitionFailed",
        id,
        error,
        refused: error._tag === "InvalidCredentials" ? number : undefined,
        retryAfter: millisOf(error),
        random: this.#random()
      }
    }
    const grant = this.#granted(result.success)
    return { _tag: "Acquired", id, ...grant, errorIfLate: late }
  }

  #granted(grant: Grant): Grant & { readonly random: number } {
    return { ...grant, token: this.#known(grant.token), random: this.#random() }
  }

  /** What `get` does without a token that is known to be good. Called when it runs, not when it is built. */
  acquire(now: Instant.Instant): Effect.Effect<Token, AuthError> {
    if (this.#isClosed) return closed
    if (this.#same?.now === now) return this.#same.effect
    const { state } = this
    const effect = this.#requested(Engine.caller(state, now), Engine.answer, now)
    if (this.state === state) this.#same = { now, effect }
    return effect
  }

  #requested(caller: Caller, ask: Ask, now: Instant.Instant): Effect.Effect<Token, AuthError> {
    const before = this.ended
    const reported = this.dispatch({ _tag: "TokenRequested" }, now)
    return Effect.flatMapEager(reported, () => {
      // An acquisition that never suspends has ended now.
      const waited = this.ended === before ? undefined : this.ended
      return this.#answered({ ...caller, waited }, ask, reported === Effect.void ? now : this.#now)
    })
  }

  protected cancel(): void {
    this.fiber?.interruptUnsafe()
  }

  /** Waits until the acquisition in flight ends, but no longer than until this moment. */
  protected wait(until: Instant.Instant): Effect.Effect<Ended | undefined> {
    const ended = Deferred.await(this.#waiters ??= Deferred.makeUnsafe())
    // Thousands of callers may wait for the same acquisition, so they share one timer. A caller that waits for a
    // shorter time has its own timer.
    if (until === this.state.acquisition?.overdueAt) {
      this.#watchAcquisition()
      return ended
    }
    return Effect.map(Effect.timeoutOption(ended, Instant.millisUntil(until, this.#now)), Option.getOrUndefined)
  }

  /** Does what the engine answers, until the answer is a token or a failure. */
  #answered(caller: Caller, ask: Ask, now: Instant.Instant): Effect.Effect<Token, AuthError> {
    if (this.#isClosed) return closed
    const answer = ask(this.state, caller, now)
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
        return Effect.flatMap(this.wait(answer.until), (waited) => {
          const now = this.#now
          return waited === undefined
            ? this.#requested(caller, ask, now)
            : this.#answered({ ...caller, waited }, ask, now)
        })
    }
  }
}

/** The parts of a shell. */
export type ShellArguments = ConstructorParameters<typeof Shell>

/** The shell that providers run. */
export const CurrentShell: Context.Reference<new(...args: ShellArguments) => Shell> = /* #__PURE__ */ Context.Reference(
  "@effect-spotnana/core/TokenProvider/Shell",
  { defaultValue: () => Shell }
)

const millisOf = (error: AuthError): number | undefined =>
  Option.getOrUndefined(Option.map(retryAfter(error), Duration.toMillis))
