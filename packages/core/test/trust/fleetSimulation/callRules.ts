import type { Facts, Member } from "./facts.ts"
import {
  isTogether,
  knowsAt,
  lag,
  policy,
  reached,
  rounding,
  settling,
  sharing,
  usableEntry,
  usedUntil,
  Violation
} from "./facts.ts"
import { bar } from "./storeRules.ts"

/** A call of one member. */
export interface Call {
  readonly member: Member
  readonly startedAt: number
  /** Since when it has been waiting for a token. */
  waitingSince: number
  isWaiting: boolean
  /** The token that the member had when it began. */
  readonly hadToken: string | undefined
  sent: number
  /** The token that it was sent with last. */
  token: string | undefined
  rejected: number
}

/** How a call ended: its tag, or that it was a success. */
export interface Outcome {
  readonly tag: string
  readonly status: number | undefined
}

/** Each of the attempts takes an acquisition, the release of its lease, and the wait until the next one. */
const longestAcquisition = 3 * (policy.acquisitionTimeout + sharing.operation + policy.maximumWait)

/** No call waits longer: once and again after a 401, with what it takes to tell the others of that. */
export const longestCall = 2 * (longestAcquisition + sharing.operation) + lag

/** What went wrong before is over: nobody is told to wait for longer than this. */
const forgiven = policy.refusalTimeToLive + 10_000

/** What an observer between the members and the API holds a fleet to. */
export const makeCallRules = (facts: Facts) => {
  const checkAlive = (member: Member, token: string, at: number) => {
    const issued = facts.tokens.get(token)
    if (issued === undefined) throw new Violation(3, `${member.name} sends a token that nobody was given`)
    const until = Math.max(issued.at + issued.lifetime, facts.storedUntil.get(token) ?? -Infinity)
    if (at >= until + rounding) throw new Violation(3, `${member.name} sends ${token}, which has expired`)
    if (member.unread === token) {
      throw new Violation(3, `${member.name} sends ${token}, whose write came too late, and never read what is stored`)
    }
    const barred = member.barred.get(token)
    if (barred !== undefined && barred.since < at) {
      throw new Violation(3, `${member.name} sends ${token} ${at - barred.since} ms after ${barred.why}`)
    }
  }

  /** All use what is stored, unless theirs is younger or lives longer. */
  const checkAgreement = (member: Member, token: string, at: number) => {
    const entry = usableEntry(facts, member)
    if (entry === undefined || entry.token === token || at <= knowsAt(member, entry.at)) return
    if (facts.tokens.get(entry.token)!.at < facts.tokens.get(token)!.at) return
    if (knowsAt(member, entry.at) + lag > usedUntil(facts, entry.token, entry.until)) return
    if ((member.given.get(token) ?? -Infinity) + lag < usedUntil(facts, entry.token, entry.until)) {
      throw new Violation(7, `${member.name} sends ${token} ${at - entry.at} ms after ${entry.token} was stored`)
    }
  }

  const checkReplay = ({ member, token: rejected }: Call, token: string) => {
    // What the store says of a token's age is less than the truth by what its writing took: by a lease at most.
    const issuedAt = facts.tokens.get(token)!.at + sharing.lease
    if (rejected !== undefined && issuedAt < facts.tokens.get(rejected)!.at) {
      throw new Violation(7, `${member.name} sends ${token} in place of ${rejected}, which was younger`)
    }
  }

  const checkWait = (call: Call, token: string, at: number) => {
    const { member, startedAt, waitingSince } = call
    if (member.continuedAt > startedAt) return
    // One that was rejected before is suspect: calls wait for its replacement.
    const hadToken = call.hadToken !== undefined && (member.rejected.get(call.hadToken) ?? Infinity) > startedAt
    if (call.sent === 1 && hadToken && at > startedAt) {
      throw new Violation(4, `a call of ${member.name} waited ${at - startedAt} ms although it had a token`)
    }
    const { entry } = facts
    if (entry?.token !== token || member.request !== undefined || member.failedAt > waitingSince - forgiven) return
    const since = Math.max(waitingSince, entry.at)
    const waited = at - since
    if (entry.writer !== member && isTogether(member, since - longestAcquisition)) {
      if (waited > 0) reached(facts, "waited for what another one asked for")
      if (waited > sharing.pollWaiting + lag) {
        throw new Violation(4, `a call of ${member.name} waited ${waited} ms for ${token}, which was stored`)
      }
    }
  }

  const stopWaiting = (call: Call) => {
    if (call.isWaiting) call.member.waiting -= 1
    call.isWaiting = false
  }

  return {
    called: (member: Member): Call => {
      const startedAt = facts.now()
      const { inUse } = member
      member.waiting += 1
      const hadToken = inUse !== undefined && !member.barred.has(inUse) &&
        startedAt + rounding < (member.given.get(inUse) ?? -Infinity)
      return {
        member,
        startedAt,
        waitingSince: startedAt,
        isWaiting: true,
        hadToken: hadToken ? inUse : undefined,
        sent: 0,
        token: undefined,
        rejected: 0
      }
    },

    /** A request for the API leaves. */
    sent: (call: Call, token: string | undefined) => {
      const at = facts.now()
      const { member } = call
      call.sent += 1
      stopWaiting(call)
      if (token === undefined) throw new Violation(3, `a request of ${member.name} leaves without a token`)
      if (call.sent > 3) throw new Violation(7, `a request of ${member.name} was sent more than three times`)
      if (!member.isAlive) return
      checkAlive(member, token, at)
      checkAgreement(member, token, at)
      checkWait(call, token, at)
      checkReplay(call, token)
      for (const rejected of member.rejected.keys()) {
        if (facts.tokens.get(rejected)!.at < facts.tokens.get(token)!.at) {
          bar(facts, member, rejected, `it was answered 401, and ${token} was there`)
        }
      }
      call.token = token
      member.inUse = token
    },

    /** Its answer arrives. */
    answered: (call: Call, token: string, rejects: boolean) => {
      const { member } = call
      if (!rejects || !member.isAlive) return
      const at = facts.now()
      call.rejected += 1
      call.waitingSince = at
      call.isWaiting = true
      member.waiting += 1
      reached(facts, "a rejection")
      if (!member.rejected.has(token)) member.rejected.set(token, at)
    },

    ended: (call: Call, { status, tag }: Outcome) => {
      const { member, rejected, startedAt } = call
      stopWaiting(call)
      if (!member.isAlive) return
      const took = facts.now() - Math.max(startedAt, member.continuedAt)
      if (took > longestCall) throw new Violation(12, `a call of ${member.name} took ${took} ms`)
      const isExcused = rejected > 1 || member.continuedAt > startedAt
      const isWell = !isExcused && facts.wellSince + forgiven <= startedAt
      if (tag === "Success" && status === 200) {
        const isUndisturbed = isWell && rejected === 0 && facts.lossAt + sharing.lease < startedAt
        if (isUndisturbed && took > policy.acquisitionTimeout) {
          throw new Violation(12, `a call of ${member.name} took ${took} ms, and all is well out there`)
        }
        return
      }
      if (tag === "Interrupted") throw new Violation(2, `a call of ${member.name} was interrupted`)
      reached(facts, `a call failed: ${tag}`)
      if (isWell) {
        throw new Violation(12, `a call of ${member.name} ended with ${tag} ${status ?? ""}, and all is well out there`)
      }
    }
  }
}

/** How long after the trouble is over all are one again. */
export const recovery = forgiven + settling + sharing.resubscribe
