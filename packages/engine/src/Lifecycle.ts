/**
 * The lifecycle of one token as a state machine. `transition` decides, and a shell runs the commands.
 *
 * @since 0.1.0
 */
import { after, hasPassed, later, millisUntil } from "./Instant.ts"
import type { Instant } from "./Instant.ts"
import * as Policy from "./Policy.ts"
import type { CachedToken, Command, Event, Failure, Report, State, Transition } from "./State.ts"

/**
 * The next state, and the commands to run, in this order.
 *
 * **Details**
 *
 * The shell first stores the state, then runs the commands. Waiters are resumed
 * last, so that a resumed caller finds everything in place.
 *
 * @category transitions
 * @since 0.1.0
 */
export const transition = <T, E>(state: State<T, E>, event: Event<T, E>, now: Instant): Transition<T, E> => {
  switch (event._tag) {
    case "TokenRequested":
      return isNeeded(state, now) ? acquire(state, now) : [state, []]

    case "RenewalDue": {
      const at = wakeAt(state, now)
      if (at === undefined) return [state, []]
      return hasPassed(at, now) ? acquire(state, now) : [state, [{ _tag: "WakeAt", at }]]
    }

    case "TokenRejected":
      return isLive(state, now) && state.cached.token === event.token ? reject(state, event, now) : [state, []]

    case "ReplayAccepted":
      return state.replacement === fullBudget ? [state, []] : [{ ...state, replacement: fullBudget }, []]

    case "TokenShared": {
      const cached = cachedToken(state, event)
      if (hasPassed(cached.expiresAt, now) || !isNewer(state, cached, now)) return [state, []]
      const [next, commands] = useNext(chargeFor(state, event, now), cached, event, now)
      return state.acquisition === undefined
        ? [next, commands]
        : [next, [{ _tag: "CancelAcquisition", id: state.acquisition.id }, ...commands]]
    }

    case "Acquired": {
      if (state.acquisition?.id !== event.id) return [state, []]
      const cached = cachedToken(state, event)
      if (hasPassed(cached.expiresAt, now)) {
        return fail(state, { error: event.errorIfLate(), random: event.random }, now)
      }
      return useNext(chargeFor(state, event, now), cached, event, now)
    }

    case "AcquisitionFailed":
      return state.acquisition?.id === event.id
        ? fail(state, event, now)
        : [state, []]

    case "CredentialsUnchanged": {
      if (state.acquisition?.id !== event.id) return [state, []]
      const next = { ...state, acquisition: undefined, suspectUntil: undefined }
      return [next, [...wake(next, now), completeWaiters({ error: state.refusal!.error, refusedIn: event.id })]]
    }

    case "AcquisitionLost":
      if (state.acquisition?.id !== event.id) return [state, []]
      return acquire({ ...state, acquisition: { ...state.acquisition, overdueAt: now } }, now)
  }
}

/** No replacement without success. */
const fullBudget: State<never, never>["replacement"] = { at: undefined, delay: 0, isReported: false }

/**
 * The state of a provider that nobody has used.
 *
 * @category constructors
 * @since 0.1.0
 */
export const initial = <T, E>(policy: Policy.Policy): State<T, E> => ({
  policy,
  cached: undefined,
  suspectUntil: undefined,
  rejectedSince: undefined,
  acquisition: undefined,
  lastId: 0,
  failures: 0,
  lastError: undefined,
  backoff: undefined,
  refusal: undefined,
  replacement: fullBudget
})

type WithToken<T, E> = State<T, E> & { readonly cached: CachedToken<T> }

/**
 * Whether the token in use has not expired.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isLive = <T, E>(state: State<T, E>, now: Instant): state is WithToken<T, E> =>
  state.cached !== undefined && !hasPassed(state.cached.expiresAt, now)

/**
 * Whether callers get the token in use: it has not expired, and they do not wait
 * for its replacement.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isUsable = <T, E>(state: State<T, E>, now: Instant): state is WithToken<T, E> =>
  isLive(state, now) && (state.suspectUntil === undefined || hasPassed(state.suspectUntil, now))

const cachedToken = <T, E>(
  { cached, policy }: State<T, E>,
  { lifetime, random, startedAt, token, version }: Event<T, E> & { readonly _tag: "Acquired" | "TokenShared" }
): CachedToken<T> => {
  return {
    token,
    // A token that is not in the store is later than the stored one, which must not come back.
    version: Math.max(version, cached?.version ?? 0),
    startedAt,
    lifetime,
    renewAt: after(startedAt, Policy.renewalDelay(policy, lifetime, random)),
    expiresAt: after(startedAt, Policy.usableLifetime(policy, lifetime))
  }
}

/**
 * Compares versions if both have one, because versions rise. Without a store, the token that lasts longer is newer. Every
 * other token is newer than one that has expired.
 */
