import { Option } from "effect"
import type { Facts, Member } from "./facts.ts"
import { reached, rounding, sharing, usableEntry, usedUntil, Violation } from "./facts.ts"
import type { Observer } from "./store.ts"
import { tokenOf } from "./store.ts"

/** What an observer at the store holds a fleet to. */
export const makeStoreRules = (facts: Facts) => {
  const observe = (member: Member): Observer => ({
    asked: (operation, key) => {
      if (!/^production:client:[0-9a-f]{32}$/.test(key)) {
        throw new Violation(9, `a key with more in it than it should: ${key}`)
      }
      if (operation === "read") member.unread = undefined
      const startedAt = facts.now()
      const { answers } = member
      return () => {
        // After writing failed a store that can be read is not enough.
        if ((operation === "lease" || operation === "write") && member.answers === answers) member.hasGivenUp = true
        const took = facts.now() - Math.max(startedAt, member.continuedAt)
        if (member.isAlive && took > sharing.operation) {
          throw new Violation(12, `${member.name} waited ${took} ms for the store to ${operation}`)
        }
      }
    },

    read: (found) => {
      const { late } = member
      member.late = undefined
      if (Option.isNone(found)) return
      const { payload, version } = found.value
      const token = tokenOf(payload)
      const until = usedUntil(facts, token, facts.entry?.version === version ? facts.entry.until : undefined)
      const isNews = !member.given.has(token)
      if (isNews) reached(facts, member.waiting > 0 ? "took over a token" : "told of a token before anybody needed it")
      if (member.isAlone) reached(facts, "back at the store")
      member.isAlone = false
      give(member, token, Math.max(until, member.given.get(token) ?? -Infinity))
      if (!member.barred.has(token)) member.hold = undefined
      if (
        isNews && late !== undefined && usedUntil(facts, late) < until && usableEntry(facts, member)?.token === token
      ) {
        reached(facts, "came late, and gave way")
        bar(facts, member, late, "it came late, and the newer one was there")
      }
    },

    leased: (lease, time) => {
      if (lease._tag === "Granted") facts.lease = { fence: lease.fence, until: facts.now() + time }
    },

    extended: (fence, time, done) => {
      if (done) facts.lease = { fence, until: facts.now() + time }
    },

    answeredLease: (lease) => {
      member.answers += 1
      member.heldSince = lease._tag === "Held" ? member.heldSince ?? facts.now() : undefined
      if (member.hasGivenUp && lease._tag !== "Held") {
        member.hasGivenUp = false
        // The others may have a request in flight that was begun while it was not part of the fleet.
        member.storeWellSince = Math.max(member.storeWellSince, facts.now())
      }
      if (lease._tag === "Granted") member.fence = lease.fence
      else if (lease._tag === "Held") reached(facts, "waited for the process that has the lease")
      else {
        reached(facts, "a backoff seen")
        member.failedAt = facts.now()
      }
    },

    answeredExtend: (done) => {
      if (!done) reached(facts, "a lease was lost")
    },

    wrote: (fence, token, time, startedAt, done) => {
      member.fence = undefined
      if (!done) return
      const { entry } = facts
      const issued = facts.tokens.get(token)
      if (issued === undefined) throw new Violation(3, `${member.name} stored ${token}, which nobody was given`)
      if (startedAt + time > issued.at + issued.lifetime + rounding) {
        throw new Violation(3, `${member.name} stored ${token} for longer than it lives`)
      }
      if (entry !== undefined && fence <= entry.version) {
        throw new Violation(3, `${member.name} stored version ${fence} when ${entry.version} was there`)
      }
      if (entry !== undefined && issued.at < (facts.tokens.get(entry.token)?.at ?? -Infinity)) {
        throw new Violation(3, `${member.name} stored ${token} in place of a younger one, ${entry.token}`)
      }
      const at = facts.now()
      facts.lease = undefined
      facts.entry = { version: fence, token, at, until: at + time, writer: member }
      facts.storedUntil.set(token, Math.max(at + time, facts.storedUntil.get(token) ?? -Infinity))
    },

    answeredWrite: (token, done) => {
      member.answers += 1
      if (done) return
      reached(facts, "a write came too late")
      member.late = token
      member.unread = token
    },

    released: (fence, backoff) => {
      if (member.fence === fence) member.fence = undefined
      const isHolder = facts.lease?.fence === fence && facts.now() < facts.lease.until
      if (!isHolder) return
      facts.lease = undefined
      if (backoff === undefined) return
      reached(facts, "a backoff for all")
      facts.backoff = { since: facts.now(), until: facts.now() + backoff, by: member }
    }
  })

  return {
    observe,

    emptied: () => {
      if (facts.entry !== undefined) reached(facts, "the store was emptied")
      facts.entry = undefined
      facts.lease = undefined
      facts.backoff = undefined
      for (const member of facts.members) {
        member.fence = undefined
        if (member.storeWellSince < Infinity) member.storeWellSince = facts.now()
        if (member.notesWellSince < Infinity) member.notesWellSince = facts.now()
      }
    }
  }
}

/** A member has a token that it may use until then. */
export const give = (member: Member, token: string, until: number): void => {
  if (!member.given.has(token)) member.inUse = undefined
  member.given.set(token, until)
}

/** From now on a member must not send this token. */
export const bar = (facts: Facts, member: Member, token: string, why: string): void => {
  if (!member.barred.has(token)) member.barred.set(token, { since: facts.now(), why })
}
