/** A random history of one to four processes, made from a seed; and what becomes of it. */
import type { Policy } from "../../src/Policy.ts"
import type { Engine } from "./engine.ts"
import type { Situations } from "./model.ts"
import { Violation } from "./model.ts"
import type { Random } from "./random.ts"
import { makeRandom } from "./random.ts"
import type { Kind, Options } from "./shell.ts"
import { Process } from "./shell.ts"
import type { Api, Endpoint, Source } from "./world.ts"
import { World } from "./world.ts"

/** What happens next, after so many milliseconds. */
export type Step = { readonly after: number; readonly process: number } & Act
type Act =
  | { readonly act: "call"; readonly kind: Kind; readonly times: number }
  | { readonly act: "api"; readonly set: Partial<Api> }
  | { readonly act: "endpoint"; readonly set: Partial<Endpoint> }
  | { readonly act: "source"; readonly set: Partial<Source> }
  | { readonly act: "secrets"; readonly secrets: Source["secrets"] }
  | { readonly act: "store"; readonly isDown: boolean; readonly notifiesAfter: number | undefined }
  | { readonly act: "revoke" }
  | { readonly act: "rotate"; readonly validAfter: number; readonly oldEnds: boolean }
  /** After so many more events: right before, between and after those of a request. */
  | { readonly act: "clock" | "freeze" | "sleep"; readonly millis: number; readonly events: number }
  | { readonly act: "loseTimer" | "loseAcquisition" | "repeatEvents" }

export interface History {
  readonly seed: number
  readonly processes: number
  readonly policy: Policy
  readonly lifetime: number
  readonly steps: ReadonlyArray<Step>
}

const lifetimes = [1_000, 2_000, 3_000, 10_000, 60_000, 120_000, 600_000, 3_600_000, 3_600_000, 86_400_000]

const makeAct = (random: Random, processes: number, lifetime: number): Act => {
  const draw = random.next()
  if (draw < 0.55) {
    return {
      act: "call",
      kind: random.chance(0.25) ? "forbidden" : "ok",
      times: random.chance(0.7) ? 1 : random.integer(2, 4)
    }
  }
  if (draw < 0.63) {
    const mode = random.pick(["ok", "ok", "ok", "fail", "fail", "refuse", "hang"] as const)
    return {
      act: "endpoint",
      set: {
        mode,
        latency: random.pick([0, 10, 50, 400, 2_000]),
        retryAfter: random.chance(0.5) ? undefined : random.pick([1_000, 5_000, 30_000, 90_000, 3_600_000])
      }
    }
  }
  if (draw < 0.66) {
    return {
      act: "endpoint",
      set: {
        lifetime: random.chance(0.5) ? lifetime : random.pick(lifetimes),
        isSame: random.chance(0.4),
        isExclusive: random.chance(0.3)
      }
    }
  }
  if (draw < 0.72) {
    const mode = random.pick(["healthy", "healthy", "rejectAll", "badReplica"] as const)
    return {
      act: "api",
      set: { mode, replicas: random.pick([2, 3, 8, 16]), latency: random.pick([2, 20, 200, 2_000]) }
    }
  }
  if (draw < 0.76) return { act: "revoke" }
  if (draw < 0.79) {
    return { act: "rotate", validAfter: random.pick([0, 0, 2_000, 10_000]), oldEnds: random.chance(0.7) }
  }
  if (draw < 0.8) return { act: "secrets", secrets: random.pick(["one", "inTurn", "anew"] as const) }
  if (draw < 0.82) {
    return {
      act: "source",
      set: { mode: random.pick(["ok", "ok", "fail", "hang"] as const), latency: random.pick([0, 0, 5, 300]) }
    }
  }
  if (draw < 0.84 && processes > 1) {
    return {
      act: "store",
      isDown: random.chance(0.3),
      notifiesAfter: random.chance(0.3) ? undefined : random.pick([1, 40, 3_000])
    }
  }
  const events = random.integer(0, 6)
  if (draw < 0.9) {
    const millis = random.pick([500, 5_000, 60_000, 600_000, 3_600_000, 86_400_000]) * random.pick([1, -1])
    return { act: "clock", millis, events }
  }
  if (draw < 0.92) return { act: "freeze", millis: random.pick([800, 10_000, 40_000, 600_000]), events }
  if (draw < 0.94) return { act: "sleep", millis: random.pick([5_000, 60_000, 3_600_000]), events }
  return { act: random.pick(["loseTimer", "loseAcquisition", "repeatEvents", "repeatEvents"] as const) }
}

