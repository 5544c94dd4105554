/** Wrong rules: each is an edit of the engine that the referee has to find. */
import type { File } from "./mutate.ts"

export interface Mutant {
  readonly name: string
  readonly file: File
  readonly from: string
  readonly to: string
}

const lifecycle = (name: string, from: string, to: string): Mutant => ({ name, file: "Lifecycle", from, to })
const policy = (name: string, from: string, to: string): Mutant => ({ name, file: "Policy", from, to })
const instant = (name: string, from: string, to: string): Mutant => ({ name, file: "Instant", from, to })

export const mutants: ReadonlyArray<Mutant> = [
  // One acquisition
  lifecycle(
    "an acquisition begins although one is in flight",
    "if (isInFlight(state, now) || isInForce(state.backoff, now)) return [state, []]\n  const id",
    "if (isInForce(state.backoff, now)) return [state, []]\n  const id"
  ),
  lifecycle(
    "an overdue acquisition is waited for",
    "state.acquisition !== undefined && !hasPassed(state.acquisition.overdueAt, now)",
    "state.acquisition !== undefined"
  ),
  lifecycle(
    "an acquisition is overdue before its time is over",
    "after(now, 2 * state.policy.acquisitionTimeout)",
    "after(now, state.policy.acquisitionTimeout / 2)"
  ),
  lifecycle(
    "a replaced acquisition may still bring its token",
    "if (state.acquisition?.id !== event.id) return [state, []]\n      const cached",
    "if (state.acquisition === undefined) return [state, []]\n      const cached"
  ),
  lifecycle(
    "the failure of a replaced acquisition counts",
    "return state.acquisition?.id === event.id\n",
    "return state.acquisition !== undefined\n"
  ),
  lifecycle(
    "a caller waits for a lost acquisition without end",
    "state.suspectUntil! : state.acquisition.overdueAt }",
    "state.suspectUntil! : after(now, 1e12) }"
  ),
  lifecycle(
    "a rejected caller waits for a lost acquisition without end",
    "return { _tag: \"Wait\", until: state.acquisition.overdueAt }\n  // The acq",
    "return { _tag: \"Wait\", until: after(now, 1e12) }\n  // The acq"
  ),
  lifecycle(
    "a token from another process leaves the own acquisition in flight",
    "return state.acquisition === undefined\n        ? [next, commands]",
    "return state.acquisition === undefined || true\n        ? [next, commands]"
  ),
  // Expiry
  instant(
    "a moment has passed when both clocks say so",
    "now.wall >= at.wall || now.mono >= at.mono",
    "now.wall >= at.wall && now.mono >= at.mono"
  ),
  instant(
    "a moment has passed when the wall clock says so",
    "now.wall >= at.wall || now.mono >= at.mono",
    "now.wall >= at.wall"
  ),
  instant(
    "a moment has passed when the monotonic clock says so",
    "now.wall >= at.wall || now.mono >= at.mono",
    "now.mono >= at.mono"
  ),
  instant(
    "a timer goes by the clock that is later",
    "Math.min(at.wall - now.wall, at.mono - now.mono)",
    "Math.max(at.wall - now.wall, at.mono - now.mono)"
  ),
  instant(
    "the earlier of two moments is the later one",
    "millisUntil(one, now) >= millisUntil(other, now)",
    "millisUntil(one, now) < millisUntil(other, now)"
  ),
  lifecycle(
    "a token's age counts from when it came",
    "expiresAt: after(startedAt, Policy.usableLifetime(policy, lifetime))",
    "expiresAt: after(startedAt, lifetime)"
  ),
  lifecycle(
    "an expired token is used",
    "state.cached !== undefined && !hasPassed(state.cached.expiresAt, now)",
    "state.cached !== undefined"
  ),
  lifecycle(
    "a token that expired before it came is used",
    "if (hasPassed(cached.expiresAt, now)) {\n        return fail",
    "if (false) {\n        return fail"
  ),
  lifecycle(
    "an expired token from another process is used",
    "hasPassed(cached.expiresAt, now) || !isNewer(state, cached, now)",
    "!isNewer(state, cached, now)"
  ),
  policy(
    "the last second of a token is used",
    "lifetime - Math.min(lastSecond, lifetime / 2) - Math.min",
    "lifetime - Math.min"
  ),
  policy("a token is used without a leeway", " - Math.min(policy.leeway, lifetime * 0.05)", ""),
  policy(
    "the leeway of a short-lived token is not limited",
    "Math.min(policy.leeway, lifetime * 0.05)",
    "policy.leeway"
  ),
  // Renewal
  policy("a token is renewed when it is out of use", "return latest * (1 - policy.jitter * random)", "return usable"),
  policy("the jitter is twice as large", "policy.jitter * random", "policy.jitter * random * 2"),
  policy("the jitter makes a renewal later", "1 - policy.jitter * random", "1 + policy.jitter * random"),
  policy(
    "the margin before expiry is not kept",
    "lifetime >= 2 * policy.minimumMargin ?",
    "lifetime < 0 ?"
  ),
  lifecycle(
    "callers within the renewal window renew nothing",
    "return hasPassed(state.cached.renewAt, now) && !isInForce(state.refusal, now)",
    "return false"
  ),
  lifecycle(
    "the timer is not set again when it went off early",
    ": [state, [{ _tag: \"WakeAt\", at }]]",
    ": [state, []]"
  ),
  lifecycle("no timer is set", "at === undefined ? [] : [{ _tag: \"WakeAt\", at }]", "[]"),
  lifecycle(
    "a timer renews although the mode is onDemand",
    "if (!hasToken(state) || state.policy.mode === \"onDemand\") return undefined",
    "if (!hasToken(state)) return undefined"
  ),
  lifecycle(
    "callers wait for a renewal",
    "state.suspectUntil === undefined || hasPassed(state.suspectUntil, now)",
    "state.acquisition === undefined"
  ),
  // Failures
  lifecycle(
    "a failed acquisition throws the token away",
    "const ended = { ...state, acquisition",
    "const ended = { ...state, cached: undefined, acquisition"
  ),
  lifecycle(
    "a failure is followed by no backoff",
    "{ ...ended, backoff: { error, until: after(now, delay) } }",
    "ended"
  ),
  lifecycle(
    "failures are not counted",
    "const failures = state.failures + 1",
    "const failures = 1"
  ),
  policy("a backoff does not double", "policy.backoffBase * 2 ** (failures - 1)", "policy.backoffBase"),
  policy("a backoff has no maximum", "    policy.backoffMaximum,\n", ""),
  policy("Retry-After is not kept", "Math.min(retryAfter ?? 0, policy.retryAfterMaximum)", "0"),
  policy(
    "any Retry-After is kept",
    "Math.min(retryAfter ?? 0, policy.retryAfterMaximum)",
    "retryAfter ?? 0"
  ),
  policy(
    "a backoff is as long with a token as without",
    "left > 0 ? Math.max(policy.backoffBase, left / 2) : Infinity",
    "Infinity"
  ),
  policy(
    "a backoff is a quarter of its step at least",
    "step * (0.5 + 0.5 * random), Math",
    "step * (0.25 + 0.5 * random), Math"
  ),
  lifecycle(
    "callers start an acquisition during the backoff",
    "if (isInFlight(state, now) || isInForce(state.backoff, now)) return [state, []]\n  const id",
    "if (isInFlight(state, now)) return [state, []]\n  const id"
  ),
  lifecycle(
    "a success leaves the failures counted",
    "    failures: 0,\n    lastError: undefined,\n    backoff,\n    refusal: undefined\n  }\n  const reported",
    "    lastError: undefined,\n    backoff,\n    refusal: undefined\n  }\n  const reported"
  ),
  lifecycle("a caller never gives up", "state.failures >= caller.giveUpAt", "false"),
  lifecycle("a caller gives up after one attempt", "state.failures >= caller.giveUpAt", "true"),
  lifecycle("a caller sleeps however long it takes", "left > policy.maximumWait", "false"),
  lifecycle("a caller gives up before its time is over", "!hasPassed(caller.retryUntil, after(now, left))", "false"),
  lifecycle("a caller goes on when its time is over", "!hasPassed(caller.retryUntil, after(now, left))", "true"),
  // Refusals
  lifecycle(
    "a refusal is a failure like any other",
    "refused: isInForce(state.refusal, now) ? state.refusal.credentials : undefined",
    "refused: undefined"
  ),
  lifecycle(
    "a refusal is kept for good",
    "refused: isInForce(state.refusal, now) ? state.refusal.credentials : undefined",
    "refused: state.refusal?.credentials"
  ),
  lifecycle(
    "a refusal of the same credentials does not double",
    "isSame ? refusal.delay : Policy.delayOfChanges(inARow)",
    "Policy.delayOfChanges(inARow)"
  ),
  lifecycle(
    "a refusal of other credentials doubles too",
    "isSame ? refusal.delay : Policy.delayOfChanges(inARow)",
    "refusal?.delay ?? 0"
  ),
  policy(
    "a refusal lasts for minutes at once",
    "Math.min(Math.max(2 * previous, firstRefusalDelay), policy.refusalTimeToLive)",
    "policy.refusalTimeToLive"
  ),
  lifecycle(
    "new credentials wait for the end of the refusal of the old ones",
    "backoff: isSame || inARow < Policy.manyRefused ? undefined : { error, until, refusedIn }",
    "backoff: { error, until, refusedIn }"
  ),
  lifecycle(
    "changed credentials are sent at once however often they are refused",
    "backoff: isSame || inARow < Policy.manyRefused ? undefined : { error, until, refusedIn }",
    "backoff: undefined"
  ),
  lifecycle(
    "credentials that changed once wait after a long refusal if others were refused before",
    "backoff: isSame || inARow < Policy.manyRefused ?",
    "backoff: inARow < Policy.manyRefused ?"
  ),
  lifecycle(
    "each refusal of the same credentials counts as one of changed credentials",
    "const inARow = isSame ? refusal.inARow : (refusal?.inARow ?? 0) + 1",
    "const inARow = (refusal?.inARow ?? 0) + 1"
  ),
  lifecycle(
    "refusals of changed credentials are not counted",
    "(refusal?.inARow ?? 0) + 1",
    "1"
  ),
  policy("the second changed secret waits", "manyRefused = 4", "manyRefused = 2"),
  policy(
    "the wait after changed credentials were refused does not grow",
    "firstRefusalDelay * 2 ** (inARow - manyRefused - 1)",
    "0"
  ),
  lifecycle(
    "callers sleep until credentials are sent that may be refused too",
    "undefined : { error, until, refusedIn }",
    "undefined : { error, until }"
  ),
  lifecycle(
    "a refusal ends the calls of those who came after the request was sent",
    "waited?.failure?.refusedIn === joined ? undefined : waited?.failure",
    "waited?.failure"
  ),
  lifecycle(
    "refused callers ask again without end",
    "completeWaiters({ error: state.refusal!.error, refusedIn: event.id })",
    "completeWaiters()"
  ),
  lifecycle(
    "the timer sends refused credentials again and again",
    "const wait = isInForce(refusal, now) ? refusal : isInForce(backoff, now) ? backoff : undefined",
    "const wait = isInForce(backoff, now) ? backoff : undefined"
  ),
  // Rejections
  lifecycle(
    "a 401 for an older token replaces the one in use",
    "isLive(state, now) && state.cached.token === event.token ?",
    "isLive(state, now) ?"
  ),
  lifecycle(
    "a rejected token is thrown away",
    "acquire({ ...state, suspectUntil }, now, token)",
    "acquire({ ...state, cached: undefined, suspectUntil }, now, token)"
  ),
  lifecycle(
    "a 401 replaces nothing",
    "const [next, commands] = acquire({ ...state, suspectUntil }, now, token)\n",
    "const [next, commands]: Transition<T, E> = [state, []]\n"
  ),
  lifecycle(
    "callers do not wait for the replacement of a suspect token",
    "return [next, [report<T, E>({ _tag: \"TokenRejected\"",
    "return [{ ...next, suspectUntil: undefined }, [report<T, E>({ _tag: \"TokenRejected\""
  ),
  policy("callers wait ten seconds for a replacement", "longestSuspicion = 1_000", "longestSuspicion = 10_000"),
  lifecycle(
    "each 401 makes callers wait for another second",
    "suspectUntil = state.suspectUntil ?? (isRefused",
    "suspectUntil = (isRefused"
  ),
  lifecycle(
    "a 401 that replaces an overdue acquisition makes callers wait for another second",
    "acquire({ ...state, suspectUntil }, now, token)",
    "acquire({ ...state, suspectUntil: isRefused ? undefined : after(now, Policy.longestSuspicion) }, now, token)"
  ),
  lifecycle(
    "a token stays suspect when its replacement failed",
    "acquisition: undefined, suspectUntil: undefined, failures, lastError",
    "acquisition: undefined, failures, lastError"
  ),
  lifecycle(
    "replacements cost no budget",
    "replacement: { at: now, delay: Policy.nextReplacementDelay(replacement.delay), isReported: false }\n  }",
    "replacement\n  }"
  ),
  lifecycle(
    "renewals cost budget",
    "acquisition?.rejected === undefined || isShared && startedAt.mono < acquisition.startedAt.mono",
    "isShared && startedAt.mono < (acquisition?.startedAt.mono ?? 0)"
  ),
  lifecycle(
    "a replacement by another process costs no budget",
    "useNext(chargeFor(state, event, now), cached, event, now)\n      return state.acquisition",
    "useNext(state, cached, event, now)\n      return state.acquisition"
  ),
  lifecycle(
    "an accepted replay gives no budget back",
    "[{ ...state, replacement: fullBudget }, []]",
    "[state, []]"
  ),
  policy(
    "the wait for the next replacement does not double",
    "Math.min(Math.max(2 * previous, firstReplacementDelay), longestReplacementDelay)",
    "firstReplacementDelay"
  ),
  policy("replacements wait for hours", "longestReplacementDelay = 3_600_000", "longestReplacementDelay = 36_000_000"),
  lifecycle(
    "a revoked token waits for the budget",
    "wasAccepted && rejectedInARow >= rejections && hasPassed",
    "false && hasPassed"
  ),
  lifecycle("one rejection makes a replacement urgent", "rejectedInARow >= rejections && hasPassed", "hasPassed"),
  lifecycle(
    "rejections of a moment make a replacement urgent",
    "rejectedInARow >= rejections && hasPassed(after(rejectedSince, millis), now)",
    "rejectedInARow >= rejections"
  ),
  lifecycle(
    "a token of another process is charged although it was requested before the rejection",
    "acquisition?.rejected === undefined || isShared && startedAt.mono < acquisition.startedAt.mono",
    "acquisition?.rejected === undefined"
  ),
  lifecycle(
    "a token that was never accepted is replaced at once",
    "wasAccepted && rejectedInARow >= rejections",
    "rejectedInARow >= rejections"
  ),
  lifecycle(
    "a 401 in the last second costs budget",
    "if (wasAccepted && hasPassed(after(cached.startedAt, cached.lifetime - Policy.lastSecond), now)) {",
    "if (false) {"
  ),
  lifecycle(
    "a rejected request is sent again with its own token for ever",
    "if (!caller.isRepeated) return found(state.cached.token)\n",
    "return found(state.cached.token)\n"
  ),
  lifecycle(
    "a rejected request is not sent again when its token stays in use",
    "if (!caller.isRepeated) return found(state.cached.token)\n",
    ""
  ),
  lifecycle(
    "a request is sent again with a token that was handed out once more",
    "if (waited !== undefined && waited.failure === undefined) {",
    "if (false) {"
  ),
  lifecycle(
    "a rejected request does not wait for the acquisition",
    "if (waited === undefined && isInFlight(state, now)) return",
    "if (false && isInFlight(state, now)) return"
  ),
  // The same token once more
  lifecycle("the same token counts as a new one", "state.cached?.token === next.token\n    ?", "false\n    ?"),
  lifecycle("a token that lasts longer counts as the same one", "gain > 2 * Policy.lastSecond", "false"),
  lifecycle("the same token is renewed again at once", "{ ...kept, renewAt }", "{ ...kept, renewAt: again.renewAt }"),
  lifecycle("the same token is not renewed before it is out of use", "-Policy.lastSecond * (1 + event.random)", "0"),
  lifecycle(
    "a server that has no other token is asked again and again",
    "now, { error: event.errorIfLate(), until })",
    "now)"
  ),
  lifecycle(
    "a server that has no other token is asked again when its token is out of use",
    "later(endOf(cached), endOf(again), now), Policy.last",
    "expiresAt, Policy.last"
  ),
  lifecycle(
    "a token that is handed out again is out of use earlier than is said now",
    "later(cached.expiresAt, again.expiresAt, now)",
    "cached.expiresAt"
  ),
  // Sharing
  lifecycle(
    "a version that is not later counts as newer",
    "next.version > cached.version",
    "next.version >= cached.version"
  ),
  lifecycle("a token outside of the store forgets the store", "Math.max(version, cached?.version ?? 0)", "version"),
  lifecycle("a token of the store may be any", "laterThan: state.cached?.version ?? 0", "laterThan: 0"),
  // Waiters
  lifecycle(
    "waiters are resumed before the timer is set",
    "[reported, ...wake(next, now), completeWaiters()]",
    "[reported, completeWaiters(), ...wake(next, now)]"
  ),
  lifecycle(
    "waiters of a failure are forgotten",
    "[reported, ...wake(next, now), completeWaiters({ error, refusedIn })]",
    "[reported, ...wake(next, now)]"
  ),
  lifecycle(
    "the warm path goes on with a suspect token",
    "suspectUntil === undefined ? cached?.renewAt : undefined",
    "cached?.renewAt"
  ),
  lifecycle(
    "a good token hides that the acquisition is overdue",
    "if (state.acquisition !== undefined) return !isInFlight(state, now)",
    "if (state.acquisition !== undefined) return false"
  ),
  lifecycle(
    "callers read refused credentials again and again although the token is good",
    "return hasPassed(state.cached.renewAt, now) && !isInForce(state.refusal, now)",
    "return hasPassed(state.cached.renewAt, now)"
  ),
  lifecycle(
    "callers wait for refused credentials",
    "isRefused ? undefined : after(now, Policy.longestSuspicion)",
    "after(now, Policy.longestSuspicion)"
  ),
  lifecycle(
    "callers wait for refused credentials after the second 401",
    "return [{ ...state, suspectUntil }, []]",
    "return [{ ...state, suspectUntil: suspectUntil ?? after(now, Policy.longestSuspicion) }, []]"
  ),
  lifecycle(
    "an acquisition in place of an overdue one costs no budget",
    "rejected: T | undefined = state.acquisition?.rejected",
    "rejected: T | undefined = undefined"
  ),
  policy(
    "a token that died waits a minute however often others were replaced in vain",
    "Math.min(delay, Math.max(delay / 8, firstReplacementDelay))",
    "Math.min(delay, firstReplacementDelay)"
  )
]
