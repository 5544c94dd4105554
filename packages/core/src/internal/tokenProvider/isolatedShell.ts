import * as Instant from "@effect-spotnana/engine/Instant"
import { isUsable } from "@effect-spotnana/engine/Lifecycle"
import { longestSuspicion } from "@effect-spotnana/engine/Policy"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { instantOf } from "../instant.ts"
import type { AcquisitionRequest, Outcome } from "./acquisition.ts"
import type { Status } from "./service.ts"
import { Shell } from "./shell.ts"
import type { Ended, Event, ShellArguments } from "./shell.ts"

// How often a caller checks whether the acquisition of another request has ended.
const pollTime = 50
// How often an acquisition signals that its request still runs. Without a signal for `longestSilence`, that request has
// ended.
const beat = 500
const longestSilence = 2_000

/**
 * A shell for runtimes in which a request must not wait for the I/O of another request, and the I/O of a request ends
 * with it. Requests share only the state of the engine, which is plain data. A request never resumes a caller of
 * another request, or interrupts its fiber. Each request waits on its own timer.
 */
export class IsolatedShell extends Shell {
  readonly #clock: Clock.Clock
  readonly #scope: Scope.Scope
  /** When the acquisition in flight last signalled that its request still runs. */
  #aliveAt: Instant.Instant | undefined

  constructor(...[state, acquisition, sharing, telemetry, context, scope]: ShellArguments) {
    if (sharing !== undefined) {
      throw new Error(
        "A TokenStore cannot be used with RequestIsolation: its subscription would belong to one request."
      )
    }
    super(
      { ...state, policy: { ...state.policy, mode: "onDemand" } },
      acquisition,
      sharing,
      telemetry,
      context,
      scope
    )
    this.#clock = Context.get(context, Clock.Clock)
    this.#scope = scope
  }

  get #now(): Instant.Instant {
    return instantOf(this.#clock)
  }

  /** Checked once a second, because another request would resume a subscriber. */
  override changes(): Stream.Stream<Status> {
    return Stream.fromEffectSchedule(Effect.sync(() => this.status()), Schedule.spaced("1 second")).pipe(
      Stream.takeWhile(() => this.#scope.state._tag !== "Closed"),
      Stream.changes
    )
  }

  /** The request that begins an acquisition waits for it. Otherwise the acquisition would end with the request. */
  protected override dispatch(event: Event): Effect.Effect<void> {
    if (event._tag !== "TokenRequested") return super.dispatch(event)
    const { acquisition, lastId } = this.state
    const isLost = acquisition !== undefined && this.#aliveAt !== undefined &&
      Instant.hasPassed(Instant.after(this.#aliveAt, longestSilence), this.#now)
    const reported = super.dispatch(isLost ? { _tag: "AcquisitionLost", id: acquisition.id } : event)
    const { fiber, state } = this
    if (fiber === undefined || state.acquisition === undefined || state.lastId === lastId) return reported
    // While the token can be used, it waits no longer than callers wait for the replacement of a rejected token.
    const longest = isUsable(state, this.#now) ? longestSuspicion : Infinity
    return Effect.andThen(reported, Effect.timeoutOption(Fiber.await(fiber), longest))
  }

  protected override runAcquisition(request: AcquisitionRequest): Effect.Effect<Outcome> {
    const alive = Effect.sync(() => {
      this.#aliveAt = this.#now
    })
    return Effect.andThen(
      alive,
      Effect.raceFirst(super.runAcquisition(request), Effect.forever(Effect.delay(alive, beat)))
    )
  }

  /** The fiber belongs to another request. Its result is ignored. */
  protected override cancel(): void {}

  protected override wait(until: Instant.Instant): Effect.Effect<Ended | undefined> {
    const { ended } = this
    const time = Math.min(pollTime, Instant.millisUntil(until, this.#now))
    return Effect.map(Effect.sleep(time), () => this.ended === ended ? undefined : this.ended)
  }
}
