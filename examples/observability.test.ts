// The example is run by Node, in a process of its own. What it exports arrives at a collector behind a real socket, and
// what it shows is scraped from it.
import { MockSpotnana } from "@effect-spotnana/testing"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { makeAudit } from "../packages/core/test/support/audit.ts"
import * as Exposition from "../packages/core/test/support/exposition.ts"
import { live, Spotnana, start, timeout, until } from "./support/observability.ts"

interface Received {
  readonly path: string
  readonly text: string
}

/** What receives OTLP as JSON, and keeps it. */
const makeCollector = Effect.gen(function*() {
  const received: Array<Received> = []
  const server = createServer((request, response) => {
    let text = `${JSON.stringify(request.headers)}\n`
    request.setEncoding("latin1").on("data", (chunk: string) => text += chunk).on("end", () => {
      received.push({ path: `${request.method} ${request.url}`, text })
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening")),
    () => Effect.sync(() => server.close().closeAllConnections())
  )
  /** Every value of a key, however deep in what one signal has sent. */
  const all = <A>(signal: "traces" | "metrics" | "logs", key: string): ReadonlyArray<A> => {
    const found: Array<A> = []
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return
      for (const [name, part] of Object.entries(value)) {
        if (name === key) found.push(...(Array.isArray(part) ? part : [part]) as ReadonlyArray<A>)
        visit(part)
      }
    }
    for (const { path, text } of received) {
      if (path === `POST /v1/${signal}`) visit(JSON.parse(text.slice(text.indexOf("\n"))))
    }
    return found
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, all }
})

interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly status: { readonly code: number }
  readonly attributes: ReadonlyArray<KeyValue>
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: ReadonlyArray<KeyValue> }>
}

interface Points {
  readonly dataPoints: ReadonlyArray<{ readonly attributes: ReadonlyArray<KeyValue>; readonly asDouble: number }>
}

interface Metric {
  readonly name: string
  readonly sum?: Points & { readonly isMonotonic: boolean; readonly aggregationTemporality: number }
  readonly gauge?: Points
}

const record = (attributes: ReadonlyArray<KeyValue>) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** The series of this library, without the values. */
const expected = (environment: string, client_id: string) => ({
  spotnana_auth_acquisitions_total: [
    { environment, client_id, outcome: "success" },
    { environment, client_id, outcome: "TokenEndpointUnavailable" }
  ],
  spotnana_auth_rejections_total: [{ environment, client_id }],
  spotnana_auth_renewals_total: [{ environment, client_id }],
  spotnana_auth_replays_total: [{ environment }],
  spotnana_auth_token_lifetime_left_seconds: [{ environment, client_id }]
})