const isNewer = <T, E>(state: State<T, E>, next: CachedToken<T>, now: Instant): boolean => {
  const { cached } = state
  if (cached?.token !== next.token && !isLive(state, now) || cached === undefined) return true
  return cached.version > 0
    ? next.version > cached.version
    : millisUntil(endOf(next), now) > millisUntil(endOf(cached), now)
}

/** Whether a new caller needs an acquisition: to get a token, to renew it, or to replace an overdue acquisition. */
const isNeeded = <T, E>(state: State<T, E>, now: Instant): boolean => {
  if (!isUsable(state, now)) return true
  if (state.acquisition !== undefined) return !isInFlight(state, now)
  // The credentials are read again when their refusal ends.
  return hasPassed(state.cached.renewAt, now) && !isInForce(state.refusal, now)
}

/** When the token in use is renewed, but not during a backoff or a refusal. */
const renewalAt = <T, E>({ backoff, cached, refusal }: WithToken<T, E>, now: Instant): Instant => {
  const wait = isInForce(refusal, now) ? refusal : isInForce(backoff, now) ? backoff : undefined
  return wait === undefined ? cached.renewAt : later(cached.renewAt, wait.until, now)
}

const hasToken = <T, E>(state: State<T, E>): state is WithToken<T, E> => state.cached !== undefined

/** When the timer must go off, if there is anything to do then. */
const wakeAt = <T, E>(state: State<T, E>, now: Instant): Instant | undefined => {
  if (!hasToken(state) || state.policy.mode === "onDemand") return undefined
  // If there is no token to renew, the next caller checks whether the credentials have changed.
  return isInForce(state.refusal, now) && !isLive(state, now) ? undefined : renewalAt(state, now)
}

const wake = <T, E>(state: State<T, E>, now: Instant): ReadonlyArray<Command<T, E>> => {
  const at = wakeAt(state, now)
  return at === undefined ? [] : [{ _tag: "WakeAt", at }]
}

const isInForce = <A extends { readonly until: Instant }>(wait: A | undefined, now: Instant): wait is A =>
  wait !== undefined && !hasPassed(wait.until, now)

type InFlight<T, E> = State<T, E> & { readonly acquisition: NonNullable<State<T, E>["acquisition"]> }

const isInFlight = <T, E>(state: State<T, E>, now: Instant): state is InFlight<T, E> =>
  // An acquisition that did not end in time was frozen with the process, or its fiber is lost.
  state.acquisition !== undefined && !hasPassed(state.acquisition.overdueAt, now)

const completeWaiters = <E>(failure?: Failure<E>): Command<never, E> => ({ _tag: "CompleteWaiters", failure })
const report = <T, E>(report: Report<T, E>): Command<T, E> => ({ _tag: "Report", report })

/**
 * Begins the one acquisition, unless it is in flight or not due. If it replaces an overdue one, it is for the same
 * rejected token.
 */
const acquire = <T, E>(
  state: State<T, E>,
  now: Instant,
  rejected: T | undefined = state.acquisition?.rejected
): Transition<T, E> => {
  if (isInFlight(state, now) || isInForce(state.backoff, now)) return [state, []]
  const id = state.lastId + 1
  const overdueAt = after(now, 2 * state.policy.acquisitionTimeout)
  const begin: Command<T, E> = {
    _tag: "Acquire",
    id,
    laterThan: state.cached?.version ?? 0,
    refused: isInForce(state.refusal, now) ? state.refusal.credentials : undefined
  }
  return [
    { ...state, lastId: id, acquisition: { id, startedAt: now, overdueAt, rejected } },
    state.acquisition === undefined
      ? [begin]
      : [{ _tag: "CancelAcquisition", id: state.acquisition.id }, begin]
  ]
}

type Token<T, E> = Event<T, E> & { readonly _tag: "Acquired" | "TokenShared" }

const useNext = <T, E>(state: State<T, E>, next: CachedToken<T>, event: Token<T, E>, now: Instant): Transition<T, E> =>
  state.cached?.token === next.token
    ? useAgain(state as WithToken<T, E>, next, event, now)
    : use(state, next, event.isShared, now)

/** When the token expires at the server. */
const endOf = <T>({ lifetime, startedAt }: CachedToken<T>): Instant => after(startedAt, lifetime)

