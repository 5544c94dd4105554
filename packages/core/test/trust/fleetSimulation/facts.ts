import { policy, usable } from "../simulation/model.ts"
import type { Situations } from "../simulation/model.ts"

export { earliestRenewal, policy, usable, Violation } from "../simulation/model.ts"
export type { Situations } from "../simulation/model.ts"

/** What the members of a fleet owe each other, in milliseconds, as `docs/sharing-tokens.md` gives it. */
export const sharing = {
  /** Who died with the lease is found out after this time. */
  lease: 5_000,
  /** A store that does not answer within this time is done without. */
  operation: 2_000,
  /** The net below the notifications, while somebody waits. */
  pollWaiting: 1_000,
  /** A store that refuses subscriptions is asked again, and looked into, within this time. */
  resubscribe: 45_000,
  /** How long the answer to refused credentials is there for all. */
  refusal: 1_000,
  /** How long an acquisition waits for leases of others. */
  longestWait: 12_000
} as const

/** What the answers of a store may be late by that counts as well: four operations of half a second. */
export const lag = 2_000

/** Well again is who finds out within a second and a half, with operations that may take their time. */
export const settling = 1_500 + sharing.operation + 1_000

// Milliseconds are whole on one clock and not on the other.
export const rounding = 1

/** What a token of the mock is called here. */
export const nameOf = (token: string): string => token.replace(/^mock-token-(\d+)-.*$/, "token-$1")

/** A token that the endpoint handed out. */
export interface Issued {
  /** When its request left. */
  readonly at: number
  /** Milliseconds. */
  readonly lifetime: number
}

/** A token request under way. */
export interface Request {
  readonly member: Member
  readonly at: number
  /** Whether it is for the fleet, or for one that is by itself. */
  readonly together: boolean
  /** When its sender sent another one in its place. */
  overtakenAt: number | undefined
}

/** One process of the fleet, while it lives. */
export interface Member {
  readonly name: string
  isAlive: boolean
  /** Since when it has had nothing wrong with its store, and with its notifications. */
  storeWellSince: number
  notesWellSince: number
  /** When the API first rejected each token that this process sent. */
  readonly rejected: Map<string, number>
  /** The tokens that it must not send any more, since when, and why. */
  readonly barred: Map<string, { readonly since: number; readonly why: string }>
  /** The tokens that it was given, and until when it uses each. */
  readonly given: Map<string, number>
  /** Of those the one that it was seen to use, unless it was given another one since. */
  inUse: string | undefined
  request: Request | undefined
  /** The last failure that it was told of, its own or another one's. */
  failedAt: number
  /** Its own failures in a row, and what they ask of it. */
  hold:
    | { readonly at: number; readonly atLeast: number; readonly failures: number; readonly refusals: number }
    | undefined
  /** The lease that it has, as far as it was told. */
  fence: number | undefined
  /** A write of this token came too late; whatever is newer is to be used instead. */
  late: string | undefined
  /** That token, until the member has asked what is stored instead. */
  unread: string | undefined
  /** How many calls wait for a token. */
  waiting: number
  /** Since when it has been answered that another process has the lease, without another answer in between. */
  heldSince: number | undefined
  /** How often it was answered when it asked for the lease, or wrote. */
  answers: number
  /** Whether it waited too long, or such an answer did not come: the store is unavailable for it until it has the lease. */
  hasGivenUp: boolean
  /** Whether it has made a request by itself, and has not found a token in the store since. */
  isAlone: boolean
  /** When it last went on after having been stopped. */
  continuedAt: number
}

/** What is stored. */
export interface Entry {
  readonly version: number
  readonly token: string
  readonly at: number
  readonly until: number
  readonly writer: Member
}

