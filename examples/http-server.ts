// A server of your own in front of Spotnana: GET /companies is Spotnana's /v2/companies, GET /health says whether
// there is a token.
//
//   SPOTNANA_CLIENT_ID=… SPOTNANA_CLIENT_SECRET=… PORT=3000 npx pnpm@10 exec node examples/http-server.ts
//   curl http://127.0.0.1:3000/companies?limit=3
//
// It prints
//
//   Listening on http://127.0.0.1:3000
//   {"elements":[…],"totalNumResults":120}      for GET /companies, by curl
import { AuthError, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Cause, Config, DateTime, Duration, Effect, Exit, Layer } from "effect"
import { FetchHttpClient, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"

// None of it is our callers' fault: 503 with Retry-After for what is transient, 502 for what a person has to correct.
// What happened is in the log.
const badGateway = HttpServerResponse.jsonUnsafe({ error: "Spotnana cannot be used at present" }, { status: 502 })

const respond = (error: AuthError.AuthError) => {
  if (!AuthError.isTransient(error)) return badGateway
  const { retryAfter = Duration.seconds(1) } = error
  return HttpServerResponse.jsonUnsafe({ error: "Spotnana is not available, try again later" }, {
    status: 503,
    headers: { "retry-after": String(Math.ceil(Duration.toSeconds(retryAfter))) }
  })
}

const Companies = HttpRouter.add(
  "GET",
  "/companies",
  Effect.gen(function*() {
    const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
    const { searchParams } = new URL((yield* HttpServerRequest.HttpServerRequest).url, "http://localhost")
    const response = yield* spotnana.get("/v2/companies", { urlParams: searchParams })
    return HttpServerResponse.jsonUnsafe(yield* response.json, { status: response.status })
  }).pipe(
    // The message of an HttpClientError does not say why there was no connection.
    Effect.tapError((error) => Effect.logError("Spotnana", error)),
    Effect.catchTag("HttpClientError", () => Effect.succeed(badGateway)),
    Effect.catch((error) => Effect.succeed(respond(error)))
  )
)

const Health = HttpRouter.add(
  "GET",
  "/health",
  Effect.gen(function*() {
    const { expiresAt, lastError, state } = yield* (yield* TokenProvider.TokenProvider).status
    return HttpServerResponse.jsonUnsafe({
      state,
      expiresAt: expiresAt && DateTime.formatIso(expiresAt),
      lastError: lastError?._tag
    }, { status: state === "failed" ? 503 : 200 })
  })
)

const Server = Layer.unwrap(
  Effect.map(
    // 0 is any port that is free, which is why this is not `Config.Port`.
    Config.Int("PORT").pipe(Config.withDefault(3000)),
    (port) => NodeHttpServer.layer(createServer, { host: "127.0.0.1", port })
  )
)

Layer.mergeAll(Companies, Health).pipe(
  HttpRouter.serve,
  Layer.provide(SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))),
  Layer.provide(Server),
  Layer.launch,
  // SIGTERM is how a server ends when all is well: that is no failure.
  NodeRuntime.runMain({
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })
)
