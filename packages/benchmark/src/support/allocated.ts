import { getHeapStatistics } from "node:v8"
import type { HeapInfo } from "node:v8"

/** Since the process began, collected or not. The types of Node 24 do not know it yet. */
const total = (): number => {
  const statistics: HeapInfo & { readonly total_allocated_bytes?: number } = getHeapStatistics()
  return statistics.total_allocated_bytes ?? Number.NaN
}

/** How many bytes are allocated on the heap while it runs. */
export const allocated = async (run: () => Promise<void>): Promise<number> => {
  const before = total()
  await run()
  return total() - before
}
