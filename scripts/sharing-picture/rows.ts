// What of a recording is worth a row of the picture, and what is one row.
import type { Event, Process } from "./run.ts"

/** The same at the same time, of one process or of several. */
export interface Row extends Omit<Event, "process"> {
  readonly processes: ReadonlyArray<Process>
}

/** A process that waits for the lease tries as often; one that tries sooner was woken by a change. */
const pollTime = 1000

/** Without what a process finds again: what it has found or written before, and the lease with the same holder. */
const withoutRepeats = (events: ReadonlyArray<Event>): ReadonlyArray<Event> => {
  let holder: Process | undefined
  const found = new Map<Process, string>()
  const tried = new Map<
    Process,
    { readonly holder: Process | undefined; readonly at: number; readonly polls: boolean }
  >()
  return events.flatMap((event) => {
    const { at, label, process } = event
    const [, token] = /^write (token \d+)(?!.*refused)/.exec(label) ?? []
    if (token !== undefined) found.set(process, `read: ${token}`)
    if (label.startsWith("read: ")) {
      if (found.get(process) === label) return []
      found.set(process, label)
    }
    if (label.startsWith("lease: granted")) holder = process
    if (label === "lease: held by another") {
      const before = tried.get(process)
      const isAgain = before !== undefined && before.holder === holder
      const polls = isAgain && (before.polls || at - before.at >= pollTime)
      tried.set(process, { holder, at, polls })
      if (isAgain) return polls && !before.polls ? [{ ...event, label: "lease, every second: still held" }] : []
    }
    return [event]
  })
}

/** The rows of a scene, in the order of time. */
export const rowsOf = (events: ReadonlyArray<Event>): ReadonlyArray<Row> => {
  const kept = withoutRepeats(events)
  // That something changed is worth telling where it leads to news.
  const isNews = (event: Event) => {
    if (event.kind !== "told") return true
    const later = events.slice(events.indexOf(event))
    const look = later.find(({ label, process }) => process === event.process && label.startsWith("read: "))
    return look !== undefined && kept.includes(look)
  }
  const rows: Array<Row> = []
  for (const { process, ...event } of kept.filter(isNews)) {
    const last = rows.at(-1)
    const isSame = last !== undefined && last.at === event.at && last.kind === event.kind && last.label === event.label
    if (isSame) rows[rows.length - 1] = { ...last, processes: [...last.processes, process] }
    else if (event.at >= 0) rows.push({ ...event, processes: [process] })
  }
  return rows
}
