// The two kinds of load: all at once, and steady.
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import type { Failure, Failures } from "./failures.ts"
import { note, settled } from "./failures.ts"

/** One call of a client; rejections are failures too. */
export type Call = () => Promise<Failure>

/** How long to wait for an answer after the last call, in milliseconds. */
const patience = 60_000
const unanswered = `no answer within ${patience / 1000} s`

const until = async (done: () => boolean): Promise<void> => {
  const giveUpAt = performance.now() + patience
  while (!done() && performance.now() < giveUpAt) await sleep(5)
}

/** The result of calls that were made at once. Times are those of `performance.now`. */
export interface Rush {
  readonly startedAt: number
  /** When the last one ended. */
  readonly endedAt: number
  readonly failures: Failures
}

/** Makes `count` calls without a pause between them, and waits until all have ended. */
export const atOnce = async (count: number, call: Call): Promise<Rush> => {
  const failures: Failures = new Map()
  let left = count
  const startedAt = performance.now()
  let endedAt = startedAt
  for (let made = 0; made < count; made++) {
    void settled(call).then((failure) => {
      endedAt = performance.now()
      left -= 1
      note(failures, failure)
    })
  }
  await until(() => left === 0)
  note(failures, unanswered, left)
  return { startedAt, endedAt: left === 0 ? endedAt : performance.now(), failures }
}

/** The result of one client's share of a steady load. */
export interface Lane {
  /** The latency of each turn, in milliseconds since its planned time, also of failed calls. */
  readonly latencies: Float64Array
  readonly failures: Failures
}

/** A steady load on several clients, and how busy this process was with it: 0 to 1. */
export interface Load {
  readonly lanes: ReadonlyArray<Lane>
  readonly busy: number
}

/** Numbers from 0 to 1, the same ones each time. */
const chance = (seed: number) => (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

const shuffle = (order: Array<number>, random: () => number): void => {
  for (let last = order.length - 1; last > 0; last--) {
    const drawn = Math.floor(random() * (last + 1))
    const moved = order[last]!
    order[last] = order[drawn]!
    order[drawn] = moved
  }
}

/**
 * An open load: each call has a planned time, whether or not earlier calls have ended, and its latency counts from that
 * time. In each turn, every client makes one call, one after the other at equal intervals. The order is random in each
 * turn, so that no client always follows the same one.
 */
export const steadily = async (
  calls: ReadonlyArray<Call>,
  { perSecond, turns }: { readonly perSecond: number; readonly turns: number }
): Promise<Load> => {
  const lanes = calls.map((): Lane => ({
    latencies: new Float64Array(turns).fill(Number.NaN),
    failures: new Map()
  }))
  const distance = 1000 / (perSecond * calls.length)
  const random = chance(1)
  const order = calls.map((_, lane) => lane)
  let left = turns * calls.length
  const before = performance.eventLoopUtilization()
  const start = performance.now()
  let due = start
  for (let turn = 0; turn < turns; turn++) {
    shuffle(order, random)
    for (const index of order) {
      const at = due
      const lane = lanes[index]!
      while (performance.now() < at) await sleep(Math.ceil(at - performance.now()))
      void settled(calls[index]!).then((failure) => {
        lane.latencies[turn] = performance.now() - at
        left -= 1
        note(lane.failures, failure)
      })
      due += distance
    }
  }
  const busy = performance.eventLoopUtilization(before).utilization
  await until(() => left === 0)
  for (const { failures, latencies } of lanes) {
    note(failures, unanswered, latencies.filter(Number.isNaN).length)
    latencies.forEach((latency, turn) => {
      if (Number.isNaN(latency)) latencies[turn] = patience
    })
  }
  return { lanes, busy }
}
