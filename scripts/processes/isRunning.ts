import { readFileSync } from "node:fs"

/** Whether a process runs, on Linux. One that has ended but that nobody has waited for is still in the table. */
export const isRunning = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}
