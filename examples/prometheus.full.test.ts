// A real Prometheus scrapes the example with the configuration that lies beside it, and answers the dashboard's queries.
import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Redacted, Schedule } from "effect"
import { Yaml } from "effect/encoding"
import { HttpClient, HttpServer } from "effect/http"
import { ChildProcess } from "effect/process"
import { readFileSync } from "node:fs"
import { dashboard, interpolate, panels } from "../packages/core/test/support/dashboard.ts"
import * as Promtool from "../packages/core/test/support/promtool.ts"
import { freePort } from "../packages/core/test/support/redis.ts"
import * as Rules from "../packages/core/test/support/rules.ts"
import { live, Spotnana, start, timeout, until } from "./support/observability.ts"

interface Configuration {
  readonly global: { readonly scrape_interval: string; readonly evaluation_interval: string }
  readonly rule_files: ReadonlyArray<string>
  readonly scrape_configs: ReadonlyArray<{
    readonly job_name: string
    readonly static_configs: ReadonlyArray<{ readonly targets: ReadonlyArray<string> }>
  }>
}

interface Answer<Data> {
  readonly status: string
  readonly error?: string
  readonly data: Data
}

interface Vector {
  readonly result: ReadonlyArray<{
    readonly metric: Readonly<Record<string, string>>
    readonly value: readonly [time: number, value: string]
  }>
}

/** Starts Prometheus as the configuration says, but in a hurry, and at a target of our own. */
const startPrometheus = Effect.fnUntraced(function*(target: string) {
  const file = "examples/observability/prometheus.yml"
  const { global, rule_files, scrape_configs: [scrape] } = Yaml.parse(readFileSync(file, "utf8")) as Configuration
  assert.deepStrictEqual(rule_files, ["../../docs/observability/alerts.yaml"])
  assert.deepStrictEqual(scrape!.static_configs, [{ targets: ["127.0.0.1:9464"] }])
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped()
  yield* fs.writeFileString(
    `${directory}/prometheus.yml`,
    JSON.stringify({
      global: { ...global, scrape_interval: "200ms", evaluation_interval: "200ms" },
      rule_files: [Rules.file],
      scrape_configs: [{ ...scrape, static_configs: [{ targets: [target] }] }]
    })
  )
  const address = `127.0.0.1:${yield* Effect.promise(freePort)}`
  yield* ChildProcess.make("prometheus", [
    `--config.file=${directory}/prometheus.yml`,
    `--storage.tsdb.path=${directory}/data`,
    `--web.listen-address=${address}`
  ], { detached: false, stdout: "ignore", stderr: "ignore" })
  const get = Effect.fnUntraced(function*<Data>(path: string, urlParams: Readonly<Record<string, string>> = {}) {
    const response = yield* HttpClient.get(`http://${address}/api/v1/${path}`, { urlParams })
    const answer = (yield* response.json) as unknown as Answer<Data>
    assert.deepStrictEqual([answer.status, answer.error], ["success", undefined])
    return answer.data
  })
  yield* until(Effect.isSuccess(get("status/runtimeinfo")))
  return { get }
})

describe.skipIf(!Promtool.hasServer)("a real Prometheus", () => {
  it.live(
    "scrapes the example, takes the rules, and has an answer to every query of the dashboard",
    () =>
      Effect.gen(function*() {
        const mock = yield* MockSpotnana.MockSpotnana
        const { clientId, clientSecret } = yield* mock.credentials
        const { address } = yield* HttpServer.HttpServer
        const baseUrl = HttpServer.formatAddress(address)
        const example = yield* start({
          SPOTNANA_CLIENT_ID: clientId,
          SPOTNANA_CLIENT_SECRET: Redacted.value(clientSecret),
          SPOTNANA_BASE_URL: baseUrl
        })
        const prometheus = yield* startPrometheus(new URL(yield* example.listening).host)
        const query = (query: string) => prometheus.get<Vector>("query", { query })
        const sees = (expr: string) => until(Effect.map(query(expr), ({ result }) => result.length > 0))

        yield* live(example)
        yield* mock.rotateSecret()
        yield* sees("spotnana_auth:acquisitions:increase10m{outcome=\"InvalidCredentials\"}")
        yield* sees("ALERTS{alertname=\"SpotnanaCredentialsRefused\"}")

        const answers = new Map<string, ReadonlyArray<number>>()
        for (const { targets, title } of panels) {
          for (const { expr, refId } of targets) {
            // Subqueries look at whole minutes only: in a minute there will have been one. While the example is too slow
            // for a scrape, none of its series is there.
            const { result } = yield* Effect.repeat(
              Effect.suspend(() =>
                prometheus.get<Vector>("query", { query: interpolate(expr), time: String(Date.now() / 1000 + 61) })
              ),
              { until: ({ result }) => result.length > 0, schedule: Schedule.spaced("200 millis") }
            )
            assert.isNotEmpty(result, title)
            const values = result.map(({ value: [, value] }) => Number(value))
            assert.isTrue(values.every(Number.isFinite), `${title}: ${values.join()}`)
            answers.set(`${title} ${refId}`, values)
          }
        }
        for (const { expr } of dashboard.annotations.list) yield* query(interpolate(expr))

        // What was counted is seen, the first event of a series included.
        // A refusal is followed by further ones until the rules have seen it. The one failure beside them is a 503.
        const [failures] = answers.get("Failures, 15 minutes A")!
        const [refusals] = answers.get("Refusals, 15 minutes A")!
        assert.isAtLeast(refusals!, 1)
        assert.strictEqual(failures, refusals! + 1)
        assert.deepStrictEqual(answers.get("Processes A"), [1])
        assert.deepStrictEqual(answers.get("Taken over from another process A"), [0])
        for (
          const  of of["Rejections, 1 hour A", "Rejections and replays A", "Rejections and replays B", "Renewals A"]
        ) {
          assert.isAtLeast(answers.get(of)![0]!, 1, of)
        }

        const { groups } = yield* prometheus.get<{
          readonly groups: ReadonlyArray<
            { readonly rules: ReadonlyArray<{ readonly name: string; readonly health: string }> }
          >
        }>("rules")
        assert.deepStrictEqual(
          groups.flatMap(({ rules }) => rules.map(({ health, name }) => [name, health])),
          Rules.rules.map((rule) => ["alert" in rule ? rule.alert : rule.record, "ok"])
        )
        assert.strictEqual(yield* example.stop, 0)
      }).pipe(Effect.provide(Spotnana)),
    timeout
  )
})
