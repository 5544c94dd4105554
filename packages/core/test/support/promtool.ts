/** Prometheus's own judge of rules, where it is installed. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Series } from "./lives.ts"

const has = (binary: string) => spawnSync(binary, ["--version"]).status === 0

/** Whether rules can be judged. */
export const isThere = has("promtool")

/** Whether there is a whole Prometheus to be started. */
export const hasServer = has("prometheus")

/** Runs promtool on files of JSON, which YAML includes. Says what is wrong, or nothing. */
const run = (command: ReadonlyArray<string>, files: Readonly<Record<string, unknown>>): string => {
  const directory = mkdtempSync(join(tmpdir(), "promtool-"))
  try {
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(directory, name), JSON.stringify(content))
    }
    const { output, status } = spawnSync("promtool", [...command, ...Object.keys(files)], {
      cwd: directory,
      encoding: "utf8"
    })
    return status === 0 ? "" : output.join("\n")
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What is wrong with a file of rules. */
export const checkRules = (file: string): string => run(["check", "rules", file], {})

/** What is wrong with rules that stand for queries. */
export const checkQueries = (rules: ReadonlyArray<{ readonly record: string; readonly expr: string }>): string =>
  run(["check", "rules"], { "queries.yaml": { groups: [{ name: "queries", rules }] } })

/** An alert that fires. */
export interface Alert {
  readonly exp_labels: Readonly<Record<string, string>>
  readonly exp_annotations: Readonly<Record<string, string>>
}

/** All that is known of one alert at one time: none fires but these. */
export interface Expectation {
  readonly alertname: string
  readonly eval_time: string
  readonly exp_alerts: ReadonlyArray<Alert>
}

// A series that a scrape does not find any more is marked as such, and is gone at once.
const values = ({ values }: Series): string =>
  Array.from(values, (value, i) => value ?? (values[i - 1] === undefined ? "_" : "stale")).join(" ") + " stale"

const selector = ({ labels, metric }: Series): string =>
  `${metric}{${Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(", ")}}`

/** What fires against expectation, given series with one value a minute. */
export const testRules = (
  rules: string,
  series: Iterable<Series>,
  expectations: ReadonlyArray<Expectation>
): string =>
  run(["test", "rules"], {
    "test.yaml": {
      rule_files: [rules],
      evaluation_interval: "1m",
      tests: [{
        interval: "1m",
        input_series: Array.from(series, (one) => ({ series: selector(one), values: values(one) })),
        alert_rule_test: expectations
      }]
    }
  })
