import type { Instant } from "@effect-spotnana/engine"
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type { AccessToken } from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import { instantOf } from "../instant.ts"

/**
 * Both clocks, in milliseconds since `start`, as all providers of a clock read them for each request. The monotonic
 * clock is read at most once a millisecond, because reading it takes a third of the time that the library needs for a
 * request with a token.
 */
class Time {
  readonly start: Instant.Instant
  readonly #clock: Clock.Clock
  #readAt = NaN
  wall = 0
  mono = 0

  constructor(clock: Clock.Clock) {
    this.#clock = clock
    this.start = instantOf(clock)
  }

  read(): void {
    const wall = this.#clock.currentTimeMillisUnsafe()
    if (wall === this.#readAt) return
    this.#readAt = wall
    this.wall = wall - this.start.wall
    this.mono = instantOf(this.#clock, wall).mono - this.start.mono
  }
}

const ofClocks = /* #__PURE__ */ new WeakMap<Clock.Clock, Time>()

const timeOf = (clock: Clock.Clock): Time => {
  const known = ofClocks.get(clock) ?? new Time(clock)
  ofClocks.set(clock, known)
  return known
}

/**
 * What `get` runs: the token in use, without asking the engine, or whatever `acquire` gives.
 *
 * All that is read for a token that is there is in this one object. With thousands of tenants, what a request reads is
 * not in the processor's cache, and each further object takes as long as the rest of `get`.
 */
export class CurrentToken extends Effectable.Class<AccessToken, AuthError> {
  readonly #time: Time
  readonly #provider: { readonly acquire: () => Effect.Effect<AccessToken, AuthError> }
  #exit: Exit.Exit<AccessToken> | undefined
  // The end of its use, like `Time`. Whole numbers, because V8 keeps other numbers in objects of their own.
  #wall = 0
  #mono = 0

  constructor(clock: Clock.Clock, provider: { readonly acquire: () => Effect.Effect<AccessToken, AuthError> }) {
    super()
    this.#time = timeOf(clock)
    this.#provider = provider
  }

  /** From now on it is this token, until then. */
  set(token: AccessToken, until: Instant.Instant): void {
    const { start } = this.#time
    this.#exit = Exit.succeed(token)
    this.#wall = Math.floor(until.wall - start.wall)
    this.#mono = Math.floor(until.mono - start.mono)
  }

  /** There is none any more. */
  clear(): void {
    this.#exit = undefined
  }

  asEffect(): Effect.Effect<AccessToken, AuthError> {
    const time = this.#time
    time.read()
    return this.#exit !== undefined && time.wall < this.#wall && time.mono < this.#mono
      ? this.#exit
      : this.#provider.acquire()
  }
}
