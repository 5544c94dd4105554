/**
 * The reference model of one provider: what an observer between the library and the network may see.
 *
 * Written from the invariants and the documentation, not from the code. It is told what happens at that place, in order,
 * and throws a `Violation` at the first thing that must not be.
 */

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

/** The numbers of the policy, in milliseconds, as README and `RefreshPolicy` give them. */
export const policy = {
  renewAt: 0.8,
  jitter: 0.1,
  minimumMargin: 60_000,
  leeway: 5_000,
  leewayShare: 0.05,
  backoffBase: 500,
  backoffMaximum: 60_000,
  patience: 5_000,
  replacementsPerMinute: 5,
  acquisitionTimeout: 15_000,
  requestTimeout: 10_000,
  // Shorter than the defaults, so that a history gets past them.
  retryAfterMaximum: 120_000,
  refusalTimeToLive: 60_000
} as const

/** No call waits longer for its token than this: the attempts, twice, with all that each may take. */
const longestWait = (attempts: number) => 2 * attempts * (policy.acquisitionTimeout + policy.patience) + 10_000

interface Known {
  readonly requested: Moment
  /** Milliseconds. */
  readonly lifetime: number
}

interface Hold {
  readonly at: Moment
  readonly atLeast: number
  /** The secret that was refused; undefined for a failure of any other kind. */
  readonly refused: string | undefined
}

export interface Call {
  readonly kind: "get" | "post" | "stream" | "own" | "foreign" | "absolute" | "token"
  readonly startedAt: Moment
  readonly hadToken: boolean
  /** Whether no failure was outstanding when it began. */
  readonly wasWell: boolean
  interrupted: boolean
  sent: number
  /** How many of its answers were a 401 about the token. */
  rejected: number
  /** Whether one of those was not believed. */
  doubted: boolean
  /** Whether the last answer was one, if there was any. */
  lastRejected: boolean | undefined
}

/** How a call ended. */
export type Outcome = { readonly tag: string; readonly reason?: string | undefined; readonly status?: number }

/** For how long a token is used, in milliseconds. */
export const usable = (lifetime: number) => lifetime - Math.min(policy.leeway, lifetime * policy.leewayShare)

/** The earliest that a token is renewed: a share of its life, the margin where that is earlier, less the jitter. */
export const earliestRenewal = (lifetime: number) => {
  const share = Math.min(lifetime * policy.renewAt, usable(lifetime))
  const latest = lifetime >= 2 * policy.minimumMargin ? Math.min(share, lifetime - policy.minimumMargin) : share
  return latest * (1 - policy.jitter)
}

const since = (from: Moment, to: Moment) => Math.max(to.wall - from.wall, to.mono - from.mono)

// Milliseconds are whole on one clock and not on the other.
const rounding = 1

/** What situations a run has been in, so that a simulator that no longer gets anywhere is noticed. */
export type Situations = Map<string, number>

