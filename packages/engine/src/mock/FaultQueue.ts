/**
 * The faults that a test queues for requests to the mock of Spotnana.
 *
 * @since 0.1.0
 */

/**
 * The faults that wait for requests, first in, first out.
 *
 * @category models
 * @since 0.1.0
 */
export interface FaultQueue<Fault> {
  readonly add: (fault: Fault, times: number) => void
  readonly take: () => Fault | undefined
  readonly clear: () => void
}

/**
 * A queue without faults.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Fault>(): FaultQueue<Fault> => {
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
