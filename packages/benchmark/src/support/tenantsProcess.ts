// The process in which tenants are held and measured. Its argument is whose they are.
import { setTimeout as sleep } from "node:timers/promises"
import { Bench } from "tinybench"
import { serve } from "./child.ts"
import { settingOf } from "./server.ts"
import { tenantsOf } from "./tenantsOf.ts"

/** How many are looked up or asked in one batch, so that the clock costs nothing. */
const batch = 10_000

/** Nanoseconds each. */
export interface Times {
  /** A token of the same tenant time and again. */
  readonly same: number
  /** A token of a random one. */
  readonly random: number
  /** To look up a random one. */
  readonly lookUp: number
}

const tenancy = tenantsOf(process.argv[2]!, settingOf("http://127.0.0.1:4801", { stubbed: true }))
let opened = 0

/** What is in use once garbage, and what finalizers make of it, is gone. */
const heapUsed = async (): Promise<number> => {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}

const someOf = (count: number): Uint32Array =>
  Uint32Array.from({ length: batch }, () => Math.floor(Math.random() * count))

const api = {
  /** Makes so many tenants: the bytes that they take. What runs only once runs before, for `passing` that go again. */
  open: async ({ count, passing }: { readonly count: number; readonly passing: number }): Promise<number> => {
    await tenancy.pass(passing)
    // The first time leaves some kilobytes of its own.
    await heapUsed()
    const before = await heapUsed()
    await tenancy.open(count)
    opened = count
    return await heapUsed() - before
  },
  /** A round of each, for so many milliseconds. */
  time: async (millis: number): Promise<Times> => {
    const bench = new Bench({ time: millis, iterations: 2, warmupTime: millis / 4, warmupIterations: 1, throws: true })
    const [same, random] = [new Uint32Array(batch), someOf(opened)]
    bench
      .add("same", () => tenancy.get(same))
      .add("random", () => tenancy.get(random))
      .add("lookUp", () => tenancy.lookUp(random))
    await bench.run()
    const nanos = (name: string): number => {
      const result = bench.getTask(name)?.result
      return result !== undefined && "latency" in result ? result.latency.p50 * 1e6 / batch : Number.NaN
    }
    return { same: nanos("same"), random: nanos("random"), lookUp: nanos("lookUp") }
  },
  /** Nothing for so many milliseconds: the microseconds of CPU per second. */
  idle: async (millis: number): Promise<number> => {
    const before = process.cpuUsage()
    const from = performance.now()
    await sleep(millis)
    const { system, user } = process.cpuUsage(before)
    return (system + user) / ((performance.now() - from) / 1000)
  }
}

export type TenantsApi = typeof api

serve(api)