/**
 * The server issued the token in use again. If the token now lasts longer, it is renewed. Otherwise the server keeps
 * its tokens until they expire, or until shortly before: it is asked once more right before the token goes out of use,
 * and then when the token has expired. No request brings another token earlier.
 */
const useAgain = <T, E>(
  state: WithToken<T, E>,
  again: CachedToken<T>,
  event: Token<T, E>,
  now: Instant
): Transition<T, E> => {
  const { cached } = state
  const gain = millisUntil(endOf(again), now) - millisUntil(endOf(cached), now)
  if (gain > 2 * Policy.lastSecond) return use(state, { ...again, token: cached.token }, event.isShared, now)
  const kept = { ...cached, version: Math.max(cached.version, again.version) }
  if (millisUntil(cached.expiresAt, now) > 3 * Policy.lastSecond) {
    const renewAt = after(cached.expiresAt, -Policy.lastSecond * (1 + event.random))
    return use(state, { ...kept, renewAt }, event.isShared, now)
  }
  // It lasts as long as the last answer says.
  const expiresAt = later(cached.expiresAt, again.expiresAt, now)
  const last = { ...kept, expiresAt, renewAt: expiresAt }
  if (event._tag === "TokenShared") return use(state, last, event.isShared, now)
  // Servers count in whole seconds: the token may live up to a second longer. The delay is random, so that a fleet does
  // not ask at the same time.
  const until = after(later(endOf(cached), endOf(again), now), Policy.lastSecond * (0.5 + 0.5 * event.random))
  return use(state, last, event.isShared, now, { error: event.errorIfLate(), until })
}

const use = <T, E>(
  state: State<T, E>,
  cached: CachedToken<T>,
  isShared: boolean,
  now: Instant,
  backoff?: State<T, E>["backoff"]
): Transition<T, E> => {
  const next: State<T, E> = {
    ...state,
    cached,
    acquisition: undefined,
    suspectUntil: undefined,
    rejectedSince: undefined,
    failures: 0,
    lastError: undefined,
    backoff,
    refusal: undefined
  }
  const reported = report<T, E>({
    _tag: "TokenAcquired",
    token: cached.token,
    isShared,
    isSame: cached.startedAt === state.cached?.startedAt,
    isRenewal: isLive(state, now),
    isRecovery: state.failures > 0
  })
  return [next, [reported, ...wake(next, now), completeWaiters()]]
}

/** A token that has not expired stays in use, whatever the acquisition was for. */
const fail = <T, E>(
  state: State<T, E>,
  { error, random, refused, retryAfter }: {
    readonly error: E
    readonly random: number
    readonly refused?: number | undefined
    readonly retryAfter?: number | undefined
  },
  now: Instant
): Transition<T, E> => {
  const { acquisition, policy } = state
  const failures = state.failures + 1
  const refusedIn = refused === undefined ? undefined : acquisition?.id
  const ended = { ...state, acquisition: undefined, suspectUntil: undefined, failures, lastError: error }
  let next: State<T, E>
  let delay: number
  if (refused === undefined) {
    delay = retryDelay(state, retryAfter, random, now)
    next = { ...ended, backoff: { error, until: after(now, delay) } }
  } else {
    const { refusal } = state
    const isSame = refusal?.credentials === refused
    const inARow = isSame ? refusal.inARow : (refusal?.inARow ?? 0) + 1
    const step = Policy.nextRefusalDelay(policy, isSame ? refusal.delay : Policy.delayOfChanges(inARow))
    delay = step * (0.5 + 0.5 * random)
    const until = after(now, delay)
    next = {
      ...ended,
      // Credentials that change each time they are read are never the refused ones.
      backoff: isSame || inARow < Policy.manyRefused ? undefined : { error, until, refusedIn },
      refusal: { credentials: refused, error, until, delay: step, inARow }
    }
  }
  const reported = report<T, E>({
    _tag: "AcquisitionFailed",
    error,
    retryAfter: Math.ceil(delay),
    isLive: isLive(state, now)
  })
  return [next, [reported, ...wake(next, now), completeWaiters({ error, refusedIn })]]
}

/**
 * A rejected token was replaced. The next replacement has to wait, unless the API accepts a request with the new token
 * that it rejected with the old one. A token that another process had requested earlier says nothing about this
 * rejection.
 */
const chargeFor = <T, E>(
  state: State<T, E>,
  { isShared, startedAt }: Event<T, E> & { readonly _tag: "Acquired" | "TokenShared" },
  now: Instant
): State<T, E> => {
  const { acquisition, replacement } = state
  if (acquisition?.rejected === undefined || isShared && startedAt.mono < acquisition.startedAt.mono) return state
  return {
    ...state,
    replacement: { at: now, delay: Policy.nextReplacementDelay(replacement.delay), isReported: false }
  }
}

