/**
 * What an observer between the library and the network may see, whatever the engine decides: the part of the invariants
 * that the shell keeps. When to renew, to wait and to replace is held by the engine's own simulation.
 *
 * Written from the invariants and the documentation, not from the code. It is told what happens at that place, in order,
 * and throws a `Violation` at the first thing that must not be.
 */
import * as Policy from "@effect-spotnana/engine/Policy"

/** A moment on the client's two clocks, in milliseconds. */
export interface Moment {
  readonly wall: number
  readonly mono: number
}

/** What must not be. */
export class Violation extends Error {
  override readonly name = "Violation"
  readonly invariant: number
  constructor(invariant: number, message: string) {
    super(`invariant ${invariant}: ${message}`)
    this.invariant = invariant
  }
}

/** The numbers of the policy, in milliseconds; those that are shorter than the defaults let a history get past them. */
export const policy = {
  ...Policy.defaults,
  requestTimeout: 10_000,
  retryAfterMaximum: 120_000,
  refusalTimeToLive: 60_000
} as const

/** For how long a token is used, in milliseconds. */
export const usable = (lifetime: number): number => Policy.usableLifetime(policy, lifetime)

/** The earliest that a token is renewed. */
export const earliestRenewal = (lifetime: number): number => Policy.renewalDelay(policy, lifetime, 1)

/** No call waits longer for its token than this: the attempts, twice, with all that each may take. */
const longestWait = (attempts: number): number =>
  2 * attempts * (policy.acquisitionTimeout + policy.maximumWait) + 30_000

interface Known {
  readonly requested: Moment
  /** Milliseconds. */
  readonly lifetime: number
}

export interface Call {
  readonly kind: "get" | "post" | "stream" | "own" | "foreign" | "absolute" | "token"
  readonly startedAt: Moment
  readonly hadToken: boolean
  /** Whether nothing was wrong when it began. */
  readonly wasWell: boolean
  interrupted: boolean
  /** The tokens that it was sent with. */
  readonly sent: Array<string | undefined>
  /** Whether the last answer was a 401 about the token; undefined before the first answer. */
  lastRejected: boolean | undefined
}

/** How a call ended. */
export type Outcome = { readonly tag: string; readonly reason?: string | undefined; readonly status?: number }

const since = (from: Moment, to: Moment): number => Math.max(to.wall - from.wall, to.mono - from.mono)

// Milliseconds are whole on one clock and not on the other.
const rounding = 1

/** What situations a run has been in, so that a simulator that no longer gets anywhere is noticed. */
export type Situations = Map<string, number>

