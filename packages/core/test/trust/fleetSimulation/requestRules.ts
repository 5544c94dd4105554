import type { Facts, Member, Request } from "./facts.ts"
import {
  earliestRenewal,
  isTogether,
  lag,
  policy,
  reached,
  rounding,
  sharing,
  shortestHold,
  shortestRefusal,
  usableEntry,
  usedUntil,
  Violation
} from "./facts.ts"
import { give } from "./storeRules.ts"

/** How a token request ended. */
export type Answer =
  | { readonly _tag: "Issued"; readonly token: string }
  | { readonly _tag: "Refused" }
  | { readonly _tag: "Failed"; readonly retryAfter: number | undefined }
  | { readonly _tag: "Interrupted" }

/**
 * Failures of one process within a minute, however often it is called: 0, ¼, ¾, 1¾, 3¾, 7¾, 15¾, 31¾ seconds. Refusals
 * back off by themselves: 0, ½, 1½, 3½, 7½, 15½, 31½.
 */
const failuresPerMinute = 8 + 7

/**
 * What an observer at the token endpoint holds a fleet to.
 *
 * Each request in the name of the fleet has to be accounted for: nothing is stored that its sender may use, or what is
 * stored is due, or it was rejected, or the request before it failed and its backoff is over. So there are no more of them
 * than tokens that came to an end, rejections that were believed, and failures; and one more for each life of the store.
 * Who is by itself owes its own backoff, as without a store.
 */
export const makeRequestRules = (facts: Facts) => {
  /** Those that the endpoint was sent within the last minute. */
  let recent: ReadonlyArray<Request> = []
  const flights = new Set<Request>()

  /** One that is under way, and was sent in the fleet's name by somebody who has been part of it all the time. */
  const isOfFleet = ({ at, member, overtakenAt, together }: Request) =>
    together && overtakenAt === undefined && isTogether(member, at)

  const checkHold = (member: Member, at: number) => {
    const { hold } = member
    if (hold !== undefined && at + rounding < hold.at + hold.atLeast) {
      throw new Violation(
        5,
        `${member.name} sends a token request ${
          at - hold.at
        } ms after failure ${hold.failures}, which asks for ${hold.atLeast} ms`
      )
    }
  }

  const checkRate = () => {
    const since = Math.max(facts.now() - 60_000, facts.issuedAt)
    recent = recent.filter(({ at }) => at > since)
    const senders = new Set(recent.map(({ member }) => member))
    if (recent.length > failuresPerMinute * senders.size) {
      throw new Violation(
        6,
        `${recent.length} token requests of ${senders.size} processes within a minute, all in vain`
      )
    }
  }

  /** Whether a member has a reason not to be content with what is stored. */
  const isNeedless = (member: Member) => {
    const entry = usableEntry(facts, member)
    const issued = entry && facts.tokens.get(entry.token)
    if (entry === undefined || issued === undefined) return false
    // What a slow answer said is taken for older than it is.
    const isYoung = facts.now() + lag < issued.at + earliestRenewal(issued.lifetime)
    const until = usedUntil(facts, entry.token, entry.until)
    const outlives = [...member.given].every(([token, other]) => token === entry.token || other < until)
    return isYoung && outlives
  }

  return {
    /** A token request leaves. Returns what is to be told of its end. */
    requested: (member: Member) => {
      const at = facts.now()
      if (!member.isAlive) throw new Violation(11, `${member.name} sends a token request after it was closed`)
      // One that was overtaken is interrupted, which takes no time, but a moment.
      if (member.request !== undefined) member.request.overtakenAt = at
      recent = [...recent, { member, at, together: false, overtakenAt: undefined }]
      checkHold(member, at)
      checkRate()
      // Slow answers count as waiting too.
      if (member.fence === undefined && at - (member.heldSince ?? at) >= sharing.longestWait - lag) {
        reached(facts, "waited too long for the lease")
        member.hasGivenUp = true
      }
      const together = isTogether(member, at)
      const request: Request = { member, at, together, overtakenAt: undefined }
      if (member.fence === undefined) {
        reached(facts, "alone: a request without a lease")
        member.isAlone = true
      }
      if (together) {
        reached(facts, "a request for all")
        if (member.fence === undefined) {
          throw new Violation(1, `${member.name} sends a token request without a lease, and the store is well`)
        }
        const other = [...flights].find(isOfFleet)
        if (other !== undefined) {
          throw new Violation(1, `${member.name} sends a token request while that of ${other.member.name} is under way`)
        }
        if (isNeedless(member)) {
          throw new Violation(7, `${member.name} sends a token request although ${facts.entry?.token} is there`)
        }
        const { backoff } = facts
        if (backoff !== undefined && at + rounding < backoff.until && isTogether(member, backoff.since)) {
          throw new Violation(
            5,
            `${member.name} sends a token request ${
              backoff.until - at
            } ms before the backoff ends that is ${backoff.by.name}'s`
          )
        }
      }
      member.request = request
      flights.add(request)

      return (answer: Answer) => {
        flights.delete(request)
        if (member.request === request) member.request = undefined
        if (!member.isAlive) return
        const { overtakenAt } = request
        if (overtakenAt !== undefined && overtakenAt < facts.now()) {
          throw new Violation(1, `${member.name} had two token requests under way`)
        }
        // Who has been stopped in the meantime may have been told by its own timers first.
        if (member.continuedAt > at && answer._tag !== "Issued") return
        const took = facts.now() - at
        const fail = (asked: number | undefined) => {
          const isRefusal = answer._tag === "Refused"
          const failures = (member.hold?.failures ?? 0) + 1
          const refusals = (member.hold?.refusals ?? 0) + (isRefusal ? 1 : 0)
          member.failedAt = facts.now()
          const atLeast = isRefusal
            ? shortestRefusal(refusals)
            : Math.max(shortestHold(member, failures, facts.now()), Math.min(asked ?? 0, policy.retryAfterMaximum))
          member.hold = { at: facts.now(), failures, refusals, atLeast }
          if (asked !== undefined && answer._tag === "Failed") reached(facts, "Retry-After")
          // What was broken off tells the others nothing, unless the store says that it did.
          if (answer._tag !== "Interrupted" && isOfFleet(request)) {
            const lasting = isRefusal ? sharing.refusal : member.hold.atLeast
            facts.backoff = { since: at, until: facts.now() + lasting, by: member }
          }
        }
        switch (answer._tag) {
          case "Issued":
            member.hold = undefined
            if (facts.now() >= usedUntil(facts, answer.token)) return fail(undefined)
            return give(member, answer.token, usedUntil(facts, answer.token))
          case "Refused":
            reached(facts, "credentials refused")
            return fail(undefined)
          case "Failed":
            return fail(answer.retryAfter)
          case "Interrupted":
            // By its own time-out; or else overtaken by another one's token, or closed.
            return took + rounding >= policy.requestTimeout ? fail(undefined) : undefined
        }
      }
    },

    /** Whether a token request is under way, and whose. */
    holder: (): Member | undefined => [...flights].find(({ member }) => member.isAlive)?.member
  }
}
