// What tenants that do nothing cost, who share a directory: `pnpm idle --tenants 500 --seconds 30`.
import { FileTokenStore, SpotnanaHttpClient, TokenProvider, TokenStore } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeServices } from "@effect/platform-node"
import { Config, Console, Context, Effect, FileSystem, Layer, Redacted } from "effect"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: { tenants: { type: "string", default: "500" }, seconds: { type: "string", default: "30" } }
})
const seconds = Number(values.seconds)
const keys = Config.succeed([Redacted.make<Uint8Array>(new Uint8Array(32))] as const)
const clientSecret = Redacted.make("s3cr3t")

const program = Effect.gen(function*() {
  const directory = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
  // One store for all of them, as a `LayerMap` of tenants has it.
  const store = yield* Layer.build(FileTokenStore.layer({ directory, keys }))
  const tenants = Array.from({ length: Number(values.tenants) }, (_, n) => `tenant-${n}`)
  yield* Effect.forEach(tenants, (clientId) =>
    Effect.gen(function*() {
      yield* MockSpotnana.MockSpotnana.use((_) => _.addClient(clientId, clientSecret))
      const services = yield* Layer.build(Layer.fresh(
        SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(
          Layer.provide(Layer.succeed(TokenStore.TokenStore, Context.get(store, TokenStore.TokenStore)))
        )
      ))
      yield* Context.get(services, TokenProvider.TokenProvider).get
    }), { concurrency: 10, discard: true })
  // What starting them left to do is not what is measured.
  yield* Effect.sleep("5 seconds")
  const before = process.cpuUsage()
  yield* Effect.sleep(`${seconds} seconds`)
  const { system, user } = process.cpuUsage(before)
  const used = (system + user) / 1_000_000
  const share = (100 * used / seconds).toFixed(2)
  yield* Console.log(
    `${tenants.length} idle tenants: ${used.toFixed(3)} CPU seconds in ${seconds} s, ${share} % of a core`
  )
})

const spotnana = MockSpotnana.layerHttpClient.pipe(
  Layer.provideMerge(MockSpotnana.layer({ clientId: "any", clientSecret }))
)
await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide([spotnana, NodeServices.layer])))
