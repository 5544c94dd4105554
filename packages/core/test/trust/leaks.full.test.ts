import { SpotnanaHttpClient } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Console, Effect, Layer, Logger, Metric, Redacted, References } from "effect"
import { HttpClient, HttpServerResponse } from "effect/http"
import { Otlp, OtlpSerialization, PrometheusMetrics } from "effect/observability"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { format } from "node:util"
import { bundled } from "../../../../scripts/bundled.ts"
import { endWithTest, inGroup } from "../../../../scripts/processes.ts"
import { makeAudit } from "../support/audit.ts"
import { reportSearches } from "../support/figures.ts"
import { clientId, clientSecret } from "../support/harness.ts"
import { troubledLife } from "../support/troubles.ts"

const secret = Redacted.value(clientSecret)

const onMock = SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(
  Layer.provide(MockSpotnana.layerHttpClient),
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret }))
)

describe("invariant 9: nothing leaks", () => {
  const serializations = [
    ["JSON", OtlpSerialization.layerJson],
    ["Protobuf", OtlpSerialization.layerProtobuf]
  ] as const
  for (const [name, serialization] of serializations) {
    it.effect(`into what is exported by OTLP as ${name}, or read by Prometheus`, (context) =>
      Effect.gen(function*() {
        const audit = makeAudit()
        const received = new Map<string, number>()
        const collector = HttpClient.make((request, url) =>
          Effect.sync(() => {
            const body = request.body._tag === "Uint8Array" ? request.body.body : new Uint8Array()
            received.set(url.pathname, (received.get(url.pathname) ?? 0) + body.length)
            audit.add(url.href, request.headers, Buffer.from(body).toString("latin1"))
            return HttpServerResponse.toClientResponse(HttpServerResponse.empty(), { request })
          })
        )
        const exporters = Otlp.layer({ baseUrl: "http://collector.example", resource: { serviceName: "test" } }).pipe(
          Layer.provide(serialization),
          Layer.provide(Layer.succeed(HttpClient.HttpClient, collector))
        )
        const tokens = yield* Effect.gen(function*() {
          const { tokens } = yield* troubledLife
          const prometheus = yield* PrometheusMetrics.format()
          expect(prometheus).toContain("spotnana_auth_acquisitions_total{")
          audit.add(prometheus)
          return tokens
        }).pipe(
          Effect.provide(Layer.provideMerge(onMock, exporters)),
          Effect.provideService(References.MinimumLogLevel, "All"),
          Effect.provideService(Metric.MetricRegistry, new Map())
        )
        expect([...received.keys()].sort((a, b) => a.localeCompare(b))).toEqual([
          "/v1/logs",
          "/v1/metrics",
          "/v1/traces"
        ])
        for (const [path, bytes] of received) expect([path, bytes > 500]).toEqual([path, true])
        for (const word of ["Spotnana access token acquired", "TokenEndpoint.acquire", "spotnana_auth_replays_total"]) {
          expect([word, audit.text().includes(word)]).toEqual([word, true])
        }
        expect(tokens.length).toBeGreaterThan(5)
        expect(audit.search([secret, ...tokens])).toEqual([])
        reportSearches(context, audit.searches())
      }))
  }

  const loggers = {
    pretty: Logger.consolePretty({ colors: false }),
    structured: Logger.consoleStructured,
    json: Logger.consoleJson,
    logFmt: Logger.consoleLogFmt,
    default: Logger.defaultLogger
  }
  it.effect("into what Effect's loggers print, whatever they are given", (context) =>
    Effect.gen(function*() {
      const audit = makeAudit()
      for (const [name, logger] of Object.entries(loggers)) {
        const printed: Array<string> = []
        const print = (...parts: ReadonlyArray<unknown>) => void printed.push(format(...parts))
        const recording: Console.Console = new Proxy(console, { get: () => print })
        const tokens = yield* Effect.gen(function*() {
          const { outcomes, tokens } = yield* troubledLife
          // As an application logs what it has: errors, exits, responses, its services.
          for (const outcome of outcomes) yield* Effect.logInfo("outcome", outcome)
          yield* Effect.logError("all", { outcomes }).pipe(
            Effect.annotateLogs({ outcomes }),
            Effect.withLogSpan("span")
          )
          return tokens
        }).pipe(
          Effect.provide(Layer.merge(onMock, Logger.layer([logger]))),
          Effect.provideService(Console.Console, recording),
          Effect.provideService(References.MinimumLogLevel, "All")
        )
        const text = printed.join("\n")
        for (const word of ["Spotnana access token acquired", "InvalidCredentials", "outcome"]) {
          expect([name, word, text.includes(word)]).toEqual([name, word, true])
        }
        audit.add(text)
        expect([name, audit.search([secret, ...tokens])]).toEqual([name, []])
      }
      reportSearches(context, audit.searches())
    }))

  const failures = [
    "InvalidCredentials",
    "TokenEndpointUnavailable",
    "MalformedTokenResponse",
    "TokenExpired",
    "NotReplayable",
    "SpotnanaApiError",
    "StatusCodeError",
    "NotModified",
    "Redirect",
    "TransportError",
    "DecodeError",
    "ApiUserRotationFailed",
    "Response",
    "Request",
    "Client"
  ]
  it("into the output of a process that dies of an error, in whatever way", async (context) => {
    const audit = makeAudit()
    const program = await bundled(new URL("./leaks/dies.ts", import.meta.url))
    const die = async (death: string, ...failures: ReadonlyArray<string>) => {
      const child = endWithTest(spawn(process.execPath, [program, death, ...failures], {
        ...inGroup,
        env: { ...process.env, NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "pipe"]
      }))
      let output = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => void (output += chunk))
      const [code] = await once(child, "close")
      expect([death, failures, code, output.length > 20]).toEqual([death, failures, 1, true])
      return `${death} ${failures.join(", ")}\n${output}`
    }
    const search = (output: string) => {
      audit.add(output)
      // The tokens of the mock are made up, all with the same beginning.
      expect([output.slice(0, 40), audit.search([secret, "mock-token-1", "mock-token-2", "mock-secret-"])]).toEqual([
        output.slice(0, 40),
        []
      ])
    }
    for (const [index, failure] of failures.entries()) {
      // `runPromise` rejects with what `throw` throws, and Node prints both in the same way.
      const byNode = index % 2 === 0 ? "runPromise" : "throw"
      for (const output of await Promise.all([die("runMain", failure), die(byNode, failure)])) search(output)
    }
    const printed = await die("print", ...failures)
    for (const failure of failures) expect([failure, printed.includes(`\n${failure}: `)]).toEqual([failure, true])
    search(printed)
    reportSearches(context, audit.searches())
  })
})
