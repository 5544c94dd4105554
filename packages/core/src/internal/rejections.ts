import * as DateTime from "effect/DateTime"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "../AccessToken.ts"
import * as RefreshPolicy from "../RefreshPolicy.ts"
import { after } from "./twoClocks.ts"
import type { Instant, TwoClocks } from "./twoClocks.ts"

/** The tokens that the API rejected, and how far its word is taken. */
export interface Rejections {
  /** Whether the token was rejected and has not expired since. */
  readonly includes: (token: AccessToken) => boolean
  /** Whether a token that was issued later was rejected: as far as anybody knows, this one died with it. */
  readonly includesLaterThan: (token: AccessToken) => boolean
  /**
   * Enters a rejection. It is believed as long as there are not too many within a minute; `repeated` is a doubt in the
   * same minute as an earlier one.
   */
  readonly enter: (token: AccessToken) => "believed" | "doubted" | "repeated"
  /** Enters a rejection that another process believed: it counts as if it were this one's. */
  readonly adopt: (token: AccessToken) => void
}

export const makeRejections = (policy: RefreshPolicy.RefreshPolicy, clocks: TwoClocks): Rejections => {
  const rejected = new Map<string, { readonly token: AccessToken; readonly until: Instant }>()
  let believedAt: ReadonlyArray<number> = []
  let doubtedUntil = -Infinity
  const adopt = (token: AccessToken) => {
    const now = clocks.now()
    believedAt = [...believedAt, now.mono].slice(-policy.replacementsPerMinute)
    for (const [value, { until }] of rejected) if (!clocks.isBefore(until)) rejected.delete(value)
    rejected.set(Redacted.value(token.value), {
      token,
      until: after(now, DateTime.toEpochMillis(token.expiresAt) - now.wall)
    })
  }
  return {
    includes: (token) => {
      const found = rejected.get(Redacted.value(token.value))
      return found !== undefined && clocks.isBefore(found.until)
    },
    includesLaterThan: ({ issuedAt }) =>
      [...rejected.values()].some(({ token, until }) =>
        clocks.isBefore(until) && DateTime.isGreaterThan(token.issuedAt, issuedAt)
      ),
    enter: (token) => {
      const { mono } = clocks.now()
      const wait = RefreshPolicy.replacementHold(policy, believedAt, mono)
      if (wait > 0) {
        const repeated = mono < doubtedUntil
        if (!repeated) doubtedUntil = mono + wait
        return repeated ? "repeated" : "doubted"
      }
      adopt(token)
      return "believed"
    },
    adopt
  }
}
