/** What the library really emits, and what a query asks for that it does not. */
import { TokenStore } from "@effect-spotnana/core"
import { Fault } from "@effect-spotnana/testing"
import { Context, Effect, Layer } from "effect"
import type { Scope } from "effect"
import * as Lives from "./lives.ts"
import * as Promql from "./promql.ts"

/** Of each metric its labels, and of each label its values. */
export type Vocabulary = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>

/** Two processes that share a token and meet every outcome that there is, one that cannot read its vault, and a user. */
const everything: Effect.Effect<Lives.World, never, Scope.Scope> = Effect.gen(function*() {
  const world = yield* Lives.make
  const { mock, pass, start } = world
  const store = Context.get(yield* Layer.build(TokenStore.layerMemory), TokenStore.TokenStore)
  // A server that hands out the same token, which the API rejects.
  yield* mock.inject("token", Fault.status(200, { body: { access_token: "same", expires_in: 120 } }), { times: 2 })
  yield* start("d")
  yield* pass(1)
  yield* start("a", { store })
  yield* start("b", { store })
  // A user whose token is refused.
  yield* start("e", { user: "nobody" })
  yield* start("c", { source: { current: Effect.fail("no answer") } })
  yield* pass(50)
  for (const fault of [Fault.status(503), Fault.garbage]) {
    yield* mock.inject("token", fault)
    yield* mock.revokeTokens
    yield* pass(5)
  }
  yield* mock.rotateSecret()
  yield* pass(5)
  return world
})

/** The vocabulary of that life. */
export const emitted: Effect.Effect<Vocabulary, never, Scope.Scope> = Effect.map(everything, ({ series }) => {
  const vocabulary = new Map<string, Map<string, Set<string>>>()
  for (const { labels, metric } of series.values()) {
    const known = vocabulary.get(metric) ?? new Map<string, Set<string>>()
    vocabulary.set(metric, known)
    for (const [label, value] of Object.entries(labels)) {
      known.set(label, (known.get(label) ?? new Set()).add(value))
    }
  }
  return vocabulary
})

/** Adds what a rule records: it has the labels of what it is made from. */
export const withRecording = (
  vocabulary: Vocabulary,
  { expr, record }: { readonly expr: string; readonly record: string }
): Vocabulary => new Map(vocabulary).set(record, vocabulary.get(Promql.parse(expr).selectors[0]!.metric)!)

/** The values that a matcher can have been written for; those that a person chooses in Grafana are left out. */
const valuesOf = ({ op, value }: Promql.Matcher): ReadonlyArray<string> =>
  /^\$|^\.[+*]$/.test(value) ? [] : op.endsWith("~") ? value.split("|") : [value]

/** What a query asks for that nobody emits: metrics, labels, and values of labels. */
export const problems = (vocabulary: Vocabulary, expr: string): ReadonlyArray<string> => {
  const { grouping, selectors } = Promql.parse(expr)
  const found: Array<string> = []
  const labels = new Set<string>()
  for (const { matchers, metric } of selectors) {
    const known = vocabulary.get(metric)
    if (known === undefined) {
      found.push(`no metric ${metric}`)
      continue
    }
    for (const label of known.keys()) labels.add(label)
    for (const matcher of matchers) {
      const values = known.get(matcher.label)
      if (values === undefined) found.push(`no label ${matcher.label} of ${metric}`)
      for (const value of valuesOf(matcher)) {
        if (values?.has(value) === false) found.push(`no ${matcher.label} ${value} of ${metric}`)
      }
    }
  }
  return [...found, ...grouping.filter((label) => !labels.has(label)).map((label) => `no label ${label}`)]
}
