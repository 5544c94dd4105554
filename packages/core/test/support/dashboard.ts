/** The dashboard that comes with the library. */
import { Schema } from "effect"
import { readFileSync } from "node:fs"

const Datasource = Schema.Struct({ type: Schema.Literal("prometheus"), uid: Schema.Literal("${datasource}") })

const Target = Schema.Struct({
  refId: Schema.String,
  datasource: Datasource,
  expr: Schema.String,
  legendFormat: Schema.String
})

const GridPos = Schema.Struct({ x: Schema.Int, y: Schema.Int, w: Schema.Int, h: Schema.Int })

const Row = Schema.Struct({ id: Schema.Int, type: Schema.Literal("row"), title: Schema.String, gridPos: GridPos })

const Panel = Schema.Struct({
  id: Schema.Int,
  type: Schema.Literals(["stat", "timeseries", "table"]),
  title: Schema.String,
  description: Schema.String,
  gridPos: GridPos,
  datasource: Datasource,
  targets: Schema.NonEmptyArray(Target),
  fieldConfig: Schema.Struct({
    defaults: Schema.Struct({
      unit: Schema.Literals(["short", "s", "percentunit"]),
      thresholds: Schema.Struct({
        mode: Schema.Literal("absolute"),
        steps: Schema.Array(Schema.Struct({ color: Schema.String, value: Schema.NullOr(Schema.Finite) }))
      })
    }),
    overrides: Schema.Array(Schema.Struct({
      matcher: Schema.Struct({ id: Schema.Literal("byName"), options: Schema.String })
    }))
  })
})

const Variable = Schema.Union([
  Schema.Struct({ type: Schema.Literal("datasource"), name: Schema.String, query: Schema.Literal("prometheus") }),
  Schema.Struct({
    type: Schema.Literal("query"),
    name: Schema.String,
    datasource: Datasource,
    definition: Schema.String,
    query: Schema.Struct({ query: Schema.String }),
    allValue: Schema.String
  })
])

const Dashboard = Schema.Struct({
  id: Schema.Null,
  uid: Schema.NonEmptyString,
  title: Schema.NonEmptyString,
  schemaVersion: Schema.Int,
  templating: Schema.Struct({ list: Schema.Array(Variable) }),
  annotations: Schema.Struct({ list: Schema.Array(Schema.Struct({ datasource: Datasource, expr: Schema.String })) }),
  links: Schema.Array(Schema.Struct({ url: Schema.String })),
  panels: Schema.Array(Schema.Union([Row, Panel]))
})

export const dashboard = Schema.decodeUnknownSync(Schema.fromJsonString(Dashboard))(
  readFileSync("docs/observability/dashboard.json", "utf8")
)

export const panels = dashboard.panels.filter((panel) => panel.type !== "row")

/** A query as Grafana sends it: with the values of its own variables, and of those that a person chooses. */
export const interpolate = (expr: string, chosen: Readonly<Record<string, string>> = {}): string => {
  const values: Readonly<Record<string, string>> = {
    __rate_interval: "5m",
    __range: "6h",
    ...Object.fromEntries(
      dashboard.templating.list.flatMap((variable) =>
        variable.type === "query" ? [[variable.name, variable.allValue]] : []
      )
    ),
    ...chosen
  }
  return expr.replace(/\$(\w+)/g, (_, name: string) => {
    if (!(name in values)) throw new Error(`there is no variable ${name}: ${expr}`)
    return values[name]!
  })
}
