import { setTimeout } from "node:timers/promises"
import { inspect, isDeepStrictEqual } from "node:util"

/** What a scenario expected, and what was found instead. */
export class Violation extends Error {
  readonly expected: string

  constructor(expected: string, found: string) {
    super(`Expected ${expected}.\nFound: ${found}`)
    this.expected = expected
  }
}

/** Waits for a promise, and fails with its name if it does not resolve within this many milliseconds. */
export const within = async <A>(longest: number, what: string, promise: Promise<A>): Promise<A> => {
  const timer = new AbortController()
  const late = setTimeout(longest, undefined, { signal: timer.signal }).then(() => {
    throw new Violation(what, `nothing within ${longest / 1000} seconds`)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    late.catch(() => {})
    timer.abort()
  }
}

/** Compares what was found with what was expected. */
export const expectEqual = (what: string, found: unknown, expected: unknown): void => {
  if (!isDeepStrictEqual(found, expected)) throw new Violation(`${what}: ${inspect(expected)}`, inspect(found))
}

export const expectThat = (what: string, holds: boolean, found: unknown): void => {
  if (!holds) throw new Violation(what, inspect(found))
}