export const makeModel = (options: {
  readonly now: () => Moment
  readonly attempts: number
  readonly background: boolean
  /** The secret that the source gives. */
  readonly secret: () => string
  /** Since when it gives that one, in monotonic milliseconds. */
  readonly secretSince: () => number
  /** Since when everything outside works, swiftly and without a jump of time, in monotonic milliseconds. */
  readonly steadySince: () => number
  readonly situations: Situations
}) => {
  const { attempts, background, now, situations, steadySince } = options
  const known = new Map<string, Known>()
  let current: string | undefined
  let inFlight: { readonly at: Moment } | undefined
  /** Until then the token endpoint has asked for patience, or a secret was refused. */
  let backoff: { readonly at: Moment; readonly atLeast: number; readonly refused: string | undefined } | undefined
  /** The secret that was refused last. */
  let refused: string | undefined
  /** How many secrets in a row were refused, each other than the one before it. */
  let refusedInARow = 0
  /** Whether changed secrets are not sent either. */
  let isHeldBack = false
  let failures = 0
  let rejections = 0
  let closed = false
  let requests = 0
  const waiting = new Set<Call>()

  const reached = (situation: string) => void situations.set(situation, (situations.get(situation) ?? 0) + 1)
  const isAlive = ({ lifetime, requested }: Known): boolean => usable(lifetime) - since(requested, now()) > 0
  const hasToken = (): boolean => current !== undefined && isAlive(known.get(current)!)
  /** Begun before the process froze for so long that its connection is dead: another one takes its place. */
  const isFrozen = (begun: Moment): boolean => since(begun, now()) >= 2 * policy.acquisitionTimeout

  const fail = (retryAfter: number | undefined, secret: string | undefined): void => {
    failures += 1
    if (secret !== undefined) {
      const isChanged = refusedInARow === 0 || secret !== refused
      if (isChanged) refusedInARow += 1
      isHeldBack = isChanged && refusedInARow >= Policy.manyRefused
      refused = secret
    }
    const asked = Math.min(retryAfter ?? 0, policy.retryAfterMaximum)
    if (asked > 0) reached("Retry-After")
    if (secret !== undefined) reached("credentials refused")
    const atLeast = secret === undefined ? Math.max(asked, policy.backoffBase / 2) : 500
    backoff = { at: now(), atLeast, refused: isHeldBack ? undefined : secret }
    reached(hasToken() ? "a renewal failed while the token was valid" : "an acquisition failed")
  }

  return {
    reached,
    hasToken,
    current: () => current,
    older: () => [...known.keys()].find((token) => token !== current),
    requests: () => requests,
    waiting: () => waiting.size,

    called: (kind: Call["kind"]): Call => {
      const startedAt = now()
      const token = current === undefined ? undefined : known.get(current)
      if (background && token !== undefined && !isAlive(token) && failures === 0 && rejections === 0) {
        // A server that hands out the same token is asked again when that ends.
        const isTimely = steadySince() < token.requested.mono && known.size === requests
        if (isTimely) throw new Violation(4, "a token was not renewed before it expired, and all is well")
      }
      const call: Call = {
        kind,
        startedAt,
        hadToken: hasToken(),
        wasWell: failures === 0 && rejections === 0 && steadySince() < startedAt.mono,
        interrupted: false,
        sent: [],
        lastRejected: undefined
      }
      waiting.add(call)
      return call
    },

    /** A token request leaves. Returns what is to be called when it ends. */
    requested: (secret: string) => {
      const at = now()
      requests += 1
      if (closed) throw new Violation(11, "a token request after the scope was closed")
      // One that was frozen with the process is interrupted before the next.
      if (inFlight !== undefined) throw new Violation(1, "a second token request while one is in flight")
      if (secret !== options.secret()) throw new Violation(13, "a token request with credentials of the past")
      const isTooEarly = backoff !== undefined && since(backoff.at, at) + rounding < backoff.atLeast &&
        (backoff.refused === undefined || backoff.refused === secret)
      if (isTooEarly) throw new Violation(5, `a token request before the ${backoff!.atLeast} ms after a failure`)
      const mine = { at }
      inFlight = mine
      /** Whether it is still the one that counts. */
      const ends = (): boolean => {
        if (inFlight !== mine) return false
        inFlight = undefined
        return !closed
      }
      return {
        /** It ends without an answer: a connection lost, a time-out, an interruption. */
        interrupted: () => {
          if (!ends()) return
          if (isFrozen(at)) return reached("an acquisition frozen with the process, and replaced")
          const took = since(at, now())
          if (took + rounding < policy.requestTimeout) {
            throw new Violation(2, `the acquisition of all was interrupted after ${took} ms`)
          }
          fail(undefined, undefined)
        },
        failed: (retryAfter: number | undefined, refused: string | undefined) => {
          if (ends()) fail(retryAfter, refused)
        },
        succeeded: (token: string, lifetime: number) => {
          if (!ends()) return
          const next = { requested: at, lifetime }
          const isSame = token === current && hasToken()
          if (!isAlive(next)) return fail(undefined, undefined)
          if (isSame) reached("the same token handed out again")
          if (failures > 0) reached("recovered")
          if (hasToken()) reached("renewed while valid")
          // The same token lasts as long as it was said to last, or longer if that is said now.
          known.set(token, next)
          current = token
          backoff = undefined
          failures = 0
          refusedInARow = 0
          isHeldBack = false
        }
      }
    },

    /** The source of the credentials failed or gave no answer: no request, but a failure like any other. */
    sourceFailed: (begun: Moment) => {
      if (closed) return
      if (isFrozen(begun)) return reached("an acquisition frozen with the process, and replaced")
      reached("the credentials source failed")
      fail(undefined, undefined)
    },

    /** A request for the API leaves. */
    sent: (call: Call, atHome: boolean, authorization: string | undefined) => {
      const at = now()
      if (call.kind === "own") {
        if (authorization !== "Own one") throw new Violation(3, "the caller's own Authorization was replaced")
        return undefined
      }
      if (!atHome) {
        if (authorization !== undefined) throw new Violation(8, "a bearer left for another origin")
        return undefined
      }
      const token = /^Bearer (.+)$/.exec(authorization ?? "")?.[1]
      if (token === undefined) throw new Violation(3, "a request left without a token")
      const mine = known.get(token)
      if (mine === undefined) throw new Violation(3, "a request left with a token that this provider was never given")
      if (!isAlive(mine)) throw new Violation(3, "a request left with an expired token")
      if (token !== current && hasToken()) throw new Violation(3, "a request left with a token that was replaced")
      call.sent.push(token)
      const times = call.sent.length
      if (times > 3) throw new Violation(14, "a request was sent more than three times")
      if (times > 1 && call.kind === "stream") throw new Violation(14, "a body that can be sent once was sent again")
      if (times > 1 && call.lastRejected !== true) {
        throw new Violation(14, "a request was sent again that was not rejected")
      }
      if (call.sent.filter((earlier) => earlier === token).length > 2) {
        throw new Violation(14, "a request was sent three times with the same token")
      }
      if (times === 2) {
        reached(token === call.sent[0] ? "sent again with the same token" : "sent again with another token")
      }
      if (times === 3) reached("sent a third time")
      const waited = at.mono - call.startedAt.mono
      if (times === 1 && call.hadToken && token === current && waited > Policy.longestSuspicion + rounding) {
        throw new Violation(4, `a request waited ${waited} ms although there was a token`)
      }
      return token
    },

    /** The API's answer arrives: `rejects` if it is a 401 about the token. */
    answered: (call: Call, token: string | undefined, rejects: boolean) => {
      call.lastRejected = rejects
      if (token === undefined || !rejects) return
      rejections += 1
      reached(token === current ? "a rejection" : "a 401 for an older token")
    },

    /** The application says itself that a token was rejected. */
    rejected: (token: string) => {
      rejections += 1
      reached(token === current ? "a rejection" : "a 401 for an older token")
    },

    interrupted: (call: Call) => {
      call.interrupted = true
      if (inFlight !== undefined && !call.hadToken) reached("a caller was interrupted during the acquisition")
    },

    ended: (call: Call, outcome: Outcome) => {
      waiting.delete(call)
      const { reason, status, tag } = outcome
      if (closed || call.interrupted) return
      const took = now().mono - call.startedAt.mono
      if (took > longestWait(attempts)) throw new Violation(12, `a call took ${took} ms`)
      switch (tag) {
        case "Interrupted":
          throw new Violation(2, "a call ended interrupted that nobody had interrupted")
        case "Success":
          if (call.lastRejected === true) throw new Violation(7, "a call ended with a 401 about the token")
          break
        case "TokenExpired":
          if (call.lastRejected !== true) throw new Violation(12, `TokenExpired (${reason}) without a rejection`)
          if (reason === "NotReplayable" && call.kind !== "stream") {
            throw new Violation(14, "a request was not sent again that can be")
          }
          reached(`TokenExpired: ${reason}`)
          break
        case "InvalidCredentials":
          if (refused === undefined) throw new Violation(12, "InvalidCredentials, and nothing was refused")
          if (refused !== options.secret() && options.secretSince() < call.startedAt.mono && !isHeldBack) {
            throw new Violation(13, "a refusal of credentials of the past")
          }
          break
        case "TokenEndpointUnavailable":
        case "MalformedTokenResponse":
          break
        case "HttpClientError":
          if (call.sent.length === 0 && call.kind !== "foreign" && call.kind !== "own") {
            throw new Violation(12, "a request failed that was not sent")
          }
          break
        default:
          throw new Violation(12, `a call ended with ${tag}`)
      }
      const allWasWell = call.wasWell && failures === 0 && steadySince() < call.startedAt.mono
      if (allWasWell && (tag !== "Success" || status !== (call.kind === "own" ? 401 : 200))) {
        // What was revoked under way is replaced, unless the body can be sent once only.
        if (call.kind !== "stream") throw new Violation(13, `${tag} ${status ?? ""}, and all was well`)
      }
      if (call.hadToken && call.sent.length === 0 && hasToken() && !["token", "own", "foreign"].includes(call.kind)) {
        throw new Violation(4, `${tag} although there was a token`)
      }
    },

    closes: () => {
      closed = true
    },
    closed: () => {
      if (inFlight !== undefined) throw new Violation(11, "a token request goes on after the scope was closed")
    }
  }
}

/** One model. */
export type Model = ReturnType<typeof makeModel>
