// Two processes with one token, over a store that somebody wrote themselves: `own-token-store/sqlite.ts`.
//
//   npx pnpm@10 exec node examples/own-token-store.ts
//
// No variable is needed: a Spotnana runs in the same process, and the key that encrypts the token is made up.
//
// It prints
//
//   Both at once: 200, 200
//   Token requests: 1
//   The token was revoked: 200, 200
//   Token requests: 2
import { SpotnanaHttpClient, TokenStore } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ConfigProvider, Console, Context, Effect, FileSystem, Layer, Redacted, References } from "effect"
import { randomBytes } from "node:crypto"
import { makeSqlite } from "./own-token-store/sqlite.ts"

const SqliteTokenStore = (file: string) =>
  TokenStore.layer(Effect.gen(function*() {
    return yield* TokenStore.encrypted(yield* makeSqlite(file), yield* TokenStore.keys)
  }))

const clientId = "example"
const clientSecret = Redacted.make("example-secret")

// What each process has of its own: a client with its provider, and a connection to the database.
const startProcess = (file: string) =>
  Effect.map(
    Layer.build(Layer.fresh(
      SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(Layer.provide(SqliteTokenStore(file)))
    )),
    (services) => Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
  )

const program = Effect.gen(function*() {
  const { revokeTokens, tokenRequests } = yield* MockSpotnana.MockSpotnana
  const directory = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
  const one = yield* startProcess(`${directory}/tokens.db`)
  const another = yield* startProcess(`${directory}/tokens.db`)
  const call = (spotnana: typeof one) => Effect.map(spotnana.get("/v2/companies"), ({ status }) => status)

  const statuses = yield* Effect.all([call(one), call(another)], { concurrency: "unbounded" })
  yield* Console.log(`Both at once: ${statuses.join(", ")}`)
  yield* Console.log(`Token requests: ${yield* tokenRequests}`)

  yield* revokeTokens
  yield* Console.log(`The token was revoked: ${yield* call(one)}, ${yield* call(another)}`)
  // The process that finds out first replaces it for both.
  yield* Console.log(`Token requests: ${yield* tokenRequests}`)
})

program.pipe(
  Effect.scoped,
  Effect.provide(MockSpotnana.layerHttpClient.pipe(
    Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret })),
    Layer.merge(NodeServices.layer),
    Layer.merge(ConfigProvider.layer(ConfigProvider.fromEnv({
      // Yours comes from where your secrets are.
      env: { SPOTNANA_TOKEN_STORE_KEYS: randomBytes(32).toString("base64") }
    })))
  )),
  // The rejections are meant, and counted above.
  Effect.provideService(References.MinimumLogLevel, "None"),
  NodeRuntime.runMain
)