/** Milliseconds until a rejected token may be replaced. */
const replacementLeft = <T, E>({ replacement }: State<T, E>, isUrgent: boolean, now: Instant): number => {
  const { at, delay } = replacement
  if (at === undefined) return 0
  return millisUntil(after(at, isUrgent ? Policy.urgentReplacementDelay(delay) : delay), now)
}

const reject = <T, E>(
  before: WithToken<T, E>,
  { rejectedInARow, token, wasAccepted }: Event<T, E> & { readonly _tag: "TokenRejected" },
  now: Instant
): Transition<T, E> => {
  const rejectedSince = rejectedInARow > 1 && before.rejectedSince !== undefined ? before.rejectedSince : now
  const state = { ...before, rejectedSince }
  const { cached } = state
  // A token that was accepted before and is in its last second has expired, which does not delay the next replacement.
  // Tokens that live for two seconds or more are out of use by then.
  if (wasAccepted && hasPassed(after(cached.startedAt, cached.lifetime - Policy.lastSecond), now)) {
    return acquire({ ...state, cached: { ...cached, renewAt: now, expiresAt: now } }, now)
  }
  // A second from the first 401 about it, also if the acquisition is overdue and replaced. Refused credentials bring no
  // new token, so nobody waits for one.
  const isRefused = isInForce(state.refusal, now)
  const suspectUntil = state.suspectUntil ?? (isRefused ? undefined : after(now, Policy.longestSuspicion))
  if (isInFlight(state, now)) return [{ ...state, suspectUntil }, []]
  if (isInForce(state.backoff, now)) return [state, []]
  const { millis, rejections } = Policy.signsOfDeath
  const isDead = wasAccepted && rejectedInARow >= rejections && hasPassed(after(rejectedSince, millis), now)
  const left = replacementLeft(state, isDead, now)
  if (left > 0) {
    const isFirst = !state.replacement.isReported
    const reported = report<T, E>({ _tag: "ReplacementHeldBack", retryAfter: left, isFirst })
    return [isFirst ? { ...state, replacement: { ...state.replacement, isReported: true } } : state, [reported]]
  }
  const [next, commands] = acquire({ ...state, suspectUntil }, now, token)
  return [next, [report<T, E>({ _tag: "TokenRejected", token, isRefused }), ...commands]]
}

/**
 * What a caller gets.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer<T, E> =
  | { readonly _tag: "Token"; readonly token: T }
  /** Without an error, a new token does not help or, with `retryAfter`, none is due before then. */
  | { readonly _tag: "Failure"; readonly error: E | undefined; readonly retryAfter: number | undefined }
  /** The caller waits for the acquisition in flight, but no longer than until then. It then asks again. */
  | { readonly _tag: "Wait"; readonly until: Instant }
  /** The caller asks again then. */
  | { readonly _tag: "Sleep"; readonly until: Instant }
  /** The caller asks again now. */
  | { readonly _tag: "Retry" }

/**
 * A caller: when it gives up, and how the acquisition ended for which it waited.
 *
 * @category models
 * @since 0.1.0
 */
export interface Caller<E> {
  /** The number of consecutive failures after which this caller gives up. */
  readonly giveUpAt: number
  /** It does not give up before this moment, if the next attempt is due by then. */
  readonly retryUntil: Instant
  /** The acquisition that was in flight when it began, which may have read credentials that have changed; 0: none. */
  readonly joined: number
  /** How the acquisition ended for which this caller waited. */
  readonly waited?: { readonly failure: Failure<E> | undefined } | undefined
}

/**
 * A caller that begins now.
 *
 * @category constructors
 * @since 0.1.0
 */
export const caller = <T, E>({ acquisition, failures, policy }: State<T, E>, now: Instant): Caller<E> => ({
  giveUpAt: failures + policy.attempts,
  retryUntil: after(now, policy.retryFor),
  joined: acquisition?.id ?? 0
})

/** The failure for which a caller waited, but not a refusal of credentials that were read before the caller began. */
const failureFor = <E>({ joined, waited }: Caller<E>): Failure<E> | undefined =>
  waited?.failure?.refusedIn === joined ? undefined : waited?.failure

const found = <T>(token: T): Answer<T, never> => ({ _tag: "Token", token })

/**
 * What a caller gets.
 *
 * @category answers
 * @since 0.1.0
 */
