/**
 * The referee of one process: what may happen, and what has to.
 *
 * Written from the invariants and the table "What a 401 does", not from the engine. It is told what happens, in order,
 * and throws a `Violation` at the first thing that must not be.
 */

/** A moment on the two clocks of a process, in milliseconds. */
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

/** The numbers that the documentation promises, in milliseconds. */
export interface Rules {
  readonly background: boolean
  readonly attempts: number
  /** How long a call goes on at least. */
  readonly retryFor: number
  readonly retryAfterMaximum: number
  readonly refusalTimeToLive: number
}

export const documented = {
  renewAt: 0.8,
  jitter: 0.1,
  minimumMargin: 60_000,
  leeway: 5_000,
  leewayShare: 0.05,
  lastSecond: 1_000,
  backoffBase: 500,
  backoffMaximum: 60_000,
  maximumWait: 5_000,
  // After at least 250 ms, 500 ms, 1 s and 2 s.
  attemptsInMaximumWait: 4,
  acquisitionTimeout: 15_000,
  suspicion: 1_000,
  dead: 15_000,
  firstRefusal: 1_000,
  refusedAtOnce: 4,
  firstReplacement: 60_000,
  longestReplacement: 3_600_000
} as const

// The engine sleeps for whole milliseconds; its moments need not be whole.
const rounding = 1

/** For how long a token is used, from right before its request. */
export const usable = (lifetime: number): number =>
  lifetime - Math.min(documented.lastSecond, lifetime / 2) -
  Math.min(documented.leeway, lifetime * documented.leewayShare)

/** When a token is renewed at the latest, without jitter. */
const latestRenewal = (lifetime: number): number => {
  const { minimumMargin, renewAt } = documented
  const inUse = usable(lifetime)
  const inTime = Math.min(lifetime * renewAt, inUse - Math.min(1_000, inUse / 3))
  return lifetime >= 2 * minimumMargin ? Math.min(inTime, lifetime - minimumMargin) : inTime
}
const earliestRenewal = (lifetime: number): number => latestRenewal(lifetime) * (1 - documented.jitter)

/** By whichever clock says more. */
const since = (from: Moment, to: Moment): number => Math.max(to.wall - from.wall, to.mono - from.mono)

interface Known<T> {
  readonly token: T
  readonly requested: Moment
  readonly lifetime: number
  readonly version: number
  /** When it came. */
  readonly came: Moment
  /** For how long after that it is used. */
  readonly use: Span
  /** How long after that it is renewed, at the earliest and at the latest. */
  readonly renewal: { readonly from: Moment; readonly earliest: number; readonly latest: number }
  /** Whether the server handed it out a second time: it may have no other one before this one ends. */
  readonly isRepeated: boolean
  /** Whether a rejection in its last second ended it. */
  hasEnded: boolean
}

/** So many milliseconds after a moment. */
interface Span {
  readonly from: Moment
  readonly millis: number
}

/** Between these two times after `at` it ends. */
interface Hold {
  readonly at: Moment
  readonly atLeast: number
  readonly atMost: number
  /** Whether it is because of one refusal after another. */
  readonly isRefusal?: boolean
}

/** What a call saw, as far as the referee needs it. */
export interface Call<T> {
  readonly startedAt: Moment
  /** How long it may wait for its first token; undefined: it has none to go with. */
  readonly mayWait: number | undefined
  /** For how long it had a good token. */
  readonly lasts: number
  /** How many acquisitions had failed, and had brought a token that was in use. */
  readonly failures: number
  readonly failuresInARow: number
  readonly successes: number
  readonly again: number
  readonly frozen: number
  readonly disturbances: number
  readonly jumps: number
  /** The tokens of its rejected requests, in order. */
  readonly rejected: Array<T>
  /** How many acquisitions had brought the good token in use once more when the last request was rejected. */
  keptBefore: number
}

/** How often each situation occurred, so that a simulation that reaches nothing is noticed. */
export type Situations = Map<string, number>

