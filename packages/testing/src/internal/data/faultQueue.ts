import type { Fault } from "../../Fault.ts"

/** The faults that wait for requests, first in, first out. */
export interface FaultQueue {
  readonly add: (fault: Fault, times: number) => void
  readonly take: () => Fault | undefined
  readonly clear: () => void
}

export const make = (): FaultQueue => {
  let waiting: Array<{ readonly fault: Fault; left: number }> = []
  return {
    add: (fault, times) => {
      if (times > 0) waiting.push({ fault, left: times })
    },
    take: () => {
      const head = waiting[0]
      if (head === undefined) return undefined
      head.left -= 1
      if (head.left <= 0) waiting.shift()
      return head.fault
    },
    clear: () => {
      waiting = []
    }
  }
}
