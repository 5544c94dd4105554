// What went wrong, and how often.
import { count } from "./format.ts"

/** What went wrong with a call; `undefined` if nothing did. */
export type Failure = string | undefined

/** The number of failures of each kind. */
export type Failures = Map<string, number>

const longest = 120

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error).slice(0, longest)
  if (error.cause instanceof Error) return reasonOf(error.cause)
  if ("code" in error && typeof error.code === "string") return error.code
  return (error.message.split("\n", 1)[0] || error.name).slice(0, longest).replace(/\.$/, "")
}

/** A request by its status: anything but 200 is a failure. */
export const requested = async (status: Promise<number>): Promise<Failure> => {
  const answered = await status
  return answered === 200 ? undefined : `status ${answered}`
}

/** Never rejects. */
export const settled = async (call: () => Promise<Failure>): Promise<Failure> => {
  try {
    return await call()
  } catch (error) {
    return reasonOf(error)
  }
}

export const note = (failures: Failures, failure: Failure, times = 1): void => {
  if (failure !== undefined && times > 0) failures.set(failure, (failures.get(failure) ?? 0) + times)
}

export const total = (failures: Failures): number => [...failures.values()].reduce((sum, times) => sum + times, 0)

/** For the notes below a table: a sentence for each client that had failures. */
export const explained = (of: ReadonlyArray<readonly [name: string, failures: Failures]>): ReadonlyArray<string> =>
  of.filter(([, failures]) => failures.size > 0).map(([name, failures]) => {
    const reasons = [...failures].toSorted(([, a], [, b]) => b - a).slice(0, 3)
    return `Failures of ${name}: ${reasons.map(([reason, times]) => `${count(times)} × ${reason}`).join(", ")}.`
  })
