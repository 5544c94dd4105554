import { Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, Result, Stream } from "effect"
import { FetchHttpClient, HttpBody } from "effect/http"
import type { HttpClient } from "effect/http"
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import type { Ending, Seen } from "./support/earlyServer.ts"
import { clientId, clientSecret } from "./support/harness.ts"

const platforms: ReadonlyArray<readonly [string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["fetch", FetchHttpClient.layer],
  ["undici", NodeHttpClient.layerUndici],
  ["node:http", NodeHttpClient.layerNodeHttp]
]

/** The first token gets 401 and any other 413, before the body is read. */
const serve = (ending: Ending) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const worker = new Worker(new URL("./support/earlyServer.ts", import.meta.url), { workerData: ending })
        const [port] = await once(worker, "message")
        return { worker, environment: Environment.makeUnsafe({ baseUrl: `http://127.0.0.1:${port}` }) }
      }),
      ({ worker }) => Effect.promise(() => worker.terminate())
    ),
    ({ environment, worker }) => ({
      environment,
      seen: Effect.promise(async (): Promise<Seen> => {
        worker.postMessage("seen")
        const [seen] = await once(worker, "message")
        return seen
      })
    })
  )

const clientOf = (environment: Environment.Environment, platform: Layer.Layer<HttpClient.HttpClient>) =>
  Effect.map(
    Layer.build(Layer.provide(SpotnanaHttpClient.layer({ clientId, clientSecret, environment }), platform)),
    (context) => Context.get(context, SpotnanaHttpClient.SpotnanaHttpClient)
  )

const chunk = new Uint8Array(65_536)
const chunks = 64
const bytes = () => HttpBody.uint8Array(new Uint8Array(chunks * chunk.length))
const stream = () => HttpBody.stream(Stream.fromIterable(Array.from({ length: chunks }, () => chunk)))

describe.each(platforms)("an upload of 4 MiB that the API answers early, with %s", (_, platform) => {
  it.live("gets the answer, and the 401 replaces the token, where the API reads on", () =>
    Effect.gen(function*() {
      const { environment, seen } = yield* serve("reads on")
      const client = yield* clientOf(environment, platform)
      const response = yield* client.post("/v2/documents", { body: bytes() })
      expect(response.status).toBe(413)
      expect(yield* response.json).toEqual({ message: "early" })
      expect(yield* seen).toEqual({ uploads: [401, 413], tokens: 2 })
    }).pipe(Effect.scoped))

  it.live("is a TokenExpired that may be retried, and the 401 replaces the token, where its body is a stream", () =>
    Effect.gen(function*() {
      const { environment, seen } = yield* serve("reads on")
      const client = yield* clientOf(environment, platform)
      const error = yield* Effect.flip(client.post("/v2/documents", { body: stream() }))
      expect(error).toMatchObject({ _tag: "TokenExpired", reason: "NotReplayable" })
      expect((yield* client.post("/v2/documents", { body: stream() })).status).toBe(413)
      expect(yield* seen).toEqual({ uploads: [401, 413], tokens: 2 })
    }).pipe(Effect.scoped))

  for (const [kind, body] of [["bytes", bytes], ["a stream", stream]] as const) {
    it.live(`gets the answer or a TransportError, and is not sent again then, where the API closes at once: ${kind}`, () =>
      Effect.gen(function*() {
        const { environment, seen } = yield* serve("closes")
        const client = yield* clientOf(environment, platform)
        for (let n = 0; n < 3; n++) {
          const before = (yield* seen).uploads.length
          const exit = yield* Effect.exit(client.post("/v2/documents", { body: body() }))
          const sent = (yield* seen).uploads.slice(before)
          // Node gives up a connection whose writing fails, with what there is to read of it.
          if (Exit.isSuccess(exit)) {
            expect([exit.value.status, sent.at(-1)]).toEqual([413, 413])
          } else {
            const error = Result.getOrThrow(Cause.findError(exit.cause))
            if (error._tag === "HttpClientError") {
              expect([error.reason._tag, sent.length <= 2]).toEqual(["TransportError", true])
            } else expect([error._tag, sent]).toEqual(["TokenExpired", [401]])
          }
        }
        // What has no body is not affected, and replaces the token.
        expect((yield* client.get("/v2/companies")).status).toBe(413)
        expect((yield* seen).tokens).toBe(2)
      }).pipe(Effect.scoped))
  }
})