const makeGap = (random: Random, lifetime: number): number => {
  const draw = random.next()
  const gap = draw < 0.3
    ? 0
    : draw < 0.5
    ? random.integer(1, 60)
    : draw < 0.65
    ? random.integer(100, 1_200)
    : draw < 0.75
    ? random.integer(1_200, 12_000)
    : draw < 0.83
    ? 60_000
    : draw < 0.85
    ? 600_000
    : Math.round(Math.min(lifetime, random.chance(0.03) ? Infinity : 7_200_000) * random.next())
  // Renewals of short-lived tokens are many in a long time, and each is like the others.
  return Math.min(gap, 8 * lifetime)
}

export const makeHistory = (seed: number): History => {
  const random = makeRandom(seed)
  const processes = random.chance(0.8) ? 1 : random.integer(2, 4)
  const lifetime = random.pick(lifetimes)
  let shortest = lifetime
  const steps = Array.from({ length: random.integer(10, 40) }, (): Step => {
    const after = makeGap(random, shortest)
    const act = makeAct(random, processes, lifetime)
    if (act.act === "endpoint") shortest = Math.min(shortest, act.set.lifetime ?? shortest)
    return { after, process: random.integer(0, processes - 1), ...act }
  })
  const policy: Policy = {
    mode: random.chance(0.75) ? "background" : "onDemand",
    renewAt: 0.8,
    jitter: 0.1,
    minimumMargin: 60_000,
    leeway: 5_000,
    backoffBase: 500,
    backoffMaximum: 60_000,
    // Shorter than the defaults, so that a history gets past them.
    retryAfterMaximum: 120_000,
    attempts: random.integer(1, 3),
    maximumWait: 5_000,
    refusalTimeToLive: 60_000,
    acquisitionTimeout: 15_000,
    retryFor: random.pick([0, 0, 20_000])
  }
  return { seed, processes, policy, lifetime, steps }
}

const perform = (world: World, processes: ReadonlyArray<Process>, step: Step): void => {
  const process = processes[step.process]!
  const disturbAll = () => {
    for (const each of processes) each.disturb()
  }
  switch (step.act) {
    case "call":
      for (let times = step.times; times > 0; times--) process.call(step.kind)
      return
    case "api":
      return void Object.assign(world.api, step.set)
    case "endpoint":
      disturbAll()
      return void Object.assign(world.endpoint, step.set)
    case "source":
      disturbAll()
      return void Object.assign(world.source, step.set)
    case "secrets":
      disturbAll()
      return world.setSecrets(step.secrets)
    case "store":
      disturbAll()
      return void Object.assign(world.store!, { isDown: step.isDown, notifiesAfter: step.notifiesAfter })
    case "revoke":
      return world.revokeAll()
    case "rotate":
      disturbAll()
      return world.rotate(step.validAfter, step.oldEnds)
    case "clock":
      world.intervention = { after: step.events, run: () => process.setClock(step.millis) }
      return
    case "freeze":
      world.intervention = { after: step.events, run: () => process.freeze(step.millis) }
      return
    case "sleep":
      world.intervention = { after: step.events, run: () => process.sleep(step.millis) }
      return
    case "loseTimer":
      return process.loseTimer()
    case "loseAcquisition":
      return process.loseAcquisition()
    case "repeatEvents":
      return process.repeatEvents()
  }
}

const makeWell = (world: World): void => {
  Object.assign(world.api, { mode: "healthy", latency: 20 })
  Object.assign(world.endpoint, { mode: "ok", latency: 50, lifetime: 86_400_000, isExclusive: false })
  Object.assign(world.source, { mode: "ok", latency: 0 })
  if (world.source.secrets !== "one") world.setSecrets("one")
  if (world.store !== undefined) world.store.isDown = false
  world.validUntil.clear()
  world.validFrom.clear()
  world.intervention = undefined
}

