// The program of examples/runtimes for Effect 3, on every runtime that has processes.
import { FetchHttpClient } from "@effect/platform"
import { Console, Effect, Layer, Stream } from "effect"
import * as process from "node:process"
import * as SpotnanaHttpClient from "../../src/SpotnanaHttpClient.ts"
import * as TokenProvider from "../../src/TokenProvider.ts"

const call = (what: string) =>
  Effect.gen(function*() {
    const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
    const response = yield* spotnana.get("/v2/companies")
    yield* Console.log(`${what}: ${response.status}`)
  })

const line = Effect.async<void>((resume) => {
  process.stdin.once("data", () => {
    process.stdin.destroy()
    resume(Effect.void)
  })
})

// The token is revoked after the first call, and renewed ahead of its expiry before the third. Then the process is frozen,
// and told by a line when it has been.
const life = Effect.gen(function*() {
  const provider = yield* TokenProvider.TokenProvider
  yield* call("called")
  yield* call("replayed")
  const { issuedAt } = yield* provider.status
  yield* Stream.runHead(Stream.filter(provider.changes, (status) => status.issuedAt !== issuedAt))
  yield* call("renewed")
  yield* line
  yield* call("thawed")
})

const Auth = SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))

await Effect.runPromise(Effect.provide(life, Auth))