type Expected = "must" | "may" | "mustNot"
interface Expectation {
  readonly expected: Expected
  readonly invariant: number
  readonly why: string
}
const must = (invariant: number, why: string): Expectation => ({ expected: "must", invariant, why })
const may: Expectation = { expected: "may", invariant: 0, why: "" }
const mustNot = (invariant: number, why: string): Expectation => ({ expected: "mustNot", invariant, why })

const known = <T>(
  grant: { readonly token: T; readonly requested: Moment; readonly lifetime: number; readonly version: number },
  now: Moment
): Known<T> => {
  const { lifetime, requested } = grant
  const renewal = { from: requested, earliest: earliestRenewal(lifetime), latest: latestRenewal(lifetime) }
  const use = { from: requested, millis: usable(lifetime) }
  return { ...grant, came: now, use, renewal, isRepeated: false, hasEnded: false }
}

export class Referee<T> {
  readonly #rules: Rules
  readonly #reached: (situation: string) => void
  #current: Known<T> | undefined
  #acquiring: { readonly at: Moment; readonly replaces: boolean } | undefined
  #suspectSince: Moment | undefined
  #rejectedSince: Moment | undefined
  /** Whether callers need not wait for the replacement: the credentials may still be refused. */
  #mayGoOn = false
  #failures = 0
  #allFailures = 0
  #successes = 0
  #again = 0
  #kept = 0
  #backoff: Hold | undefined
  #refusal: Hold & { readonly secret: number; readonly step: number; readonly others: number } | undefined
  #replaced: { readonly at: Moment; readonly delay: number } | undefined
  /** For how long in all the process did not run. */
  frozen = 0
  /** Clocks that were set, events that were lost, servers that were down. */
  disturbances = 0
  /** Times at which a clock was set or the process did not run. */
  jumps = 0

  constructor(rules: Rules, reached: (situation: string) => void) {
    this.#rules = rules
    this.#reached = reached
  }

  isGood(now: Moment): boolean {
    return this.#current !== undefined && this.#left(this.#current, now) > 0
  }

  get token(): T | undefined {
    return this.#current?.token
  }

  get failures(): number {
    return this.#failures
  }

