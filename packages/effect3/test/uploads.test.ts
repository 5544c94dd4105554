import { Environment, SpotnanaHttpClient } from "@effect-spotnana/effect3"
import { HttpBody } from "@effect/platform"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Agent, buildConnector } from "@effect/platform-node/Undici"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import { readOn } from "../../../examples/uploads/readOn.ts"
import { clientId, clientSecret } from "./support/harness.ts"
import { platforms } from "./support/sockets.ts"

/** The first token gets 401 and any other 413, before the body is read; then the connection is closed. */
const serve = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const script = new URL("../../core/test/support/earlyServer.ts", import.meta.url)
      const worker = new Worker(script, { workerData: { ending: "closes" } })
      const [port] = await once(worker, "message")
      return { worker, environment: Environment.makeUnsafe({ baseUrl: `http://127.0.0.1:${port}` }) }
    }),
    ({ worker }) => Effect.promise(() => worker.terminate())
  ),
  ({ environment, worker }) => ({
    environment,
    tokenRequests: Effect.promise(async (): Promise<number> => {
      worker.postMessage("seen")
      const [{ tokens }] = await once(worker, "message")
      return tokens
    })
  })
)

/** As docs/troubleshooting.md says. */
const Uploads = NodeHttpClient.layerUndiciWithoutDispatcher.pipe(
  Layer.provide(Layer.scoped(
    NodeHttpClient.Dispatcher,
    Effect.acquireRelease(
      Effect.sync(() => {
        const connect = buildConnector({ allowH2: false })
        return new Agent({
          connect: (options, done) =>
            connect(options, (...result) => {
              if (result[1]) readOn(result[1])
              done(...result)
            })
        })
      }),
      (agent) => Effect.promise(() => agent.destroy())
    )
  ))
)

const chunk = new Uint8Array(65_536)
const chunks = 64
const bytes = () => HttpBody.uint8Array(new Uint8Array(chunks * chunk.length))
const stream = () => HttpBody.stream(Stream.fromIterable(Array.from({ length: chunks }, () => chunk)))

describe("an upload of 4 MiB that the API answers early, and closes at once", () => {
  for (const [kind, body] of [["bytes", bytes], ["a stream", stream]] as const) {
    it.live(`invariant 7: gets every answer, a 401 too, with sockets that read on: ${kind}`, () =>
      Effect.gen(function*() {
        const { environment, tokenRequests } = yield* serve
        const Auth = SpotnanaHttpClient.layer({ clientId, clientSecret, environment }).pipe(Layer.provide(Uploads))
        yield* Effect.gen(function*() {
          const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
          // A stream is not sent again by the library. On a slow machine the next one may go before the new token is there.
          const upload = Effect.retry(
            Effect.suspend(() => client.post("/v2/documents", { body: body() })),
            {
              while: (error) => kind === "a stream" && error._tag === "TokenExpired" && error.reason === "NotReplayable"
            }
          )
          for (let n = 0; n < 10; n++) {
            const response = yield* upload
            expect([n, response.status, yield* response.json]).toEqual([n, 413, { message: "early" }])
          }
        }).pipe(Effect.provide(Auth))
        expect(yield* tokenRequests).toBe(2)
      }).pipe(Effect.scoped))
  }

  describe.each(platforms)("with %s", (_, platform) => {
    it.live("whatever becomes of its answer, the next request replaces the token", () =>
      Effect.gen(function*() {
        const { environment, tokenRequests } = yield* serve
        const Auth = SpotnanaHttpClient.layer({ clientId, clientSecret, environment }).pipe(Layer.provide(platform))
        yield* Effect.gen(function*() {
          const client = yield* SpotnanaHttpClient.SpotnanaHttpClient
          yield* Effect.exit(client.post("/v2/documents", { body: bytes() }))
          expect((yield* client.get("/v2/companies")).status).toBe(413)
        }).pipe(Effect.provide(Auth))
        expect(yield* tokenRequests).toBe(2)
      }).pipe(Effect.scoped))
  })
})
