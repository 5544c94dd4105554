import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { dashboard, interpolate, panels } from "./support/dashboard.ts"
import * as Emitted from "./support/emitted.ts"
import * as Promql from "./support/promql.ts"
import * as Promtool from "./support/promtool.ts"
import * as Rules from "./support/rules.ts"

const targets = panels.flatMap((panel) =>
  panel.targets.map((target) => ({ panel, target, name: `${panel.title} ${target.refId}` }))
)

const labelsIn = (template: string): ReadonlyArray<string> =>
  [...template.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!)

describe("the dashboard's queries", () => {
  it.effect("ask for what is really emitted, and for all of it", () =>
    Effect.gen(function*() {
      const vocabulary = yield* Emitted.emitted
      for (const { name, target } of targets) {
        expect([name, Emitted.problems(vocabulary, interpolate(target.expr))]).toEqual([name, []])
      }
      const asked = targets.flatMap(({ target }) => Promql.parse(interpolate(target.expr)).selectors)
      expect(new Set(asked.map(({ metric }) => metric))).toEqual(new Set(vocabulary.keys()))
    }))

  it.effect("tell apart each outcome that there is, and no other", () =>
    Effect.gen(function*() {
      const outcomes = (yield* Emitted.emitted).get("spotnana_auth_acquisitions_total")!.get("outcome")!
      const coloured = panels.flatMap(({ fieldConfig }) => fieldConfig.overrides.map(({ matcher }) => matcher.options))
      expect(coloured.toSorted()).toEqual([...outcomes].toSorted())
      const { description } = panels.find(({ title }) => title === "Acquisitions by outcome")!
      for (const outcome of outcomes) expect(description).toContain(`${outcome}: `)
    }))

  it.effect("give their results the labels of the legends", () =>
    Effect.gen(function*() {
      const vocabulary = yield* Emitted.emitted
      for (const { name, target } of targets) {
        const { grouping, selectors } = Promql.parse(interpolate(target.expr))
        const known = grouping.length > 0
          ? grouping
          : selectors.flatMap(({ metric }) => [...vocabulary.get(metric)!.keys()])
        expect([name, labelsIn(target.legendFormat).filter((label) => !known.includes(label))]).toEqual([name, []])
      }
    }))

  it.effect("are narrowed by every variable that fits", () =>
    Effect.gen(function*() {
      const vocabulary = yield* Emitted.emitted
      const variables = dashboard.templating.list.filter(({ type }) => type === "query").map(({ name }) => name)
      expect(variables).toEqual(["job", "environment", "client_id"])
      for (const { name, target } of targets) {
        for (const { matchers, metric } of Promql.parse(target.expr.replaceAll(/\$__\w+/g, "5m")).selectors) {
          const fitting = variables.filter((variable) => vocabulary.get(metric)!.has(variable))
          const narrowing = matchers.filter(({ op, value }) => op === "=~" && value.startsWith("$"))
          expect([name, narrowing.map(({ label, value }) => [label, value])]).toEqual([
            name,
            fitting.map((variable) => [variable, `$${variable}`])
          ])
        }
      }
    }))

  it.effect("the variables get their values from what is emitted", () =>
    Effect.gen(function*() {
      const vocabulary = yield* Emitted.emitted
      for (const variable of dashboard.templating.list) {
        if (variable.type === "datasource") continue
        const { definition, name, query } = variable
        expect(query.query).toBe(definition)
        const [, selector = "", label = ""] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? []
        expect(Emitted.problems(vocabulary, interpolate(selector))).toEqual([])
        expect(label).toBe(name)
        expect(vocabulary.get(Promql.parse(selector).selectors[0]!.metric)!.has(label)).toBe(true)
      }
    }))

  it("the annotations are the alerts", () => {
    expect(dashboard.annotations.list.length).toBe(1)
    const [{ matchers, metric }] = Promql.parse(dashboard.annotations.list[0]!.expr).selectors as [Promql.Selector]
    expect(metric).toBe("ALERTS")
    const names = new RegExp(`^(${matchers.find(({ label }) => label === "alertname")!.value})$`)
    expect(Rules.alerts.filter(({ alert }) => !names.test(alert))).toEqual([])
  })

  it.skipIf(!Promtool.isThere)("are queries to Prometheus itself", () => {
    const rules = targets.map(({ target }, index) => ({ record: `query_${index}`, expr: interpolate(target.expr) }))
    expect(Promtool.checkQueries(rules)).toBe("")
  })
})

describe("the dashboard's panels", () => {
  it("have a place of their own, within the 24 columns", () => {
    const taken = new Map<string, number>()
    for (const { gridPos: { h, w, x, y }, id } of dashboard.panels) {
      expect([id, x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 24]).toEqual([id, true])
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          const place = `${column},${line}`
          expect([place, id, taken.get(place)]).toEqual([place, id, undefined])
          taken.set(place, id)
        }
      }
    }
    // No holes: Grafana would move up what is below them.
    const height = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h))
    expect(taken.size).toBe(24 * height)
  })

  it("have numbers, titles and references of their own", () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const titles = dashboard.panels.map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
    for (const { targets } of panels) {
      expect(targets.map(({ refId }) => refId)).toEqual(["A", "B"].slice(0, targets.length))
    }
  })

  it("say what they show and what to do, and name only alerts that there are", () => {
    for (const { description, title } of panels) {
      expect([title, description.split(/[.:] /).length > 2]).toEqual([title, true])
      const named = description.match(/Spotnana[A-Z]\w+/g) ?? []
      expect(named.filter((name) => !Rules.alerts.some(({ alert }) => alert === name))).toEqual([])
    }
    const all = panels.map(({ description }) => description).join(" ")
    // Where nothing is reported, no panel of the dashboard shows anything.
    const alerts = Rules.alerts.filter(({ alert }) => alert !== "SpotnanaMetricsGone")
    expect(alerts.filter(({ alert }) => !all.includes(alert)).map(({ alert }) => alert)).toEqual([])
  })

  it("have thresholds that rise from the lowest on", () => {
    for (const { fieldConfig: { defaults }, title, type } of panels) {
      const [first, ...steps] = defaults.thresholds.steps.map(({ value }) => value)
      expect([title, first]).toEqual([title, null])
      expect(steps).toEqual(steps.toSorted((a, b) => a! - b!))
      expect([title, type !== "stat" || steps.length > 0]).toEqual([title, true])
    }
  })
})
