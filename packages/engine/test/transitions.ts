/** Which phases a provider goes through, and why: counted in the histories of the simulation. */
import type { Instant } from "../src/Instant.ts"
import { hasPassed } from "../src/Instant.ts"
import { isLive, isUsable } from "../src/Lifecycle.ts"
import type { Event, State } from "../src/State.ts"
import { engine } from "./simulation/engine.ts"
import { makeHistory, runHistory } from "./simulation/history.ts"

export const phases = [
  "empty",
  "acquiring",
  "backing off",
  "refused",
  "valid",
  "renewing",
  "suspect",
  "expired"
] as const

export type Phase = (typeof phases)[number]

/** `Time`: a moment passed, and nothing happened. */
export type Cause = Event<never, never>["_tag"] | "Time"

export interface Edge {
  readonly from: Phase
  readonly to: Phase
  readonly causes: ReadonlyArray<Cause>
}

const phaseOf = <T, E>(state: State<T, E>, now: Instant): Phase => {
  const { acquisition, backoff, cached, refusal } = state
  const isInFlight = acquisition !== undefined && !hasPassed(acquisition.overdueAt, now)
  if (isLive(state, now)) return !isUsable(state, now) ? "suspect" : isInFlight ? "renewing" : "valid"
  if (isInFlight) return "acquiring"
  const isRefused = backoff?.refusedIn !== undefined
  if (backoff !== undefined && !isRefused && !hasPassed(backoff.until, now)) return "backing off"
  if (refusal !== undefined && !hasPassed(refusal.until, now)) return "refused"
  return cached === undefined ? "empty" : "expired"
}

// Clocks that are set, and what is lost, lead from everywhere to everywhere.
const calm = new Set(["call", "api", "endpoint", "source", "secrets", "store", "revoke", "rotate"])
const histories = 3_000
const leastShare = 0.005

/** What happened in at least one of two hundred of the transitions out of a phase. */
export const edges = (): ReadonlyArray<Edge> => {
  const counts = new Map<Phase, Map<Phase, Map<Cause, number>>>()
  const count = (from: Phase, to: Phase, cause: Cause) => {
    if (from === to) return
    const targets = counts.get(from) ?? new Map<Phase, Map<Cause, number>>()
    const causes = targets.get(to) ?? new Map<Cause, number>()
    causes.set(cause, (causes.get(cause) ?? 0) + 1)
    counts.set(from, targets.set(to, causes))
  }
  for (let seed = 0; seed < histories; seed++) {
    const history = makeHistory(seed)
    const steps = history.steps.filter(({ act }) => calm.has(act))
    const left = new Map<unknown, Phase>()
    runHistory(engine, { ...history, steps }, new Map(), (before, event, after, now) => {
      const from = phaseOf(before, now)
      const to = phaseOf(after, now)
      const last = left.get(before)
      if (last !== undefined) count(last, from, "Time")
      count(from, to, event._tag)
      left.delete(before)
      left.set(after, to)
    })
  }
  return phases.flatMap((from) => {
    const targets = counts.get(from) ?? new Map<Phase, Map<Cause, number>>()
    const total = [...targets.values()].flatMap((causes) => [...causes.values()]).reduce((sum, each) => sum + each, 0)
    return phases.flatMap((to): ReadonlyArray<Edge> => {
      const causes = [...targets.get(to) ?? []].filter(([, times]) => times >= leastShare * total)
      return causes.length === 0 ? [] : [{ from, to, causes: causes.map(([cause]) => cause).toSorted() }]
    })
  })
}
