/** The rules that come with the library. */
import { Schema } from "effect"
import { Yaml } from "effect/encoding"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"

export const file = resolve("docs/observability/alerts.yaml")

const Recording = Schema.Struct({ record: Schema.String, expr: Schema.String })

const Alert = Schema.Struct({
  alert: Schema.String,
  expr: Schema.String,
  for: Schema.String,
  labels: Schema.Struct({ severity: Schema.Literals(["critical", "warning"]) }),
  annotations: Schema.Struct({ summary: Schema.String, description: Schema.String, runbook_url: Schema.String })
})

const File = Schema.Struct({
  groups: Schema.Array(Schema.Struct({ name: Schema.String, rules: Schema.Array(Schema.Union([Recording, Alert])) }))
})

// An unknown field is a mistake: Prometheus would not take the file.
const { groups } = Schema.decodeUnknownSync(File)(Yaml.parse(readFileSync(file, "utf8")), {
  onExcessProperty: "error"
})

/** All of them, in order. */
export const rules = groups.flatMap(({ rules }) => rules)

export const recordings = rules.filter((rule) => "record" in rule)

export const alerts = rules.filter((rule) => "alert" in rule)
