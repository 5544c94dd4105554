import { Credentials, Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Scheduler, Scope } from "effect"
import { HttpServer } from "effect/http"
import { TestClock } from "effect/testing"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { reportFigure } from "../support/figures.ts"
import { clientId, clientSecret, subjects } from "../support/harness.ts"
import { platformClients } from "../support/sockets.ts"

describe("invariant 11: nothing left behind", () => {
  it("by 10,000 providers: no sleep, no timer, no metric series, no growing heap", (context) => {
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ["--expose-gc", "packages/core/test/trust/lifecycles/program.ts"],
      { encoding: "utf8" }
    )
    expect([status, stderr]).toEqual([0, ""])
    const { bytesPerLifecycle, lifecycles, resources, series, sleeps } = JSON.parse(stdout)
    expect({ resources, series, sleeps }).toEqual({ resources: [], series: 0, sleeps: 0 })
    // What is kept by mistake is a fiber, a token, a series: hundreds of bytes and more.
    expect(bytesPerLifecycle).toBeLessThan(64)
    reportFigure(context, {
      of: "lifecycles",
      figure: String(lifecycles),
      claim: `no sleep, no timer, no metric series left; ${bytesPerLifecycle} bytes of heap each`
    })
  })

  for (const [name, platform] of platformClients) {
    it.live(`by 200 providers over sockets, with ${name}: every connection is closed`, (context) =>
      Effect.gen(function*() {
        const open = new Set<Socket>()
        const server = createServer()
        server.on("connection", (socket) => {
          open.add(socket)
          socket.once("close", () => open.delete(socket))
        })
        const { address } = yield* HttpServer.HttpServer.pipe(
          Effect.provide(
            yield* Layer.build(
              MockSpotnana.layerServer.pipe(
                Layer.provide(MockSpotnana.layer({ clientId, clientSecret })),
                Layer.provideMerge(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
              )
            )
          )
        )
        const environment = Environment.makeUnsafe({ baseUrl: HttpServer.formatAddress(address) })
        const Auth = SpotnanaHttpClient.layer({ clientId, clientSecret, environment })
        const call = Effect.flatMap(SpotnanaHttpClient.SpotnanaHttpClient, (client) => client.get("/v2/companies"))
        for (let n = 0; n < 200; n++) {
          const response = yield* Effect.provide(call, Layer.provide(Auth, Layer.fresh(platform)))
          expect(response.status).toBe(200)
        }
        if (name !== "FetchHttpClient") {
          // The agent is closed with its layer; `fetch` has one for the whole process, which reuses its connections.
          while (open.size > 0) yield* Effect.promise(() => once([...open][0]!, "close"))
        }
        expect(open.size).toBeLessThanOrEqual(2)
        reportFigure(context, {
          of: `lifecycles over sockets, ${name}`,
          figure: "200",
          claim: `${open.size} connections open at the end`
        })
      }).pipe(Effect.scoped))
  }

  const moments = ["idle", "acquiring", "waiting", "renewing"] as const
  for (const [name] of platformClients) {
    it.each(moments)(`a process whose scope is closed while %s exits by itself, with ${name}`, async (moment) => {
      // Answers nothing that is asked while it should hang, and never ends a connection by itself.
      let served = 0
      const server = createServer((request, response) => {
        const isToken = request.url === "/v2/auth/oauth2-token"
        if (isToken && moment !== "idle" && !(moment === "renewing" && served++ === 0)) return
        request.resume()
        response.writeHead(200, { "content-type": "application/json" })
          .end(
            JSON.stringify({ access_token: "t", token_type: "Bearer", expires_in: moment === "renewing" ? 1 : 3600 })
          )
      })
      server.keepAliveTimeout = 0
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      const child = spawn(process.execPath, ["packages/core/test/trust/lifecycles/exits.ts", name, moment], {
        env: {
          ...process.env,
          SPOTNANA_CLIENT_ID: "id",
          SPOTNANA_CLIENT_SECRET: "s",
          SPOTNANA_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        },
        stdio: ["ignore", "pipe", "inherit"]
      })
      let said = ""
      child.stdout.on("data", (chunk) => {
        said += chunk
      })
      // Its own timers are set to an hour and the server holds on: nothing but the closing can let it end.
      const [code] = await once(child, "exit")
      server.closeAllConnections()
      server.close()
      expect([code, said]).toEqual([0, `closed while ${moment}\n`])
    })
  }
})

