// The process in which tenants are kept and measured. Its argument is the name of the client.
import { setTimeout as sleep } from "node:timers/promises"
import { Bench } from "tinybench"
import { serve } from "./child.ts"
import { settingOf } from "./server.ts"
import { tenantsOf } from "./tenantsOf.ts"

/** How many are looked up or asked in one batch, so that reading the clock costs nothing. */
const batch = 10_000

/** Nanoseconds each. */
export interface Times {
  /** A token of a random one. */
  readonly get: number
  /** To look up a random one. */
  readonly lookUp: number
}

const tenancy = await tenantsOf(process.argv[2]!, settingOf("http://127.0.0.1:4801", { stubbed: true }))
let opened = 0

/** The heap in use after garbage collection, also of what finalizers release. */
const heapUsed = async (): Promise<number> => {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}

const someOf = (count: number): Uint32Array =>
  Uint32Array.from({ length: batch }, () => Math.floor(Math.random() * count))

/** The bytes that remain after an action. The first action leaves some kilobytes. */
const bytesThatStay = async (run: () => Promise<void>): Promise<number> => {
  await heapUsed()
  const before = await heapUsed()
  await run()
  return await heapUsed() - before
}

const api = {
  /**
   * Makes this many tenants and returns the bytes that they take. Before that, `passing` tenants come and go, so that
   * code that runs only once has run.
   */
  open: async ({ count, passing }: { readonly count: number; readonly passing: number }): Promise<number> => {
    await tenancy.pass(passing)
    opened = count
    return bytesThatStay(() => tenancy.open(count))
  },
  /** This many come and go. Returns the bytes that remain. */
  pass: ({ count, passing }: { readonly count: number; readonly passing: number }): Promise<number> =>
    tenancy.pass(passing).then(() => bytesThatStay(() => tenancy.pass(count))),
  /** Runs a round of each, for this many milliseconds. */
  time: async (millis: number): Promise<Times> => {
    const bench = new Bench({ time: millis, iterations: 2, warmupTime: millis / 4, warmupIterations: 1, throws: true })
    const random = someOf(opened)
    bench.add("get", () => tenancy.get(random)).add("lookUp", () => tenancy.lookUp(random))
    await bench.run()
    const nanos = (name: string): number => {
      const result = bench.getTask(name)?.result
      return result !== undefined && "latency" in result ? result.latency.p50 * 1e6 / batch : Number.NaN
    }
    return { get: nanos("get"), lookUp: nanos("lookUp") }
  }
}

export type TenantsApi = typeof api

serve(api)
