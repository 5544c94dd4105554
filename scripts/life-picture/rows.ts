// What of a recording is worth a row of the picture, in words.
import { DateTime, Duration, Redacted } from "effect"
import type { Call, Recording } from "./run.ts"

export interface Row {
  /** Milliseconds since the start. */
  readonly at: number
  /** Whose doing it is. */
  readonly who: "program" | "library" | "trouble" | "relief"
  readonly title: string
  readonly detail?: string
  /** What happens to which token, the first one being 0. */
  readonly marks: ReadonlyArray<Mark>
}

export interface Mark {
  readonly token: number
  readonly event: "requested" | "failed" | "issued" | "replaced" | "used" | "rejected"
}

/** Rows of one sort that follow each other are told as one. */
interface Merging extends Row {
  readonly merge?: { readonly sort: string; readonly into: (rows: ReadonlyArray<Row>) => Pick<Row, "title" | "detail"> }
}

export const nameOf = (token: number): string => String.fromCharCode(65 + token)

/** Hours, minutes and seconds. */
export const clock = (millis: number): string => {
  const seconds = Math.floor(millis / 1000)
  const two = (n: number) => String(n).padStart(2, "0")
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}

const inWords = (millis: number): string =>
  millis < 1000 ? `${millis} ms` : millis < 60_000 ? `${millis / 1000} s` : Duration.format(Duration.millis(millis))

