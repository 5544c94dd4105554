// What docs/running-in-production.md says of processes and their surroundings.
import { Credentials, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, FileSystem, Layer, Redacted, References, Stream } from "effect"
import { HttpClient, HttpServer } from "effect/http"
import { ChildProcess } from "effect/process"
import { TestClock } from "effect/testing"
import { once } from "node:events"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { Spotnana, timeout, until } from "./support/observability.ts"

/** The variables that lead an example to the mock. */
const access = Effect.gen(function*() {
  const { clientId, clientSecret } = yield* Effect.flatMap(MockSpotnana.MockSpotnana, (mock) => mock.credentials)
  const { address } = yield* HttpServer.HttpServer
  return {
    SPOTNANA_CLIENT_ID: clientId,
    SPOTNANA_CLIENT_SECRET: Redacted.value(clientSecret),
    SPOTNANA_BASE_URL: HttpServer.formatAddress(address)
  }
})

/** A proxy for plain HTTP, which knows what went through it. */
const makeProxy = Effect.gen(function*() {
  const seen: Array<string> = []
  const proxy = createServer((incoming, outgoing) => {
    const { pathname } = new URL(incoming.url!)
    seen.push(`${incoming.method} ${pathname}`)
    const onward = request(incoming.url!, { method: incoming.method, headers: incoming.headers }, (answer) => {
      answer.pipe(outgoing.writeHead(answer.statusCode!, answer.headers))
    })
    incoming.pipe(onward)
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => once(proxy.listen(0, "127.0.0.1"), "listening")),
    () => Effect.sync(() => proxy.close().closeAllConnections())
  )
  return { seen, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
})

describe("running in production", () => {
  for (
    const [platform, seen] of [
      ["fetch", ["POST /v2/auth/oauth2-token", "GET /v2/companies"]],
      ["undici", []]
    ] as const
  ) {
    it.live(
      `NODE_USE_ENV_PROXY and ${platform}: ${seen.length} requests go through the proxy`,
      () =>
        Effect.gen(function*() {
          const proxy = yield* makeProxy
          const child = yield* ChildProcess.make(
            process.execPath,
            ["packages/core/test/support/program.ts", platform],
            {
              env: { ...(yield* access), NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxy.url }
            }
          )
          assert.strictEqual(Number(yield* child.exitCode), 0)
          assert.deepStrictEqual(proxy.seen, [...seen])
        }).pipe(Effect.provide(Spotnana)),
      timeout
    )
  }

  it.live("a server that is stopped answers the request that it has, and ends", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      yield* mock.configure({ apiLatency: "1 second" })
      const child = yield* ChildProcess.make(process.execPath, ["examples/http-server.ts"], {
        env: { ...(yield* access), PORT: "0" },
        detached: false
      })
      const said = yield* Effect.forkScoped(child.all.pipe(
        Stream.decodeText,
        Stream.splitLines,
        Stream.map((line) => /Listening on (\S+)/.exec(line)?.[1]),
        Stream.filter((address) => address !== undefined),
        Stream.runHead
      ))
      const address = yield* Effect.flatMap(Fiber.join(said), Effect.fromOption)
      const call = yield* Effect.forkScoped(HttpClient.get(`${address}/companies`))
      yield* until(Effect.map(mock.apiRequests, (requests) => requests === 1))
      yield* child.kill({ killSignal: "SIGTERM" })
      assert.strictEqual((yield* Fiber.join(call)).status, 200)
      assert.strictEqual(Number(yield* child.exitCode), 0)
    }).pipe(Effect.provide(Spotnana)), timeout)

  it.effect("nobody asks a process that is not ready: a probe that only looks never sees it come back", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.make()
      let current = { clientId: "mock-client", clientSecret: Redacted.make("a-secret-that-is-wrong") }
      const client = SpotnanaHttpClient.layerCredentials().pipe(
        Layer.provide(Layer.succeed(Credentials.Credentials, { current: Effect.sync(() => current) })),
        Layer.provide(Layer.succeed(HttpClient.HttpClient, mock.httpClient))
      )
      yield* Effect.gen(function*() {
        const { get, status } = yield* TokenProvider.TokenProvider
        assert.strictEqual((yield* status).state, "empty")
        assert.strictEqual((yield* Effect.flip(get))._tag, "InvalidCredentials")
        current = { ...(yield* mock.credentials) }
        yield* TestClock.adjust("1 day")
        assert.strictEqual((yield* status).state, "failed")
        yield* get
        assert.strictEqual((yield* status).state, "valid")
      }).pipe(Effect.provide(client))
    }))

  it.live("a mounted directory is read at every acquisition", () =>
    Effect.gen(function*() {
      const mock = yield* MockSpotnana.MockSpotnana
      const variables = yield* access
      const fs = yield* FileSystem.FileSystem
      const rootPath = yield* fs.makeTempDirectoryScoped()
      const mount = (secret: string) => fs.writeFileString(`${rootPath}/SPOTNANA_CLIENT_SECRET`, `${secret}\n`)
      yield* fs.writeFileString(`${rootPath}/SPOTNANA_CLIENT_ID`, variables.SPOTNANA_CLIENT_ID)
      yield* fs.writeFileString(`${rootPath}/SPOTNANA_BASE_URL`, variables.SPOTNANA_BASE_URL)
      yield* mount(variables.SPOTNANA_CLIENT_SECRET)
      const client = SpotnanaHttpClient.layerConfig({ eager: true }).pipe(
        Layer.provide(ConfigProvider.layerAdd(ConfigProvider.fromDir({ rootPath }), { asPrimary: true })),
        Layer.provide(NodeServices.layer),
        // What happens on purpose is logged as it should be, and of no interest here.
        Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
      )
      yield* Effect.gen(function*() {
        const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
        const { clientSecret } = yield* mock.rotateSecret()
        assert.strictEqual((yield* Effect.flip(spotnana.get("/v2/companies")))._tag, "InvalidCredentials")
        yield* mount(Redacted.value(clientSecret))
        assert.strictEqual((yield* spotnana.get("/v2/companies")).status, 200)
      }).pipe(Effect.provide(client))
    }).pipe(Effect.provide(Spotnana)), timeout)
})
