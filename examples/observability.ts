// An application that can be watched. It calls Spotnana once a second; Prometheus finds its metrics at /metrics, and an
// orchestrator its readiness at /ready. Traces, metrics and logs go to an OpenTelemetry collector where there is one.
//
//   npx pnpm@10 exec node examples/observability.ts
//   curl http://127.0.0.1:9464/metrics
//   OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 npx pnpm@10 exec node examples/observability.ts
//
// Spotnana is played by a mock on this machine, to which something happens now and then. To call the real one, set
// SPOTNANA_CLIENT_ID and SPOTNANA_CLIENT_SECRET. The dashboard and the alerts are in docs/observability.
//
// It prints
//
//   Listening on http://127.0.0.1:9464
//   # TYPE spotnana_auth_acquisitions_total counter      for GET /metrics, by curl
//   …
import { SpotnanaApiError, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Cause, Config, ConfigProvider, DateTime, Effect, Exit, Layer, Schedule } from "effect"
import { FetchHttpClient, HttpMiddleware, HttpRouter, HttpServerResponse } from "effect/http"
import { Otlp, OtlpSerialization, PrometheusMetrics } from "effect/observability"
import { createServer } from "node:http"
import { local } from "./observability/local.ts"

// A trace of the application's own. Token requests are not below it: one of them serves all callers.
const sync = Effect.gen(function*() {
  const spotnana = SpotnanaApiError.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
  const response = yield* spotnana.get("/v2/companies", { urlParams: { limit: 100 } })
  yield* response.json
}).pipe(
  Effect.tapError((error) => Effect.logError(`companies are not in step: ${error.message}`)),
  Effect.withSpan("sync companies"),
  Effect.ignore
)

const Sync = Layer.effectDiscard(Effect.forkScoped(Effect.repeat(sync, Schedule.spaced("1 second"))))

// Asks for a token, which costs nothing where there is one. Where there is none, that is what brings the process back.
const Ready = HttpRouter.add(
  "GET",
  "/ready",
  Effect.gen(function*() {
    const provider = yield* TokenProvider.TokenProvider
    const isReady = yield* provider.get.pipe(Effect.timeout("1 second"), Effect.isSuccess)
    const { expiresAt, lastError, state } = yield* provider.status
    return HttpServerResponse.jsonUnsafe({
      state,
      expiresAt: expiresAt && DateTime.formatIso(expiresAt),
      lastError: lastError?._tag
    }, { status: isReady ? 200 : 503 })
  })
)

const Server = Layer.unwrap(
  Effect.map(
    // 0 is any port that is free, which is why this is not `Config.Port`.
    Config.Int("OTEL_EXPORTER_PROMETHEUS_PORT").pipe(Config.withDefault(9464)),
    (port) => NodeHttpServer.layer(createServer, { host: "127.0.0.1", port })
  )
)

// Without an endpoint nothing is exported. What OpenTelemetry has a default for and Effect does not, is set here.
const Telemetry = Otlp.layerFromConfig().pipe(
  Layer.provide(OtlpSerialization.layerJson),
  Layer.provide(FetchHttpClient.layer),
  Layer.provide(ConfigProvider.layerAdd(ConfigProvider.fromUnknown({
    OTEL_SERVICE_NAME: "companies",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp"
  })))
)

// One of the two is enough: whoever has set it means the real one, and is told what is missing.
const { SPOTNANA_CLIENT_ID = "", SPOTNANA_CLIENT_SECRET = "" } = process.env
const Auth: Layer.Layer<SpotnanaHttpClient.SpotnanaHttpClient | TokenProvider.TokenProvider, unknown> =
  SPOTNANA_CLIENT_ID === "" && SPOTNANA_CLIENT_SECRET === ""
    ? local
    : Layer.provide(SpotnanaHttpClient.layerConfig({ eager: true }), FetchHttpClient.layer)

Layer.mergeAll(
  HttpRouter.serve(Layer.mergeAll(Ready, PrometheusMetrics.layerHttp()), { disableLogger: true }).pipe(
    Layer.provide(HttpMiddleware.layerTracerDisabledForUrls(["/metrics", "/ready"])),
    Layer.provide(Server)
  ),
  Sync
).pipe(
  Layer.provide(Auth),
  // Last, so that it is there before the first token is asked for, and after the last span has ended.
  Layer.provide(Telemetry),
  Layer.launch,
  // SIGTERM is how a server ends when all is well: that is no failure.
  NodeRuntime.runMain({
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })
)
