import * as DateTime from "effect/DateTime"
import type { AccessToken } from "../AccessToken.ts"
import { equals } from "../AccessToken.ts"
import * as RefreshPolicy from "../RefreshPolicy.ts"
import { after } from "./twoClocks.ts"
import type { Instant, TwoClocks } from "./twoClocks.ts"

/** A token that was rejected, until it would have expired. */
interface Rejected {
  readonly token: AccessToken
  readonly until: Instant
}

/** The tokens that the API rejected, and how far its word is taken. */
export class Rejections {
  readonly #policy: RefreshPolicy.RefreshPolicy
  readonly #clocks: TwoClocks
  #rejected: ReadonlyArray<Rejected> = []
  #believedAt: ReadonlyArray<number> = []
  #doubtedUntil = -Infinity

  constructor(policy: RefreshPolicy.RefreshPolicy, clocks: TwoClocks) {
    this.#policy = policy
    this.#clocks = clocks
  }

  /** Whether the token was rejected and has not expired since. */
  includes(token: AccessToken): boolean {
    return this.#rejected.some((found) => equals(found.token, token) && this.#clocks.isBefore(found.until))
  }

  /** Whether a token that was issued later was rejected: as far as anybody knows, this one died with it. */
  includesLaterThan({ issuedAt }: AccessToken): boolean {
    return this.#rejected.some(({ token, until }) =>
      this.#clocks.isBefore(until) && DateTime.isGreaterThan(token.issuedAt, issuedAt)
    )
  }

  /**
   * Enters a rejection. It is believed as long as there are not too many within a minute; `repeated` is a doubt in the
   * same minute as an earlier one.
   */
  enter(token: AccessToken): "believed" | "doubted" | "repeated" {
    const { mono } = this.#clocks.now()
    const wait = RefreshPolicy.replacementHold(this.#policy, this.#believedAt, mono)
    if (wait > 0) {
      const repeated = mono < this.#doubtedUntil
      if (!repeated) this.#doubtedUntil = mono + wait
      return repeated ? "repeated" : "doubted"
    }
    this.adopt(token)
    return "believed"
  }

  /** Enters a rejection that another process believed: it counts as if it were this one's. */
  adopt(token: AccessToken): void {
    const now = this.#clocks.now()
    this.#believedAt = [...this.#believedAt, now.mono].slice(-this.#policy.replacementsPerMinute)
    const until = after(now, DateTime.toEpochMillis(token.expiresAt) - now.wall)
    this.#rejected = [
      ...this.#rejected.filter((found) => this.#clocks.isBefore(found.until) && !equals(found.token, token)),
      { token, until }
    ]
  }
}
