import * as Effect from "effect/Effect"
import { usageFailure } from "../../exitCode.ts"
import type { Failure } from "../../exitCode.ts"
import type { Recorded } from "./record.ts"

const isRunning = (pid: number | undefined): boolean => {
  if (pid === undefined || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // This user may not signal the process, but it exists.
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Fails while the process of a rotation exists. */
export const assertEnded = (
  { place, rotation: { clientId, pid, startedAt } }: Recorded
): Effect.Effect<void, Failure> =>
  isRunning(pid)
    ? Effect.fail(usageFailure(
      `A rotation of ${clientId} began at ${startedAt}, and process ${pid} is running it. If that process is now another ` +
        `program, remove "pid" from ${place}.`
    ))
    : Effect.void