describe("invariant 2: interruption at every turn that the scheduler gives an acquisition", () => {
  /** Runs the acquisition with yields after every operation, and calls `hit` at the n-th. */
  const atTurn = (n: number, hit: () => void) => {
    let turns = 0
    const inner = new Scheduler.MixedScheduler()
    const scheduler: Scheduler.Scheduler = {
      executionMode: inner.executionMode,
      shouldYield: (fiber) => inner.shouldYield(fiber),
      makeDispatcher: () => {
        const dispatcher = inner.makeDispatcher()
        return {
          scheduleTask: (task, priority) =>
            dispatcher.scheduleTask(() => {
              turns += 1
              if (turns === n) hit()
              task()
            }, priority),
          flush: () => dispatcher.flush()
        }
      }
    }
    return { scheduler, turns: () => turns }
  }

  const Slow = Layer.effect(
    Credentials.Credentials,
    Effect.succeed({ current: Effect.delay(Effect.succeed({ clientId, clientSecret }), "1 second") })
  )
  const Provider = SpotnanaHttpClient.layerCredentials().pipe(
    Layer.provide(Slow),
    Layer.provideMerge(MockSpotnana.layerHttpClient),
    Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, tokenLatency: "1 second" }))
  )

  it.effect("of the first caller, or of all, leaves the others their token and the state sound", (context) =>
    Effect.gen(function*() {
      let points = 0
      for (const interrupted of [1, 3]) {
        for (let n = 1;; n++) {
          const callers: Array<Fiber.Fiber<unknown, unknown>> = []
          const { scheduler, turns } = atTurn(n, () => {
            for (const caller of callers.slice(0, interrupted)) caller.interruptUnsafe()
          })
          // The provider and its callers take turns on this scheduler; the test itself does not.
          const scope = yield* Scope.make()
          const services = yield* Effect.provideService(
            Layer.buildWithScope(Provider, scope),
            Scheduler.Scheduler,
            scheduler
          )
          yield* Effect.gen(function*() {
            const { mock, provider } = yield* subjects
            for (let count = 0; count < 3; count++) {
              callers.push(
                yield* Effect.provideService(Effect.forkDetach(provider.get), Scheduler.Scheduler, scheduler)
              )
            }
            yield* TestClock.adjust("3 seconds")
            const exits = yield* Effect.forEach(callers, (caller) => Fiber.await(caller))
            expect([n, exits.slice(interrupted).every(Exit.isSuccess)]).toEqual([n, true])
            expect([n, exits.every((exit) => Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause))]).toEqual([
              n,
              true
            ])
            yield* Effect.forkChild(provider.get)
            yield* TestClock.adjust("3 seconds")
            expect([n, (yield* provider.status).state]).toEqual([n, "valid"])
            expect([n, yield* mock.tokenRequests]).toEqual([n, 1])
          }).pipe(Effect.provide(services))
          yield* Scope.close(scope, Exit.void)
          points += 1
          if (turns() < n) break
        }
      }
      expect(points).toBeGreaterThan(6)
      reportFigure(context, {
        of: "interruptions, one at each turn of the scheduler",
        figure: String(points),
        claim: "one token request, and a sound state"
      })
    }))

  it.effect("of the scope, at any time, ends whoever waits and starts nothing more", (context) =>
    Effect.gen(function*() {
      let points = 0
      for (let millis = 0; millis <= 2_500; millis += 50) {
        const mock = yield* MockSpotnana.make({ clientId, clientSecret, tokenLatency: "1 second" })
        const scope = yield* Scope.make()
        const services = yield* Layer.buildWithScope(
          Layer.provide(Provider, Layer.succeed(MockSpotnana.MockSpotnana, mock)),
          scope
        )
        const ended = yield* Deferred.make<void>()
        yield* Effect.flatMap(TokenProvider.TokenProvider, (provider) => provider.get).pipe(
          Effect.onExit(() => Deferred.succeed(ended, undefined)),
          Effect.provide(services),
          Effect.forkDetach
        )
        yield* TestClock.adjust(millis)
        yield* Scope.close(scope, Exit.void)
        yield* Deferred.await(ended)
        const requests = yield* mock.tokenRequests
        yield* TestClock.adjust("2 hours")
        expect([millis, yield* mock.tokenRequests]).toEqual([millis, requests])
        points += 1
      }
      reportFigure(context, {
        of: "closings during an acquisition",
        figure: String(points),
        claim: "no request after it"
      })
    }))
})