describe("observability.ts", () => {
  it.live("what it does is seen by a collector and by Prometheus, and no secret is", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const { clientId, clientSecret } = yield* mock.credentials
      const { address } = yield* HttpServer.HttpServer
      const baseUrl = HttpServer.formatAddress(address)
      const environment = new URL(baseUrl).host
      const collector = yield* makeCollector
      const example = yield* start({
        SPOTNANA_CLIENT_ID: clientId,
        SPOTNANA_CLIENT_SECRET: Redacted.value(clientSecret),
        SPOTNANA_BASE_URL: baseUrl,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: "100",
        OTEL_BLRP_SCHEDULE_DELAY: "100",
        OTEL_METRIC_EXPORT_INTERVAL: "100"
      })
      yield* example.listening

      yield* live(example)

      const scraped = yield* example.get("/metrics")
      assert.strictEqual(scraped.type, "text/plain; version=0.0.4; charset=utf-8")
      const families = Exposition.parse(scraped.text).filter(({ name }) => name.startsWith("spotnana_auth_"))
      assert.deepStrictEqual(
        Object.fromEntries(families.map(({ name, samples }) => [name, samples.map(({ labels }) => labels)])),
        expected(environment, clientId)
      )
      for (const { help, name, type } of families) {
        assert.strictEqual(type, name.endsWith("_total") ? "counter" : "gauge")
        assert.match(help, /^[A-Z][a-z]+ .{20}/)
      }

      const ready = yield* example.get("/ready")
      assert.strictEqual(ready.status, 200)
      assert.include(["valid", "renewing"], (JSON.parse(ready.text) as { state: string }).state)
      yield* mock.rotateSecret()
      // The token has not expired, and stays in use.
      yield* until(Effect.map(example.get("/ready"), ({ text }) => text.includes("InvalidCredentials")))
      assert.strictEqual((yield* example.get("/ready")).status, 200)
      // What happened last is exported as it ends.
      assert.strictEqual(yield* example.stop, 0)

      const spans = collector.all<Span>("traces", "spans")
      const acquired = spans.filter(({ name }) => name === "TokenEndpoint.acquire")
      assert.strictEqual(acquired.length, yield* mock.tokenRequests)
      const traces = new Set(acquired.map(({ traceId }) => traceId))
      assert.strictEqual(traces.size, acquired.length, "each is a trace of its own")
      for (const span of acquired) {
        assert.isUndefined(span.parentSpanId, "and its root")
        assert.deepStrictEqual(record(span.attributes), {
          "url.full": `${baseUrl}/v2/auth/oauth2-token`,
          "spotnana.environment": environment,
          "spotnana.client_id": clientId
        })
        const sent = spans.filter(({ parentSpanId }) => parentSpanId === span.spanId)
        assert.deepStrictEqual(sent.map(({ name, traceId }) => [name, traceId]), [["POST", span.traceId]])
      }
      const failed = acquired.filter(({ status }) => status.code === 2)
      assert.deepStrictEqual(
        new Set(failed.map(({ events }) => record(events[0]!.attributes)["exception.type"])),
        new Set(["TokenEndpointUnavailable", "InvalidCredentials"])
      )
      const syncs = spans.filter(({ name }) => name === "sync companies")
      assert.isAbove(syncs.length, 2)
      for (const { parentSpanId, spanId, status, traceId } of syncs) {
        assert.isUndefined(parentSpanId)
        assert.isFalse(traces.has(traceId))
        // Without a token no request leaves.
        assert.isTrue(status.code === 2 || spans.some((span) => span.parentSpanId === spanId))
      }

      const metrics = collector.all<Metric>("metrics", "metrics")
      const exported = new Map<string, Set<string>>()
      for (const { gauge, name, sum } of metrics.filter(({ name }) => name.startsWith("spotnana_auth_"))) {
        assert.strictEqual(gauge === undefined, name.endsWith("_total"))
        if (sum !== undefined) assert.deepInclude(sum, { isMonotonic: true, aggregationTemporality: 2 })
        const series = exported.get(name) ?? new Set()
        exported.set(name, series)
        for (const { attributes } of (gauge ?? sum)!.dataPoints) series.add(JSON.stringify(record(attributes)))
      }
      const wanted = expected(environment, clientId)
      wanted.spotnana_auth_acquisitions_total.push({ environment, client_id: clientId, outcome: "InvalidCredentials" })
      assert.deepStrictEqual(
        Object.fromEntries([...exported].map(([name, series]) => [name, [...series].map((text) => JSON.parse(text))])),
        wanted
      )

      const logs = collector.all<{ severityText: string; body: { stringValue: string } }>("logs", "logRecords")
      assert.includeDeepMembers(logs.map(({ body, severityText }) => [severityText, body.stringValue]), [
        ["Warn", "Spotnana rejected an access token before it expired"],
        ["Warn", "Spotnana access token not renewed; the current one stays in use"],
        ["Info", "Spotnana access token acquired after failures"],
        ["Error", "Spotnana access token not renewed; the current one stays in use"]
      ])
      for (const signal of ["traces", "metrics", "logs"] as const) {
        const resources = collector.all<{ attributes: ReadonlyArray<KeyValue> }>(signal, "resource")
        assert.isNotEmpty(resources)
        for (const { attributes } of resources) assert.strictEqual(record(attributes)["service.name"], "companies")
      }

      const audit = makeAudit()
      for (const { path, text } of collector.received) audit.add(path, text)
      audit.add(scraped.text, ready.text, example.said.join("\n"))
      const tokens = (yield* mock.ledger).flatMap(({ token }) => token === undefined ? [] : [Redacted.value(token)])
      const secrets = new Set([Redacted.value(clientSecret), ...tokens])
      assert.isAbove(secrets.size, 3)
      assert.deepStrictEqual(audit.search(secrets), [], "invariant 9")
    }).pipe(Effect.provide(Spotnana)), timeout)

  it.live("needs no variable: a mock plays Spotnana, and nothing is exported", () =>
    Effect.gen(function*() {
      const example = yield* start({})
      yield* example.listening
      yield* until(Effect.map(example.get("/ready"), ({ status }) => status === 200))
      const names = Exposition.parse((yield* example.get("/metrics")).text).map(({ name }) => name)
      assert.include(names, "spotnana_auth_token_lifetime_left_seconds")
      assert.strictEqual(yield* example.stop, 0)
      assert.match(example.said[0]!, /a mock plays Spotnana at http:\/\/127\.0\.0\.1:\d+/)
    }).pipe(Effect.provide(Spotnana)), timeout)

  it.live("does not start with credentials that are refused", () =>
    Effect.gen(function*() {
      const { address } = yield* HttpServer.HttpServer
      const example = yield* start({
        SPOTNANA_CLIENT_ID: "mock-client",
        SPOTNANA_CLIENT_SECRET: "a-secret-that-is-wrong",
        SPOTNANA_BASE_URL: HttpServer.formatAddress(address)
      })
      assert.match(yield* Effect.flip(example.listening), /InvalidCredentials/)
      assert.strictEqual(yield* example.exitCode, 1)
      assert.notInclude(example.said.join("\n"), "a-secret-that-is-wrong")
    }).pipe(Effect.provide(Spotnana)), timeout)
})
