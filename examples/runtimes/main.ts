// The program on Node, Bun and Deno: `main.ts CLIENT` lives the life of a token, `main.ts CLIENT DIRECTORY` makes a call
// with the token that others have left in a directory. What a runtime need not have is imported where it is used.
import { FileTokenStore, SpotnanaHttpClient } from "@effect-spotnana/core"
import { Effect, Layer } from "effect"
import type { HttpClient } from "effect/http"
import { FetchHttpClient } from "effect/http"
import * as process from "node:process"
import { call, life } from "./program.ts"

const clients: Readonly<Record<string, () => Promise<Layer.Layer<HttpClient.HttpClient>>>> = {
  fetch: async () => FetchHttpClient.layer,
  undici: async () => (await import("@effect/platform-node/NodeHttpClient")).layerUndici,
  http: async () => (await import("@effect/platform-node/NodeHttpClient")).layerNodeHttp
}
const [, , client = "", directory] = process.argv

const line = Effect.callback<void>((resume) => {
  process.stdin.once("data", () => {
    process.stdin.destroy()
    resume(Effect.void)
  })
})

const program = directory === undefined
  // Between the last two calls it is frozen, and told by a line when it has been.
  ? life.pipe(Effect.andThen(line), Effect.andThen(call("thawed")))
  : call("called")

const Store = directory === undefined ? Layer.empty : FileTokenStore.layer({ directory }).pipe(
  Layer.provide(Layer.unwrap(Effect.promise(async () => (await import("@effect/platform-node/NodeServices")).layer)))
)

const Auth = SpotnanaHttpClient.layerConfig().pipe(
  Layer.provide(Store),
  Layer.provide(Layer.unwrap(Effect.promise(() => clients[client]!())))
)

await Effect.runPromise(Effect.provide(program, Auth))
