/** PromQL, read with the grammar that Prometheus itself publishes. */
import { parser } from "@prometheus-io/lezer-promql"

export interface Matcher {
  readonly label: string
  readonly op: string
  readonly value: string
}

export interface Selector {
  readonly metric: string
  readonly matchers: ReadonlyArray<Matcher>
}

export interface Query {
  readonly selectors: ReadonlyArray<Selector>
  /** The labels that results are grouped and matched by. */
  readonly grouping: ReadonlyArray<string>
}

type Node = ReturnType<typeof parser.parse>["topNode"]

/** Takes a query apart; throws where the grammar does not know what is there. */
export const parse = (text: string): Query => {
  const selectors: Array<Selector> = []
  const grouping: Array<string> = []
  const textOf = ({ from, to }: Node) => text.slice(from, to)
  const matcher = (node: Node): Matcher => {
    const [label, op, value] = [node.firstChild, node.getChild("MatchOp"), node.lastChild]
    return { label: textOf(label!), op: textOf(op!), value: JSON.parse(textOf(value!)) as string }
  }
  const tree = parser.parse(text)
  tree.iterate({
    enter: ({ from, type }) => {
      if (type.isError) throw new Error(`not PromQL at character ${from}: ${text.slice(from, from + 40) || "the end"}`)
    }
  })
  tree.iterate({
    enter: ({ node, type }) => {
      if (type.is("VectorSelector")) {
        const metric = node.getChild("Identifier")
        const matchers = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? []
        selectors.push({ metric: metric === null ? "" : textOf(metric), matchers: matchers.map(matcher) })
      }
      if (type.is("GroupingLabels")) grouping.push(...node.getChildren("LabelName").map(textOf))
    }
  })
  return { selectors, grouping }
}