  called(now: Moment): Call<T> {
    const isGood = this.isGood(now)
    const suspicion = this.#acquiring !== undefined && this.#suspectSince !== undefined
      ? Math.max(0, documented.suspicion - since(this.#suspectSince, now))
      : 0
    if (isGood && suspicion > 0) this.#reached("a caller waits for the replacement of a suspect token")
    if (isGood && suspicion === 0 && this.#acquiring !== undefined) this.#reached("a caller goes on during a renewal")
    if (!isGood && this.#acquiring !== undefined) this.#reached("a caller waits for the first token")
    return {
      startedAt: now,
      mayWait: isGood ? suspicion : undefined,
      lasts: isGood ? this.#left(this.#current!, now) : 0,
      failures: this.#allFailures,
      failuresInARow: this.#failures,
      successes: this.#successes,
      again: this.#again,
      frozen: this.frozen,
      disturbances: this.disturbances,
      jumps: this.jumps,
      rejected: [],
      keptBefore: 0
    }
  }

  /** Whether a caller who wants a token makes the process acquire one. */
  whenRequested(now: Moment): Expectation {
    const acquiring = this.#acquiring
    const isOverdue = acquiring !== undefined && since(acquiring.at, now) >= 2 * documented.acquisitionTimeout
    if (isOverdue && this.isGood(now)) return this.#unlessBusy(now, must(12, "the acquisition is overdue"))
    const needed = this.#needed(now, this.isGood(now) ? 4 : 12)
    const refusal = this.#refusal
    if (refusal === undefined || !this.isGood(now)) return this.#unlessBusy(now, needed)
    const refusedFor = since(refusal.at, now)
    if (refusedFor < refusal.atLeast - rounding) return mustNot(6, "the credentials were refused a moment ago")
    return this.#unlessBusy(now, refusedFor < refusal.atMost + rounding && needed.expected === "must" ? may : needed)
  }

  whenDue(now: Moment): Expectation {
    const known = this.#current
    if (known === undefined || !this.#rules.background) return mustNot(4, "nothing is to be renewed by a timer")
    const refusal = this.#refusal
    if (refusal !== undefined && since(refusal.at, now) < refusal.atLeast - rounding) {
      return mustNot(6, "the credentials were refused a moment ago")
    }
    if (refusal !== undefined && since(refusal.at, now) < refusal.atMost + rounding) return may
    return this.#unlessBusy(now, this.#needed(now, 4))
  }

  /** Whether a rejection makes the process acquire a token. */
  whenRejected(
    event: { readonly token: T; readonly wasAccepted: boolean; readonly rejectedInARow: number },
    now: Moment
  ): Expectation {
    const known = this.#current
    if (known === undefined || known.token !== event.token || !this.isGood(now)) {
      this.#reached("a 401 for a token that is not in use")
      return mustNot(7, "the rejected token is not in use")
    }
    if (event.wasAccepted && since(known.requested, now) >= known.lifetime - documented.lastSecond) {
      this.#reached("a 401 in the last second of a token")
      known.hasEnded = true
      this.disturbances += 1
      return this.#unlessBusy(now, must(7, "the token ended"))
    }
    // One that is overdue is no longer waited for.
    if (this.#acquiring !== undefined && since(this.#acquiring.at, now) < 2 * documented.acquisitionTimeout) {
      this.#suspect(now)
    }
    if (event.rejectedInARow <= 1) this.#rejectedSince = now
    this.#rejectedSince ??= now
    const isDead = event.wasAccepted && event.rejectedInARow >= 3 && since(this.#rejectedSince, now) >= documented.dead
    const left = this.#replacementLeft(isDead, now)
    if (left > 0) this.#reached("a replacement that has to wait")
    const expectation = left > 0
      ? mustNot(6, `replacements were in vain: the next one is due in ${left} ms`)
      : must(7, "a rejected token is to be replaced")
    return this.#unlessBusy(now, expectation)
  }

  /** Somebody has to renew the token when it is time. */
  checkTimer(isSet: boolean, now: Moment): void {
    if (isSet || !this.#rules.background || !this.isGood(now) || this.#acquiring !== undefined) return
    // A clock that is set back may make a token good again that nobody renews while the credentials are refused; the next
    // call after that does.
    if (this.jumps > 0 && this.#refusal !== undefined) return
    throw new Violation(4, "no timer is set to renew the token")
  }

  /** Compares what was to happen with what happened. */
  check({ expected, invariant, why }: Expectation, acquires: boolean): void {
    if (acquires && expected === "mustNot") throw new Violation(invariant, `a token is acquired, although ${why}`)
    if (!acquires && expected === "must") throw new Violation(invariant, `no token is acquired, although ${why}`)
  }

  /** An acquisition begins, because of a rejection or not. */
  acquiring(isRejection: boolean, now: Moment): void {
    const before = this.#acquiring
    // In place of an overdue one it is for the same.
    const replaces = isRejection ? this.#current?.hasEnded === false : before?.replaces === true
    if (before !== undefined) {
      if (since(before.at, now) < documented.acquisitionTimeout) {
        throw new Violation(1, "a second acquisition while one is in flight")
      }
      this.#reached("an overdue acquisition is replaced")
    }
    if (isRejection && replaces) {
      this.#reached("an acquisition because of a 401")
      this.#suspect(now)
    }
    this.#acquiring = { at: now, replaces }
  }

  /** A token request leaves. */
  requested(secret: number, now: Moment): void {
    if (this.#acquiring === undefined) throw new Violation(1, "a token request without an acquisition")
    const refusal = this.#refusal
    if (refusal === undefined) return
    if (refusal.secret !== secret) return this.#reached("new credentials after a refusal")
    // Decided when the acquisition began: a clock may have been set back since.
    if (Math.max(since(refusal.at, now), since(refusal.at, this.#acquiring.at)) < refusal.atLeast - rounding) {
      throw new Violation(6, `refused credentials are sent again after ${since(refusal.at, now)} ms`)
    }
    this.#reached("refused credentials sent again in time")
  }

  /** The process did not send the credentials, since they are the refused ones. */
  unchanged(): void {
    const refusal = this.#refusal
    // The refusal may have ended while the credentials were read.
    if (refusal === undefined || since(refusal.at, this.#acquiring!.at) > refusal.atMost + rounding) {
      throw new Violation(6, "credentials are taken for refused longer than the refusal lasts")
    }
    this.#reached("refused credentials not sent")
    this.#ended()
  }

  failed(refused: number | undefined, retryAfter: number | undefined, now: Moment): void {
    this.#ended()
    this.#failures += 1
    this.#allFailures += 1
    const { backoffBase, backoffMaximum } = documented
    if (refused !== undefined) {
      const { firstRefusal, refusedAtOnce } = documented
      const before = this.#refusal
      const isSame = before?.secret === refused
      // How many secrets came in a row, each in place of another one, and were refused.
      const others = (before?.others ?? 0) + (isSame ? 0 : 1)
      const isHeldBack = !isSame && others >= refusedAtOnce
      const due = isSame ? 2 * before.step : isHeldBack ? firstRefusal * 2 ** (others - refusedAtOnce) : firstRefusal
      const step = Math.min(due, this.#rules.refusalTimeToLive)
      this.#reached(isSame ? "refused in a row" : "refused for the first time")
      if (isHeldBack) this.#reached("changed credentials refused again and again")
      const hold = { at: now, atLeast: step / 2, atMost: step }
      this.#refusal = { ...hold, secret: refused, step, others }
      this.#backoff = isHeldBack ? { ...hold, isRefusal: true } : undefined
    } else {
      const left = this.isGood(now) ? Math.ceil(this.#left(this.#current!, now)) : 0
      const step = Math.min(
        backoffBase * 2 ** (this.#failures - 1),
        backoffMaximum,
        left > 0 ? Math.max(backoffBase, left / 2) : Infinity
      )
      const asked = Math.min(retryAfter ?? 0, this.#rules.retryAfterMaximum)
      if (asked > 0) this.#reached("Retry-After")
      this.#backoff = { at: now, atLeast: Math.max(step / 2, asked), atMost: Math.max(step, asked) }
    }
    this.#reached(this.isGood(now) ? "a failure while the token is good" : "a failure without a good token")
  }

  /** A token came, from the token endpoint or from the store. */
  succeeded(
    grant: {
      readonly token: T
      readonly requested: Moment
      readonly lifetime: number
      readonly version: number
      readonly isShared: boolean
    },
    now: Moment
  ): "used" | "late" {
    const version = Math.max(grant.version, this.#current?.version ?? 0)
    const next = known({ ...grant, version }, now)
    if (this.#left(next, now) <= 0) {
      this.#reached("a token that expired before it came")
      this.failed(undefined, undefined, now)
      return "late"
    }
    const wasThereBefore = grant.isShared && grant.requested.mono < (this.#acquiring?.at.mono ?? 0)
    if (this.#acquiring?.replaces && !wasThereBefore) this.#charge(now)
    this.#rejectedSince = undefined
    const before = this.#current
    if (before?.token === grant.token) {
      this.#again += 1
      if (this.isGood(now)) this.#kept += 1
      this.#wellAgain()
      this.#repeated(before, next, now, false)
      return "used"
    }
    if (this.isGood(now)) this.#reached("a new token in place of a good one")
    this.#current = next
    this.#wellAgain()
    return "used"
  }

  /**
   * The server handed out the token in use once more. Unless it lasts longer now, the server is asked once more one to two
   * seconds before the token is out of use; and when that brings it too, not before the token has ended.
   */
  #repeated(before: Known<T>, next: Known<T>, now: Moment, isNotice: boolean): void {
    const end = (known: Known<T>): number => Math.ceil(Math.max(0, known.lifetime - since(known.requested, now)))
    const left = (known: Known<T>): number => Math.ceil(Math.max(0, this.#left(known, now)))
    if (end(next) - end(before) > 2 * documented.lastSecond) {
      this.#reached("the same token, made to last longer")
      this.#current = next
      return
    }
    const version = Math.max(before.version, next.version)
    if (left(before) > 3 * documented.lastSecond) {
      this.#reached("the same token again")
      const { from, millis } = before.use
      const renewal = { from, earliest: millis - 2 * documented.lastSecond, latest: millis - documented.lastSecond }
      this.#current = { ...before, version, renewal, isRepeated: true }
      return
    }
    this.#reached("the same token again when it is about to expire")
    const { hasEnded, use } = left(before) >= left(next) ? before : next
    const renewal = { from: use.from, earliest: use.millis, latest: use.millis }
    this.#current = { ...before, version, use, renewal, isRepeated: true, hasEnded }
    if (isNotice) return
    const { lifetime, requested } = end(before) >= end(next) ? before : next
    const { lastSecond } = documented
    this.#backoff = { at: requested, atLeast: lifetime + lastSecond / 2, atMost: lifetime + lastSecond }
  }

  /** Another process renewed the token. */
  shared(
    grant: { readonly token: T; readonly requested: Moment; readonly lifetime: number; readonly version: number },
    now: Moment
  ): boolean {
    const version = Math.max(grant.version, this.#current?.version ?? 0)
    const next = known({ ...grant, version }, now)
    const before = this.#current
    if (this.#left(next, now) <= 0) return false
    // A notification that comes twice does not make a token good again.
    if (before !== undefined && (this.isGood(now) || before.token === grant.token)) {
      const end = ({ lifetime, requested }: Known<T>): number => Math.ceil(lifetime - since(requested, now))
      if (before.version > 0 ? next.version <= before.version : end(next) <= end(before)) return false
    }
    if (this.#acquiring?.replaces && grant.requested.mono >= this.#acquiring.at.mono) {
      this.#reached("another process replaced a token")
      this.#charge(now)
    }
    this.#reached("a token from another process")
    this.#rejectedSince = undefined
    this.#wellAgain()
    if (before?.token === grant.token) {
      this.#again += 1
      this.#repeated(before, next, now, true)
    } else {
      this.#current = next
    }
    return true
  }

  /** A request goes, or is sent again, with a token. */
  given(call: Call<T>, token: T, now: Moment): void {
    const known = this.#current
    if (known === undefined || known.token !== token) {
      throw new Violation(3, "a request is sent with a token that is not the one in use")
    }
    if (this.#left(known, now) <= 0) {
      throw new Violation(3, `a request is sent with a token that expired ${-this.#left(known, now)} ms ago`)
    }
    if (call.rejected.length > 0) {
      if (call.rejected.at(-1) === token && this.#kept > call.keptBefore) {
        throw new Violation(7, "a request is sent again with the token that was handed out once more")
      }
      if (call.rejected.at(-1) === token && call.rejected.at(-2) === token) {
        throw new Violation(7, "a request is sent a third time with the same token")
      }
      return
    }
    this.#checkAttempts(call)
    const acquiring = this.#acquiring
    if (
      acquiring !== undefined && since(acquiring.at, now) < documented.acquisitionTimeout &&
      this.#suspectSince !== undefined && since(this.#suspectSince, now) < documented.suspicion - rounding &&
      !this.#mayGoOn
    ) {
      throw new Violation(7, "a caller does not wait for the replacement of a suspect token")
    }
    const waited = now.mono - call.startedAt.mono - (this.frozen - call.frozen)
    if (call.mayWait === undefined || waited <= call.mayWait + rounding) return
    // It may have expired while the caller waited.
    if (call.lasts > call.mayWait + rounding && this.disturbances === call.disturbances) {
      throw new Violation(4, `a caller waited ${waited} ms although there was a good token`)
    }
  }

  /** The API answers 401 to a request. */
  rejected(call: Call<T>, token: T): void {
    call.rejected.push(token)
    call.keptBefore = this.#kept
  }

  /** A caller without a token sleeps until the next attempt. */
  sleeps(now: Moment): void {
    const hold = this.#backoff
    if (hold?.isRefusal === true && since(hold.at, now) < hold.atLeast - rounding) {
      throw new Violation(6, "a caller waits although one secret after another was refused")
    }
    this.#reached("a caller sleeps until the next attempt")
  }

  /** A caller slept, and knows of no acquisition that ended meanwhile. */
  slept(call: Call<T>): void {
    call.keptBefore = this.#kept
  }

  /** A request that was rejected was sent again with another token, and accepted. */
  replayAccepted(): void {
    this.#reached("a replay was accepted")
    this.#replaced = undefined
  }

  /** A call ended. */
  answered(call: Call<T>, now: Moment): void {
    const { acquisitionTimeout, maximumWait } = documented
    const waited = now.mono - call.startedAt.mono - (this.frozen - call.frozen)
    const longest = 2 * (this.#rules.attempts + 1) * (2 * acquisitionTimeout + maximumWait) + this.#rules.retryFor
    if (waited > longest) throw new Violation(12, `a call took ${waited} ms`)
  }

  /** A call ended without a token, or with a 401; `error` is undefined where the 401 is about the request. */
  gaveUp(
    call: Call<T>,
    failure: { readonly refused: number | undefined } | undefined,
    retryAfter: number | undefined,
    source: { readonly secret: number; readonly hasChangedSince: boolean },
    now: Moment
  ): void {
    const { attempts } = this.#rules
    const rejections = call.rejected.length
    if (failure === undefined) {
      if (rejections === 0) throw new Violation(7, "TokenExpired without a 401")
      if (rejections === 1 && this.#again === call.again) {
        throw new Violation(7, "TokenExpired after one 401, although the token was not handed out again")
      }
      return this.#reached("TokenExpired")
    }
    if (rejections === 0) this.#checkAttempts(call)
    const isRepeated = rejections >= 2 && call.rejected.at(-1) === call.rejected.at(-2)
    if (this.isGood(now) && !(isRepeated && call.rejected.at(-1) === this.#current!.token)) {
      throw new Violation(5, "a call fails with the error of an acquisition although there is a good token")
    }
    if (this.isGood(now)) return this.#reached("a rejected request fails with the error of the replacement")
    const hold = failure.refused === undefined ? this.#backoff : this.#refusal
    const atMost = hold === undefined ? 0 : hold.atMost - since(hold.at, now)
    if (retryAfter !== undefined && !(retryAfter > 0 && retryAfter <= Math.max(0, atMost) + 2 * rounding)) {
      throw new Violation(5, `a retryAfter of ${retryAfter} ms, and the next attempt is due in ${atMost} ms at most`)
    }
    if (failure.refused !== undefined) {
      this.#reached("a call fails with the refusal")
      const isHeldBack = this.#backoff?.isRefusal === true && atMost > -rounding
      if (isHeldBack) this.#reached("a call is not tried with credentials that may have changed")
      if (failure.refused !== source.secret && !source.hasChangedSince && !isHeldBack) {
        throw new Violation(13, "a call fails with the refusal of credentials that were replaced")
      }
      return
    }
    this.#reached("a call fails with the error of the token endpoint")
    if (this.#allFailures === call.failures && atMost <= 0) {
      throw new Violation(5, "a call fails with an error of the past, and another attempt is due")
    }
    if (this.#allFailures - call.failures < attempts && atMost <= documented.maximumWait) {
      throw new Violation(12, `a call gives up after ${this.#allFailures - call.failures} of ${attempts} attempts`)
    }
    const dueAfter = since(call.startedAt, now) + atMost
    if (dueAfter < this.#rules.retryFor) {
      throw new Violation(12, `a call gives up although the next attempt is due ${dueAfter} ms after its start`)
    }
  }

  /**
   * A background process lets a token expire only if something went wrong: nothing did since `steadySince`, and an
   * acquisition takes `longest` at most.
   */
  checkRenewed(steadySince: number, longest: number, now: Moment): void {
    const known = this.#current
    if (!this.#rules.background || known === undefined || this.isGood(now) || known.hasEnded) return
    // A repeated token is renewed when it ends, since there is no other one before.
    if (known.isRepeated || known.came.mono <= steadySince) return
    const { lifetime } = known
    if (usable(lifetime) - Math.max(latestRenewal(lifetime), since(known.requested, known.came)) <= longest) return
    throw new Violation(4, "a token expired although its renewal could have succeeded")
  }

  #checkAttempts(call: Call<T>): void {
    // A clock that is set ends a backoff for others while it sleeps.
    if (call.jumps !== this.jumps || this.#rules.retryFor > 0) return
    // One that sleeps may wake while an attempt is under way that is one too many. One that slept through a success
    // counts from the failures before it, and a new series of attempts may have begun while it slept.
    const limit = this.#rules.attempts + 1 +
      (this.#successes === call.successes ? 0 : call.failuresInARow + documented.attemptsInMaximumWait)
    const attempts = Math.min(this.#failures, this.#allFailures - call.failures)
    if (attempts > limit) throw new Violation(12, `a call waited for ${attempts} attempts`)
  }

  #left({ hasEnded, use }: Known<T>, now: Moment): number {
    return hasEnded ? 0 : use.millis - since(use.from, now)
  }

  /** Callers wait for the replacement of a rejected token, from its first 401 on. */
  #suspect(now: Moment): void {
    const refusal = this.#refusal
    if (refusal !== undefined) {
      const refusedFor = since(refusal.at, now)
      // Refused credentials bring no new token: nobody waits for them.
      if (refusedFor < refusal.atLeast - rounding) return
      this.#mayGoOn ||= refusedFor < refusal.atMost + rounding
    }
    this.#suspectSince = this.#mayGoOn ? now : this.#suspectSince ?? now
  }

  #needed(now: Moment, invariant: number): Expectation {
    const known = this.#current
    if (known === undefined || !this.isGood(now)) return must(invariant, "there is no good token")
    const { earliest, from, latest } = known.renewal
    const age = since(from, now)
    if (age < earliest - rounding) return mustNot(7, "the token in use is young, or the server has no other")
    return age > latest + rounding ? must(4, "the renewal is due") : may
  }

  #unlessBusy(now: Moment, expectation: Expectation): Expectation {
    const acquiring = this.#acquiring
    let expected = expectation
    if (acquiring !== undefined) {
      const age = since(acquiring.at, now)
      if (age < documented.acquisitionTimeout) return mustNot(1, "an acquisition is in flight")
      if (age < 2 * documented.acquisitionTimeout && expected.expected === "must") expected = may
    }
    const hold = this.#backoff
    if (hold !== undefined) {
      const age = since(hold.at, now)
      if (age < hold.atLeast - rounding) {
        return hold.isRefusal
          ? mustNot(6, `one secret after another was refused, the last one ${age} ms ago`)
          : mustNot(5, `the last attempt failed ${age} ms ago`)
      }
      if (age < hold.atMost + rounding && expected.expected === "must") return may
    }
    return expected
  }

  #replacementLeft(isUrgent: boolean, now: Moment): number {
    if (this.#replaced === undefined) return 0
    const { at, delay } = this.#replaced
    return Math.ceil(
      (isUrgent ? Math.min(delay, Math.max(delay / 8, documented.firstReplacement)) : delay) - since(at, now)
    )
  }

  #charge(now: Moment): void {
    const before = this.#replaced?.delay ?? 0
    const delay = Math.min(Math.max(2 * before, documented.firstReplacement), documented.longestReplacement)
    if (before > 0) this.#reached("a replacement after one in vain")
    this.#replaced = { at: now, delay }
  }

  #wellAgain(): void {
    if (this.#failures > 0) this.#reached("recovered")
    this.#ended()
    this.#successes += 1
    this.#failures = 0
    this.#backoff = undefined
    this.#refusal = undefined
  }

  #ended(): void {
    this.#acquiring = undefined
    this.#suspectSince = undefined
    this.#mayGoOn = false
  }
}
