// Several processes, one token:
//
//   npx pnpm@10 exec node examples/fleet.ts
//
// They share it through a directory, or through Redis where REDIS_URL names one. No other variable is needed: a Spotnana
// runs in the first process, and a key is made on the spot. A fleet reads its key from SPOTNANA_TOKEN_STORE_KEYS.
//
// It prints
//
//   5 processes are at work; token requests: 1
//   their token is revoked …
//   worker 5: 40 of 40 calls answered 200
//   …
//   token requests: 2
import { FileTokenStore, RedisTokenStore, SpotnanaHttpClient } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer, NodeRedis, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Config, Console, Effect, Fiber, FileSystem, Layer, Logger, Redacted, Stream } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import { ChildProcess } from "effect/process"
import { randomBytes } from "node:crypto"
import { createServer } from "node:http"

// What a worker of a real fleet would have: a store, provided below the client.
const Store = Layer.unwrap(Effect.gen(function*() {
  const url = yield* Config.String("REDIS_URL").pipe(Config.withDefault(""))
  const directory = yield* Config.String("TOKEN_DIRECTORY")
  return url === ""
    ? Layer.provide(FileTokenStore.layer({ directory }), NodeServices.layer)
    : RedisTokenStore.layerWith(
      NodeRedis.layer({ url, disableOfflineQueue: true, pingInterval: 15_000, socket: { socketTimeout: 20_000 } })
    )
}))

const Auth = SpotnanaHttpClient.layerConfig().pipe(
  Layer.provide(Store),
  Layer.provide(FetchHttpClient.layer)
)

// Knows nothing of the others: it calls, twenty times a second for two seconds.
const worker = Effect.gen(function*() {
  const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
  const call = Effect.map(spotnana.get("/v2/companies"), ({ status }) => status)
  const statuses = yield* Effect.replicateEffect(Effect.delay(call, "50 millis"), 40)
  yield* Console.log(`${statuses.filter((status) => status === 200).length} of ${statuses.length} calls answered 200`)
}).pipe(Effect.provide(Auth))

const fleet = Effect.gen(function*() {
  const mock = yield* MockSpotnana.MockSpotnana
  const { clientId, clientSecret } = yield* mock.credentials
  const directory = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
  const env = {
    ...process.env,
    SPOTNANA_CLIENT_ID: clientId,
    SPOTNANA_CLIENT_SECRET: Redacted.value(clientSecret),
    SPOTNANA_BASE_URL: yield* HttpServer.addressFormattedWith((baseUrl) => Effect.succeed(baseUrl)),
    SPOTNANA_TOKEN_STORE_KEYS: randomBytes(32).toString("base64"),
    TOKEN_DIRECTORY: directory
  }
  const run = (name: string) =>
    Effect.gen(function*() {
      const child = yield* ChildProcess.make(process.execPath, [import.meta.filename, "worker"], {
        env,
        stderr: "inherit"
      })
      const said = yield* Stream.mkString(Stream.decodeText(child.stdout))
      yield* Console.log(`worker ${name}: ${said.trim()}`)
    })

  const names = ["1", "2", "3", "4", "5"]
  const working = yield* Effect.forkChild(Effect.forEach(names, run, { concurrency: "unbounded" }))
  // All of them are at work once each has called.
  yield* Effect.sleep("10 millis").pipe(
    Effect.andThen(mock.apiRequests),
    Effect.repeat({ until: (requests) => requests >= 10 * names.length })
  )
  yield* Console.log(`${names.length} processes are at work; token requests: ${yield* mock.tokenRequests}`)
  yield* mock.revokeTokens
  yield* Console.log("their token is revoked …")
  yield* Fiber.join(working)
  yield* Console.log(`token requests: ${yield* mock.tokenRequests}`)
}).pipe(
  Effect.provide(
    MockSpotnana.layerServer.pipe(
      Layer.provideMerge(MockSpotnana.layer({ tokenLatency: "200 millis" })),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
      Layer.provideMerge(NodeServices.layer)
    )
  ),
  Effect.scoped
)

const program: Effect.Effect<void, unknown> = process.argv[2] === "worker" ? worker : fleet

program.pipe(
  Effect.provideService(Logger.LogToStderr, true),
  NodeRuntime.runMain
)