export const makeModel = (options: {
  readonly now: () => Moment
  readonly attempts: number
  readonly background: boolean
  /** The secret that the source gives, and since when, in monotonic milliseconds. */
  readonly secret: () => string
  readonly secretSince: () => number
  readonly sourceAnswers: () => boolean
  /** Since when everything outside works, swiftly and without a jump of time, in monotonic milliseconds. */
  readonly steadySince: () => number
  readonly situations: Situations
}) => {
  const { attempts, background, now, situations, steadySince } = options
  const known = new Map<string, Known>()
  /** When a token was rejected, on the monotonic clock, and until when that counts, on the wall clock. */
  const rejections = new Map<string, { readonly at: number; readonly until: number }>()
  let current: string | undefined
  let flight: { readonly at: Moment } | undefined
  let hold: Hold | undefined
  let refusal: Hold | undefined
  let failures = 0
  let believed: Array<number> = []
  let owed = false
  let closed = false
  /** Since when somebody waits for a request in place of one that was frozen with the process. */
  let overdueSince: number | undefined
  let requests = 0
  const waiting = new Set<Call>()

  const reached = (situation: string) => void situations.set(situation, (situations.get(situation) ?? 0) + 1)
  /** For how long a token is still used. */
  const leftOf = ({ lifetime, requested }: Known, at: Moment) => usable(lifetime) - since(requested, at)
  const isAlive = (token: Known, at: Moment) => leftOf(token, at) > 0
  const currentToken = () => current === undefined ? undefined : known.get(current)
  const hasToken = () => {
    const token = currentToken()
    return token !== undefined && isAlive(token, now())
  }

  /** What was begun before the process froze for so long that its connection is dead is begun anew. */
  const isFrozen = (begun: Moment) =>
    now().wall - begun.wall >= 2 * policy.acquisitionTimeout && now().mono - begun.mono < policy.requestTimeout

  return {
    reached,
    hasToken,
    current: () => current,
    older: () => [...known.keys()].find((token) => token !== current),
    requests: () => requests,
    waiting: () => waiting.size,

    called: (kind: Call["kind"]): Call => {
      const startedAt = now()
      const token = currentToken()
      const hadToken = hasToken()
      if (background && token !== undefined && !hadToken && failures === 0 && steadySince() < token.requested.mono) {
        throw new Violation(4, "a token was not renewed before it expired, and all is well")
      }
      const call: Call = {
        kind,
        startedAt,
        hadToken,
        wasWell: failures === 0,
        interrupted: false,
        sent: 0,
        rejected: 0,
        doubted: false,
        lastRejected: undefined
      }
      waiting.add(call)
      const needsToken = kind !== "own" && kind !== "foreign"
      if (
        needsToken && !hadToken && flight !== undefined && isFrozen(flight.at) && refusal === undefined &&
        options.sourceAnswers()
      ) {
        overdueSince ??= startedAt.mono
      }
      return call
    },

    /** A token request leaves. Returns what is to be called when it ends without an answer. */
    requested: (secret: string) => {
      const at = now()
      requests += 1
      overdueSince = undefined
      if (closed) throw new Violation(11, "a token request after the scope was closed")
      if (flight !== undefined) {
        throw new Violation(1, "a second token request while one is in flight")
      }
      if (secret !== options.secret()) throw new Violation(13, "a token request with credentials of the past")
      const token = currentToken()
      if (refusal?.refused === secret && since(refusal.at, at) + rounding < policy.refusalTimeToLive) {
        throw new Violation(6, "refused credentials were sent again before their time")
      }
      const binding = hold !== undefined && (hold.refused === undefined || hold.refused === secret) ? hold : undefined
      if (binding !== undefined && since(binding.at, at) + rounding < binding.atLeast) {
        throw new Violation(
          5,
          `a token request ${since(binding.at, at)} ms after failure ${failures}, which asks for ${binding.atLeast} ms`
        )
      }
      const isWanted = [...waiting].some((call) => call.lastRejected !== false)
      if (token === undefined) {
        if (!isWanted && !owed && hold === undefined) throw new Violation(7, "a token request that nobody needs")
      } else if (since(token.requested, at) + rounding < earliestRenewal(token.lifetime)) {
        throw new Violation(7, "a token request while the token in use is young and not rejected")
      }
      owed = false
      const mine = { at }
      flight = mine
      return {
        /** It ends without an answer: a connection lost, a time-out, an interruption. */
        interrupted: () => {
          if (closed) return
          flight = undefined
          const took = now().mono - mine.at.mono
          if (overdueSince !== undefined && overdueSince < now().mono) {
            throw new Violation(10, "callers waited for a request that was frozen with the process")
          }
          if (isFrozen(mine.at)) return reached("a flight frozen with the process, and overtaken")
          if (took + rounding < policy.requestTimeout) {
            throw new Violation(2, `the acquisition of all was interrupted after ${took} ms`)
          }
          fail(undefined, undefined)
        },
        failed: (retryAfter: number | undefined, refused: string | undefined) => {
          if (closed) return
          flight = undefined
          fail(retryAfter, refused)
        },
        succeeded: (token: string, lifetime: number) => {
          if (closed) return
          flight = undefined
          const next = { requested: mine.at, lifetime }
          const again = (rejections.get(token)?.until ?? -Infinity) > now().wall
          if (again) reached("the rejected token handed out again")
          if (again || !isAlive(next, now())) return fail(undefined, undefined)
          if (failures > 0) reached("recovered")
          if (hasToken()) reached("renewed while valid")
          known.set(token, next)
          rejections.delete(token)
          current = token
          hold = undefined
          refusal = undefined
          failures = 0
        }
      }
    },

    /** The source of the credentials failed or gave no answer: no request, but a failure like any other. */
    sourceFailed: (askedAt: Moment) => {
      if (closed || isFrozen(askedAt)) return
      reached("the credentials source failed")
      fail(undefined, undefined)
    },

    /** A request for the API leaves. */
    sent: (call: Call, atHome: boolean, authorization: string | undefined) => {
      const at = now()
      call.sent += 1
      if (call.sent > 2) throw new Violation(7, "a request was sent more than twice")
      if (call.kind === "stream" && call.sent > 1) throw new Violation(7, "a body that can be sent once was sent again")
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
      if (!isAlive(mine, at)) throw new Violation(3, "a request left with an expired token")
      const rejection = rejections.get(token)
      if (rejection !== undefined && rejection.at < at.mono) {
        throw new Violation(3, "a request left with a rejected token")
      }
      if (call.sent === 1 && call.hadToken && call.startedAt.mono !== at.mono) {
        throw new Violation(4, `a request waited ${at.mono - call.startedAt.mono} ms although there was a token`)
      }
      return token
    },

    /** The API's answer arrives: `rejects` if it is a 401 about the token. */
    answered: (call: Call, token: string | undefined, rejects: boolean) => {
      call.lastRejected = rejects
      if (token === undefined || !rejects) return
      call.rejected += 1
      if (!reject(token)) call.doubted = true
    },

    /** The application says itself that a token was rejected. */
    rejected: (token: string) => void reject(token),

    interrupted: (call: Call) => {
      call.interrupted = true
      if (flight !== undefined && !call.hadToken) reached("a caller was interrupted during the acquisition")
    },

    ended: (call: Call, outcome: Outcome) => {
      waiting.delete(call)
      if (closed || call.interrupted) return
      const took = now().mono - call.startedAt.mono
      if (took > longestWait(attempts)) throw new Violation(12, `a call took ${took} ms`)
      const { reason, status, tag } = outcome
      switch (tag) {
        case "Interrupted":
          throw new Violation(2, "a call ended interrupted that nobody had interrupted")
        case "Success":
          if (call.lastRejected === true) {
            throw new Violation(7, "a call ended with a 401 about the token")
          }
          break
        case "InvalidCredentials":
          if (refusal === undefined) throw new Violation(12, "InvalidCredentials, and nothing was refused")
          if (
            refusal.refused !== options.secret() && options.secretSince() < call.startedAt.mono &&
            refusal.at.mono < call.startedAt.mono && options.sourceAnswers()
          ) {
            throw new Violation(13, "a refusal of credentials of the past")
          }
          break
        case "TokenExpired":
          if (
            reason === "NotReplayable"
              ? call.kind !== "stream" || call.rejected !== 1
              : call.rejected === 0 && rejections.size === 0
          ) {
            throw new Violation(12, `TokenExpired (${reason}) after ${call.rejected} rejections`)
          }
          reached(`TokenExpired: ${reason}`)
          break
        case "TokenEndpointUnavailable":
        case "MalformedTokenResponse":
          break
        case "HttpClientError":
          if (call.sent === 0) throw new Violation(12, "a request failed that was not sent")
          break
        default:
          throw new Violation(12, `a call ended with ${tag}`)
      }
      const allWasWell = call.wasWell && failures === 0 && steadySince() < call.startedAt.mono
      const cannotRecover = tag === "TokenExpired" && (call.kind === "stream" || call.rejected === 2 || call.doubted)
      if (allWasWell && !cannotRecover && (tag !== "Success" || status !== (call.kind === "own" ? 401 : 200))) {
        throw new Violation(13, `${tag} ${status ?? ""}, and all was well`)
      }
      if (call.hadToken && call.sent === 0 && call.kind !== "token") {
        throw new Violation(4, `${tag} although there was a token`)
      }
    },

    closed: () => {
      closed = true
    }
  }

  function fail(retryAfter: number | undefined, refused: string | undefined): void {
    failures += 1
    const token = currentToken()
    const left = token === undefined ? 0 : leftOf(token, now())
    const step = Math.min(
      policy.backoffBase * 2 ** (failures - 1),
      policy.backoffMaximum,
      left > 0 ? Math.max(policy.backoffBase, left / 2) : Infinity
    )
    const asked = Math.min(retryAfter ?? 0, policy.retryAfterMaximum)
    if (asked > 0) reached("Retry-After")
    hold = {
      at: now(),
      refused,
      atLeast: Math.max(step / 2, asked, refused === undefined ? 0 : policy.refusalTimeToLive)
    }
    if (refused !== undefined) {
      reached("credentials refused")
      refusal = hold
    }
    if (hasToken()) reached("a renewal failed while the token was valid")
    else reached("an acquisition failed")
  }

  /** Returns whether it is to be believed; what is about an older token is, and changes nothing. */
  function reject(token: string): boolean {
    if (token !== current) {
      reached("a 401 for an older token")
      return true
    }
    const { mono } = now()
    believed = believed.filter((time) => mono - time < 60_000)
    if (believed.length >= policy.replacementsPerMinute) {
      reached("a rejection that is not believed")
      return false
    }
    reached("a rejection")
    believed.push(mono)
    const { lifetime, requested } = known.get(token)!
    rejections.set(token, { at: mono, until: requested.wall + lifetime })
    current = undefined
    owed = true
    return true
  }
}

/** One model. */
export type Model = ReturnType<typeof makeModel>