/** What is true of the fleet and its surroundings. */
export interface Facts {
  readonly now: () => number
  readonly situations: Situations
  readonly tokens: Map<string, Issued>
  /** The end of each token's life as the store had it. */
  readonly storedUntil: Map<string, number>
  readonly members: Set<Member>
  entry: Entry | undefined
  lease: { readonly fence: number; readonly until: number } | undefined
  /** No process that can use the store makes a request before this is over. */
  backoff: { readonly since: number; readonly until: number; readonly by: Member } | undefined
  /** Since when endpoint and API have been answering, and swiftly. */
  wellSince: number
  /** When a process was last stopped, killed or closed. */
  lossAt: number
  /** When the endpoint last handed out a token. */
  issuedAt: number
}

/** The beginning: nothing is stored, and all is well. */
export const makeFacts = (now: () => number, situations: Situations): Facts => ({
  now,
  situations,
  tokens: new Map(),
  storedUntil: new Map(),
  members: new Set(),
  entry: undefined,
  lease: undefined,
  backoff: undefined,
  wellSince: -1,
  lossAt: -Infinity,
  issuedAt: -1
})

/** A process starts. */
export const makeMember = (name: string, now: number): Member => ({
  name,
  isAlive: true,
  storeWellSince: now,
  notesWellSince: now,
  rejected: new Map(),
  barred: new Map(),
  given: new Map(),
  inUse: undefined,
  request: undefined,
  failedAt: -Infinity,
  hold: undefined,
  fence: undefined,
  late: undefined,
  unread: undefined,
  waiting: 0,
  heldSince: undefined,
  answers: 0,
  hasGivenUp: false,
  isAlone: false,
  continuedAt: now
})

/** Enters that the fleet has been somewhere. */
export const reached = ({ situations }: Facts, situation: string): void =>
  void situations.set(situation, (situations.get(situation) ?? 0) + 1)

/** Until when a member uses a token that it is given now: its own, or the one that is stored. */
export const usedUntil = ({ tokens }: Facts, token: string, storedUntil?: number): number => {
  const issued = tokens.get(token)
  if (issued === undefined) return -Infinity
  return (storedUntil ?? issued.at + issued.lifetime) - issued.lifetime + usable(issued.lifetime)
}

/** The entry, if whoever reads it now may use it. */
export const usableEntry = (facts: Facts, member: Member): Entry | undefined => {
  const { entry } = facts
  if (entry === undefined) return undefined
  if (member.barred.has(entry.token) || member.rejected.has(entry.token)) return undefined
  // A process goes back to no older token; and a slow answer makes one older than it is.
  const issuedAt = (facts.tokens.get(entry.token)?.at ?? -Infinity) - lag
  if ([...member.rejected.keys()].some((token) => (facts.tokens.get(token)?.at ?? -Infinity) > issuedAt)) {
    return undefined
  }
  return facts.now() < usedUntil(facts, entry.token, entry.until) ? entry : undefined
}

/** Whether a member has been part of the fleet since then. */
export const isTogether = (member: Member, since: number): boolean =>
  member.isAlive && !member.hasGivenUp && member.storeWellSince + settling <= since

/** When a member knows, at the latest, what happened in the store then. What it was not told it may never know. */
export const knowsAt = (member: Member, happenedAt: number): number => {
  if (member.notesWellSince + sharing.resubscribe + settling > happenedAt) return Infinity
  return isTogether(member, happenedAt)
    ? happenedAt + lag
    : Math.max(happenedAt, member.storeWellSince) + settling + lag
}

/** How long a member that has now failed so often in a row makes no request, in milliseconds. */
export const shortestHold = (member: Member, failures: number, now: number): number => {
  // Of a token in use it is half at most. Which one that is can be told of those only that it uses.
  const left = [...member.given.values()].map((until) => until - now).filter((left) => left > -rounding)
  const longest = Math.max(policy.backoffBase, Math.min(...left) / 2)
  return Math.min(policy.backoffBase * 2 ** (failures - 1), policy.backoffMaximum, longest) / 2
}

/** How long a member sends no credentials that were refused so often in a row, in milliseconds. */
export const shortestRefusal = (refusals: number): number =>
  Math.min(1_000 * 2 ** (refusals - 1), policy.refusalTimeToLive) / 2