// Longer than every wait that the policy of a history knows; and than the longest between two replacements.
const everyCallEnds = 600_000
const everyHoldEnds = 3_700_000

/** Runs a history to its end, when all is well again. Throws the first `Violation`. */
export const runHistory = (
  engine: Engine,
  history: History,
  situations: Situations,
  onTransition?: Options["onTransition"]
): number => {
  const { policy, seed } = history
  const world = new World(makeRandom(~seed), history.processes > 1)
  world.endpoint.lifetime = history.lifetime
  const processes = Array.from(
    { length: history.processes },
    () => new Process({ engine, world, policy, situations, onTransition })
  )
  for (const process of processes) process.peers = processes
  for (const step of history.steps) {
    world.advance(step.after)
    perform(world, processes, step)
  }
  makeWell(world)
  for (const process of processes) process.disturb()
  world.advance(Math.max(0, ...processes.map(({ frozenUntil }) => frozenUntil - world.now)) + everyCallEnds)
  for (const { open } of processes) {
    if (open > 0) throw new Violation(12, `${open} calls are not answered although all is well`)
  }
  world.advance(everyHoldEnds)
  // A process that missed what happened in the store may find a token there that is as dead as its own: once.
  if (history.steps.some((step) => step.act === "store")) {
    for (const process of processes) process.call("ok")
    world.advance(everyHoldEnds)
  }
  for (const process of processes) {
    process.call("ok", (outcome) => {
      if (outcome !== "accepted") throw new Violation(7, `a call ends with ${outcome} an hour after all is well`)
    })
    world.advance(60_000)
    if (process.open > 0) throw new Violation(12, "a call is not answered an hour after all is well")
  }
  return world.events
}

/** A history that breaks an invariant, without the steps that it breaks it without. */
export interface Found {
  readonly index: number
  readonly history: History
  readonly violation: Violation
}

const violationOf = (engine: Engine, history: History): Violation | undefined => {
  try {
    runHistory(engine, history, new Map())
  } catch (error) {
    if (error instanceof Violation) return error
    // A crash is not what the referee finds, and is shown as it is.
    throw error
  }
  return undefined
}

const shrink = (engine: Engine, history: History, { invariant }: Violation): History => {
  let smallest = history
  for (let size = Math.ceil(history.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < smallest.steps.length;) {
      const steps = smallest.steps.toSpliced(from, size)
      const smaller = { ...smallest, steps }
      if (violationOf(engine, smaller)?.invariant === invariant) smallest = smaller
      else from += size
    }
  }
  return smallest
}

export interface Run {
  readonly histories: number
  readonly events: number
  readonly situations: Situations
  readonly found: Found | undefined
}

/** Runs so many histories from `seed` on, until one breaks an invariant or the time is over. */
export const simulate = (options: {
  readonly engine: Engine
  readonly histories: number
  readonly seed: number
  readonly isOver?: (() => boolean) | undefined
  readonly isShrunk?: boolean | undefined
  readonly onTransition?: Options["onTransition"]
}): Run => {
  const { engine, histories, isOver, isShrunk = true, onTransition, seed } = options
  const situations: Situations = new Map()
  let events = 0
  for (let index = 0; index < histories; index++) {
    if (index % 100 === 99 && isOver?.() === true) return { histories: index, events, situations, found: undefined }
    const history = makeHistory(seed * 1_000_003 + index)
    try {
      events += runHistory(engine, history, situations, onTransition)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      if (!isShrunk) {
        return { histories: index + 1, events, situations, found: { index, history, violation: error } }
      }
      const smallest = shrink(engine, history, error)
      const violation = violationOf(engine, smallest)!
      return { histories: index + 1, events, situations, found: { index, history: smallest, violation } }
    }
  }
  return { histories, events, situations, found: undefined }
}

/** What a person needs to understand it. */
export const describe = ({ history, index, violation }: Found): string => {
  const { steps, ...setting } = history
  return [
    violation.message,
    `in history ${index}, seed ${history.seed}, shrunk to:`,
    JSON.stringify(setting),
    ...steps.map((step) => JSON.stringify(step))
  ].join("\n")
}