export const answer = <T, E>(state: State<T, E>, caller: Caller<E>, now: Instant): Answer<T, E> => {
  if (isUsable(state, now)) return found(state.cached.token)
  const { backoff, policy, refusal } = state
  const waited = failureFor(caller)
  const failure = waited ?? (isInForce(backoff, now) ? backoff : undefined)
  const isRefused = failure?.refusedIn !== undefined
  const until = isRefused ? refusal?.until : backoff?.until
  const left = until === undefined ? 0 : millisUntil(until, now)
  const isInTime = !hasPassed(caller.retryUntil, after(now, left))
  const givesUp = failure !== undefined &&
    (isRefused || !isInTime && (state.failures >= caller.giveUpAt || left > policy.maximumWait))
  if (givesUp && (waited !== undefined || !isInFlight(state, now))) {
    return { _tag: "Failure", error: failure.error, retryAfter: left > 0 ? left : undefined }
  }
  if (isInFlight(state, now)) {
    return { _tag: "Wait", until: isLive(state, now) ? state.suspectUntil! : state.acquisition.overdueAt }
  }
  return until !== undefined && left > 0 ? { _tag: "Sleep", until } : { _tag: "Retry" }
}

/**
 * What a request gets if the API rejected its token: the token with which to send
 * it again, or why that does not help.
 *
 * @category answers
 * @since 0.1.0
 */
export const replacement = <T, E>(
  state: State<T, E>,
  caller: Caller<E> & {
    /** The token that the request was sent with last. */
    readonly rejected: T
    /** Whether it was sent with that token more than once. */
    readonly isRepeated: boolean
  },
  now: Instant
): Answer<T, E> => {
  if (!isLive(state, now)) return answer(state, caller, now)
  if (state.cached.token !== caller.rejected) return found(state.cached.token)
  const { waited } = caller
  if (waited === undefined && isInFlight(state, now)) return { _tag: "Wait", until: state.acquisition.overdueAt }
  // The acquisition brought the same token again.
  if (waited !== undefined && waited.failure === undefined) {
    return { _tag: "Failure", error: undefined, retryAfter: undefined }
  }
  if (!caller.isRepeated) return found(state.cached.token)
  const left = replacementLeft(state, false, now)
  const wait = isInForce(state.backoff, now)
    ? state.backoff
    // The acquisition for this rejection found the credentials unchanged.
    : left === 0 && isInForce(state.refusal, now)
    ? state.refusal
    : undefined
  // Without a wait, the last acquisition failed, and its backoff or refusal has just ended.
  const error = waited?.failure?.error ?? wait?.error ?? (left === 0 ? state.lastError : undefined)
  const retryAfter = error === undefined ? left : wait === undefined ? 0 : millisUntil(wait.until, now)
  return { _tag: "Failure", error, retryAfter: retryAfter > 0 ? retryAfter : undefined }
}

/**
 * Until when every caller gets the token in use without a transition; `undefined`
 * if there is none.
 *
 * @category getters
 * @since 0.1.0
 */
export const usableUntil = <T, E>({ cached, suspectUntil }: State<T, E>): Instant | undefined =>
  suspectUntil === undefined ? cached?.renewAt : undefined

/**
 * How long the next attempt would wait if the acquisition in flight failed, in milliseconds.
 *
 * @category getters
 * @since 0.1.0
 */
export const retryDelay = <T, E>(
  state: State<T, E>,
  retryAfter: number | undefined,
  random: number,
  now: Instant
): number => Policy.retryDelay(state.policy, state.failures + 1, retryAfter, random, millisLeft(state, now))

const millisLeft = <T, E>(state: State<T, E>, now: Instant): number =>
  isLive(state, now) ? millisUntil(state.cached.expiresAt, now) : 0

/**
 * The status of a provider, as one word.
 *
 * @category getters
 * @since 0.1.0
 */
export const status = <T, E>(
  state: State<T, E>,
  now: Instant
): "empty" | "acquiring" | "valid" | "renewing" | "failed" | "expired" => {
  const live = isLive(state, now)
  if (state.acquisition !== undefined) return live ? "renewing" : "acquiring"
  if (live) return "valid"
  if (state.lastError !== undefined) return "failed"
  return state.cached === undefined ? "empty" : "expired"
}

/**
 * When the token in use is renewed; `undefined` if there is none.
 *
 * @category getters
 * @since 0.1.0
 */
export const nextRenewalAt = <T, E>(state: State<T, E>, now: Instant): Instant | undefined =>
  isLive(state, now) ? renewalAt(state, now) : undefined
