/** The text format of Prometheus, as strictly as its server reads it. */
import { parse as parsePromql } from "./promql.ts"

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with its comments and all of its series. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly samples: ReadonlyArray<Sample>
}

const header = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/

/** Takes a page of metrics apart; throws at the first line that is not as it should be. */
export const parse = (page: string): ReadonlyArray<Family> => {
  const families = new Map<string, { name: string; help: string; type: string; samples: Array<Sample> }>()
  const seen = new Set<string>()
  if (page !== "" && !page.endsWith("\n")) throw new Error("the last line has no end")
  for (const line of page.split("\n").slice(0, -1)) {
    const fail = (problem: string) => new Error(`${problem}: ${line}`)
    const [, kind, of = "", text = ""] = header.exec(line) ?? []
    if (kind !== undefined) {
      const family = families.get(of) ?? { name: of, help: "", type: "", samples: [] }
      if (family[kind === "HELP" ? "help" : "type"] !== "") throw fail("said twice")
      if (family.samples.length > 0) throw fail("said after the samples")
      families.set(of, kind === "HELP" ? { ...family, help: text } : { ...family, type: text })
      continue
    }
    // A series is written as PromQL selects it.
    const [, series = "", value = ""] = /^(\S.*) (\S+)$/.exec(line) ?? []
    const [selector, ...more] = parsePromql(series).selectors
    if (selector === undefined || more.length > 0) throw fail("not a series")
    const family = families.get(selector.metric)
    if (family === undefined || family.type === "") throw fail("a series without a TYPE")
    if (seen.has(series)) throw fail("a series that is there twice")
    seen.add(series)
    const number = /^[+-]Inf$/.test(value) ? Number(value.replace("Inf", "Infinity")) : Number(value)
    if (Number.isNaN(number) && value !== "NaN") throw fail("not a number")
    family.samples.push({
      labels: Object.fromEntries(selector.matchers.map(({ label, value }) => [label, value])),
      value: number
    })
  }
  return [...families.values()]
}
