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

// How often a caller looks whether the acquisition of another request has ended.
const pollTime = 50
// How often an acquisition says that its request goes on, and after how long a silence that request is over.
const beat = 500
const longestSilence = 2_000

/**
 * A shell for runtimes in which a request may not wait for the I/O of another one, and whose I/O ends with it. Requests
 * share the state of the engine, which is plain data, and nothing else: no caller is resumed by another request, and no
 * fiber of another request is interrupted. Each waits on a timer of its own.
 */
export class IsolatedShell extends Shell {
  readonly #clock: Clock.Clock
  readonly #scope: Scope.Scope
  /** When the acquisition in flight last said that its request goes on. */
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

  /** Looked at once a second: a subscriber would be resumed by another request. */
  override changes(): Stream.Stream<Status> {
    return Stream.fromEffectSchedule(Effect.sync(() => this.status()), Schedule.spaced("1 second")).pipe(
      Stream.takeWhile(() => this.#scope.state._tag !== "Closed"),
      Stream.changes
    )
  }

  /** The request that begins an acquisition waits for it: otherwise the two would end together. */
  protected override dispatch(event: Event): Effect.Effect<void> {
    if (event._tag !== "TokenRequested") return super.dispatch(event)
    const { acquisition, lastId } = this.state
    const isLost = acquisition !== undefined && this.#aliveAt !== undefined &&
      Instant.hasPassed(Instant.after(this.#aliveAt, longestSilence), this.#now)
    const reported = super.dispatch(isLost ? { _tag: "AcquisitionLost", id: acquisition.id } : event)
    const { fiber, state } = this
    if (fiber === undefined || state.acquisition === undefined || state.lastId === lastId) return reported
    // While the token is good, for no longer than for the replacement of a suspect one.
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

  /** It is of another request. What it ends with is ignored. */
  protected override cancel(): void {}

  protected override wait(until: Instant.Instant): Effect.Effect<Ended | undefined> {
    const { ended } = this
    const time = Math.min(pollTime, Instant.millisUntil(until, this.#now))
    return Effect.map(Effect.sleep(time), () => this.ended === ended ? undefined : this.ended)
  }
}
