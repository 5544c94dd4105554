import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { instantOf } from "../instant.ts"
import { oncePer } from "../oncePer.ts"

/** Something that can be woken. */
export interface Sleeper {
  /** Its alarm, which only `Alarms` sets. */
  alarm: Alarm | undefined
  readonly wake: () => Effect.Effect<void>
}

/** When a sleeper is to be woken. */
export interface Alarm {
  /** On the monotonic clock, in milliseconds. */
  readonly at: number
  readonly sleeper: Sleeper
}

/**
 * One fiber sleeps for all providers of a clock, until the earliest of their alarms. With their own fiber and timer,
 * each of thousands of idle tenants would need a kilobyte more.
 */
class Alarms {
  readonly #clock: Clock.Clock
  /** The earliest is the last one. */
  readonly #alarms: Array<Alarm> = []
  #fiber: Fiber.Fiber<void> | undefined

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  /** Wakes the sleeper after this many milliseconds. Replaces its previous alarm. */
  set(sleeper: Sleeper, millis: number): void {
    this.cancel(sleeper)
    const alarm = { at: this.#now + millis, sleeper }
    // An alarm for now may ring before this returns, and its sleeper may set the next one.
    sleeper.alarm = alarm
    this.#alarms.splice(this.#indexOf(alarm.at), 0, alarm)
    if (this.#alarms.at(-1) === alarm) this.#sleep()
  }

  /** If no alarm is left, the fiber ends, because its timer would keep the process from ending. */
  cancel(sleeper: Sleeper): void {
    const { alarm } = sleeper
    if (alarm === undefined) return
    sleeper.alarm = undefined
    const index = this.#alarms.indexOf(alarm)
    // It may be ringing now.
    if (index < 0) return
    this.#alarms.splice(index, 1)
    if (this.#alarms.length === 0) this.#sleep()
  }

  get #now(): number {
    return instantOf(this.#clock).mono
  }

  /**
   * The index of the first alarm that is not later. Alarms for the same time ring in the order in which they were set.
   */
  #indexOf(at: number): number {
    let [low, high] = [0, this.#alarms.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#alarms[middle]!.at > at) low = middle + 1
      else high = middle
    }
    return low
  }

  #sleep(): void {
    this.#fiber?.interruptUnsafe()
    this.#fiber = undefined
    const next = this.#alarms.at(-1)
    if (next === undefined) return
    let isOver = false
    const millis = Math.max(0, Math.ceil(next.at - this.#now))
    const fiber = Effect.runFork(Effect.map(this.#clock.sleep(Duration.millis(millis)), () => {
      isOver = true
      this.#fiber = undefined
      this.#ring(next.at)
    }))
    // A sleep of no time has ended already, and has begun the next one.
    if (!isOver) this.#fiber = fiber
  }

  /**
   * A timer may go off a moment too early. The alarms that it was set for ring anyway. A sleeper that is woken too
   * early sets another alarm.
   */
  #ring(sleptUntil: number): void {
    const due = this.#alarms.splice(this.#indexOf(Math.max(sleptUntil, this.#now)))
    for (const alarm of due.toReversed()) {
      const { sleeper } = alarm
      // Another sleeper that was woken at the same time may have cancelled or replaced it.
      if (sleeper.alarm !== alarm) continue
      sleeper.alarm = undefined
      Effect.runFork(Effect.suspend(sleeper.wake.bind(sleeper)))
    }
    this.#sleep()
  }
}

/** The alarms of a clock. */
export const alarmsOf = /* #__PURE__ */ oncePer((clock: Clock.Clock) => new Alarms(clock))
