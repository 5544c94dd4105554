import type { Instant } from "@effect-spotnana/engine"
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type { AccessToken } from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import { instantOf } from "../instant.ts"
import { oncePer } from "../oncePer.ts"

/**
 * The time, as all providers of a clock read it for each request. The monotonic clock is read at most once a
 * millisecond, because reading it takes a third of the time that the library needs for a request with a token.
 */
class Time {
  readonly #clock: Clock.Clock
  readonly start: Instant.Instant
  now: Instant.Instant

  constructor(clock: Clock.Clock) {
    this.#clock = clock
    this.start = this.now = instantOf(clock)
  }

  read(): Instant.Instant {
    const wall = this.#clock.currentTimeMillisUnsafe()
    return wall === this.now.wall ? this.now : this.now = instantOf(this.#clock, wall)
  }
}

const timeOf = /* #__PURE__ */ oncePer((clock: Clock.Clock) => new Time(clock))

interface Provider {
  readonly acquire: (now: Instant.Instant) => Effect.Effect<AccessToken, AuthError>
}

/**
 * What `get` runs: the token in use, without asking the engine, or whatever `acquire` gives.
 *
 * All that is read for a token that is there is in this one object. With thousands of tenants, what a request reads is
 * not in the processor's cache, and each further object takes as long as the rest of `get`.
 */
export class CurrentToken extends Effectable.Class<AccessToken, AuthError> {
  readonly #time: Time
  readonly #provider: Provider
  #exit: Exit.Exit<AccessToken> | undefined
  // The end of its use, in whole milliseconds since the start: V8 keeps other numbers in objects of their own.
  #wall = 0
  #mono = 0

  constructor(clock: Clock.Clock, provider: Provider) {
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
    const { start } = this.#time
    const now = this.#time.read()
    return this.#exit !== undefined && now.wall - start.wall < this.#wall && now.mono - start.mono < this.#mono
      ? this.#exit
      : this.#provider.acquire(now)
  }
}