const plural = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`

/** How many failures in a row are told one by one. */
const toldFailures = 3

/** Rows of the token endpoint: what the library requests and gets. */
const tokenRows = ({ changes, ledger }: Recording, calls: ReadonlyArray<Call>): ReadonlyArray<Merging> => {
  const rows: Array<Merging> = []
  let issued = 0
  let failures = 0
  for (const { at, status } of ledger.filter(({ endpoint }) => endpoint === "token")) {
    const asked = changes.findLast((change) => change.at <= at && change.status.state.endsWith("ing"))!.status
    const answer = changes.find((change) => change.at > at && !change.status.state.endsWith("ing"))!
    const { expiresAt, issuedAt, lastError } = answer.status
    const requested: Mark = { token: issued, event: "requested" }
    if (failures === 0) {
      const waiting = calls.filter((call) => call.from <= at && at < call.to).length
      const left = asked.expiresAt === undefined ? 0 : DateTime.toEpochMillis(asked.expiresAt) - at
      const isDue = asked.nextRenewalAt !== undefined && DateTime.toEpochMillis(asked.nextRenewalAt) <= at
      const last = nameOf(issued - 1)
      const [title, detail] = issued === 0
        ? [`${plural(waiting, "call")}, and no token`, "They wait for one token request"]
        : isDue
        ? [`Renewal, ${inWords(left)} before expiry`, `A new token is requested; ${last} stays in use`]
        : [`${last} is suspect`, "A new token is requested, and waited for"]
      rows.push({ at, who: "library", title, detail, marks: [requested] })
    }
    if (status === 200) {
      const lifetime = DateTime.toEpochMillis(expiresAt!) - DateTime.toEpochMillis(issuedAt!)
      rows.push({
        at: answer.at,
        who: "library",
        title: `Token ${nameOf(issued)}, for ${inWords(lifetime)}`,
        marks: [
          { token: issued, event: "issued" },
          ...(asked.state === "renewing" ? [{ token: issued - 1, event: "replaced" } as const] : [])
        ]
      })
      issued += 1
      failures = 0
    } else {
      failures += 1
      const delay = lastError !== undefined && "retryAfter" in lastError && lastError.retryAfter !== undefined
        ? Duration.toMillis(lastError.retryAfter)
        : 0
      rows.push({
        at: answer.at,
        who: "library",
        title: `${status}: next attempt in ${inWords(delay)}`,
        marks: [{ token: issued, event: "failed" }],
        ...(failures > toldFailures && {
          merge: {
            sort: "failure",
            into: (rows) => ({
              title: `${rows.length} × ${status}, until ${clock(rows.at(-1)!.at)}`,
              detail: `The delays grow to ${inWords(delay)}`
            })
          }
        })
      })
    }
  }
  return rows
}

/** Rows of the program: its calls, and their answers. */
const callRows = ({ ledger }: Recording, calls: ReadonlyArray<Call>, latency: number): ReadonlyArray<Merging> => {
  const issued = ledger.flatMap(({ endpoint, token }) => endpoint === "token" && token !== undefined ? [token] : [])
  const numberOf = (token: Redacted.Redacted) =>
    issued.findIndex((other) => Redacted.value(other) === Redacted.value(token))
  const left = ledger.filter(({ endpoint }) => endpoint === "api")
  return calls.flatMap((call) => {
    const exchanges = left.splice(0, left.findIndex(({ status }) => status !== 401) + 1)
    return exchanges.map(({ at, status, token }, index): Merging => {
      const used = numberOf(token!)
      const isReplay = index > 0
      const waited = call.to - call.from - latency * exchanges.length
      const answered = `${status} with ${nameOf(used)}`
      const isPlain = exchanges.length === 1
      const into = (rows: ReadonlyArray<Row>) => {
        const last = rows.at(-1)!.at
        return {
          title: `${plural(rows.length, "call")}: ${answered}`,
          ...(waited === 0 && {
            detail: `${last > rows[0]!.at ? `Until ${clock(last)}. ` : ""}${rows.length === 1 ? "Does" : "None"} ${
              rows.length === 1 ? "not wait" : "waits"
            }`
          })
        }
      }
      return {
        at: at + latency,
        who: "program",
        marks: [{ token: used, event: status === 401 ? "rejected" : "used" }],
        ...(isReplay
          ? {
            title: `The call, sent again: ${answered}`,
            detail: `All that the program gets is the ${call.status}`
          }
          : into([{ at: at + latency, who: "program", title: "", marks: [] }])),
        ...(isPlain && { merge: { sort: `call ${used} ${status} ${waited}`, into } })
      }
    })
  })
}

/** Joins rows of one sort, where nothing but rows that can be joined is between them. */
const merge = (rows: ReadonlyArray<Merging>): ReadonlyArray<Row> => {
  const done: Array<Row> = []
  let run = new Map<string, { readonly index: number; readonly rows: Array<Merging> }>()
  for (const { merge, ...row } of rows) {
    if (merge === undefined) {
      run = new Map()
      done.push(row)
      continue
    }
    const found = run.get(merge.sort)
    const members = found === undefined ? [row] : [...found.rows, row]
    const index = found?.index ?? done.length
    run.set(merge.sort, { index, rows: members })
    done[index] = {
      ...members[0]!,
      ...(members.length > 1 && merge.into(members)),
      marks: members.flatMap(({ marks }) => marks)
    }
  }
  return done
}

/** The rows in the order of time. */
export const rowsOf = (recording: Recording, apiLatency: number): ReadonlyArray<Row> => {
  const acts = recording.acts.map(({ at, what, who }): Merging => ({ at, who, title: what, marks: [] }))
  // A 401 comes before what follows from it.
  const all = [
    ...acts,
    ...callRows(recording, recording.calls, apiLatency),
    ...tokenRows(recording, recording.calls)
  ]
  return merge(all.toSorted((a, b) => a.at - b.at))
}

/** What it comes to. */
export const summaryOf = ({ calls, ledger }: Recording): ReadonlyArray<string> => {
  const requests = ledger.filter(({ endpoint }) => endpoint === "token")
  const failed = requests.filter(({ status }) => status !== 200).length
  const good = calls.filter(({ status }) => status === 200).length
  return [
    `The program made ${calls.length} calls, and got ${good} × 200.`,
    `Token requests: ${requests.length - failed} × 200, ${failed} × 503.`
  ]
}
