import { Credentials, Environment, SpotnanaHttpClient } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Scheduler, Scope } from "effect"
import { HttpServer } from "effect/http"
import { TestClock } from "effect/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { bundled } from "../../../../scripts/bundled.ts"
import { endWithTest, inGroup, runToEnd } from "../../../../scripts/processes.ts"
import { reportFigure } from "../support/figures.ts"
import { clientId, clientSecret, subjects } from "../support/harness.ts"
import { platformClients } from "../support/sockets.ts"

describe("invariant 11: nothing left behind", () => {
  // What is kept by mistake is a fiber, a token, a series: hundreds of bytes and more. A small object in a map is more
  // than this, too.
  const bound = 80
  const lives = [
    ["providers", "by 3,000 providers", "lifecycles"],
    ["renewals", "by 3,000 renewals of one provider", "renewals of one provider"],
    ["rejections", "by 3,000 rejections of one provider", "rejections of one provider"],
    ["tenants", "by 3,000 tenants that come and go", "tenants that come and go"]
  ] as const
  for (const [scenario, by, of] of lives) {
    it(`${by}: no fiber, no sleep, no timer, no gauge, no counter, no growing heap`, async (context) => {
      const program = await bundled(new URL("./lifecycles/program.ts", import.meta.url))
      const { status, stderr, stdout } = await runToEnd(process.execPath, ["--expose-gc", program, scenario])
      expect([status, stderr]).toEqual([0, ""])
      const { bytesEach, bytesEachKept, clients, fibers, fibersInAll, resources, series, sleeps, times } = JSON.parse(
        stdout
      )
      expect({ fibers, resources, series, sleeps }).toEqual({ fibers: 0, resources: [], series: 0, sleeps: 0 })
      // The counters of one client id, and those of the environment.
      expect(clients).toBeLessThanOrEqual(2)
      expect(fibersInAll).toBeGreaterThan(times)
      expect(bytesEach).toBeLessThan(bound)
      // With an object that the program itself keeps of each time, so that the measurement is seen to fail.
      expect(bytesEachKept).toBeGreaterThan(bound)
      reportFigure(context, {
        of,
        figure: String(times),
        claim: `none of ${fibersInAll} fibers, no sleep, no timer and no gauge left; ${bytesEach} bytes of heap each`
      })
    })
  }

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
      const program = await bundled(new URL("./lifecycles/exits.ts", import.meta.url))
      // Answers nothing that is asked while it should hang, and never ends a connection by itself.
      let served = 0
      const server = createServer((request, response) => {
        const isToken = request.url === "/v2/auth/oauth2-token"
        if (isToken && moment !== "idle" && !(moment === "renewing" && served++ === 0)) return
        request.resume()
        response.writeHead(200, { "content-type": "application/json" })
          .end(
            // The renewal starts before the end, also in a process that runs late.
            JSON.stringify({ access_token: "t", token_type: "Bearer", expires_in: moment === "renewing" ? 8 : 3600 })
          )
      })
      server.keepAliveTimeout = 0
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      const child = endWithTest(
        spawn(process.execPath, [program, name, moment], {
          ...inGroup,
          env: {
            ...process.env,
            SPOTNANA_CLIENT_ID: "id",
            SPOTNANA_CLIENT_SECRET: "s",
            SPOTNANA_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`
          },
          stdio: ["ignore", "pipe", "inherit"]
        })
      )
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

describe("interruption at every operation of an acquisition", () => {
  /** Calls `hit` right before the n-th operation of whatever runs on the scheduler. */
  const atOperation = (n: number, hit: () => void) => {
    let operations = 0
    const inner = new Scheduler.MixedScheduler()
    const scheduler: Scheduler.Scheduler = {
      executionMode: inner.executionMode,
      makeDispatcher: () => inner.makeDispatcher(),
      // The runtime asks it before each operation of each fiber.
      shouldYield: (fiber) => {
        operations += 1
        if (operations === n) hit()
        return inner.shouldYield(fiber)
      }
    }
    return { scheduler, operations: () => operations }
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

  /** Three callers of a new provider, who run on the scheduler with it; the test itself does not. */
  const cold = (scheduler: Scheduler.Scheduler, callers: Array<Fiber.Fiber<unknown, unknown>>, scope: Scope.Scope) =>
    Effect.gen(function*() {
      const services = yield* Layer.buildWithScope(Provider, scope)
      const { provider } = yield* Effect.provideContext(subjects, services)
      for (let count = 0; count < 3; count++) callers.push(yield* Effect.forkDetach(provider.get))
      return services
    }).pipe(Effect.provideService(Scheduler.Scheduler, scheduler))

  /** With a token, interrupted, or told that the layer is closed. */
  const ended = (exit: Exit.Exit<unknown, unknown>) =>
    Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ||
    Cause.pretty(exit.cause).includes("The layer of the Spotnana client was closed")

  for (const interrupted of [1, 2, 3]) {
    it.effect(`invariant 2: ${interrupted} of 3 callers; the others get their token, and the state is sound`, (context) =>
      Effect.gen(function*() {
        let hits = 0
        for (let n = 1;; n++) {
          const callers: Array<Fiber.Fiber<unknown, unknown>> = []
          const { operations, scheduler } = atOperation(n, () => {
            for (const caller of callers.slice(0, interrupted)) caller.interruptUnsafe()
          })
          const scope = yield* Scope.make()
          const services = yield* cold(scheduler, callers, scope)
          yield* TestClock.adjust("3 seconds")
          const exits = yield* Effect.forEach(callers, (caller) => Fiber.await(caller))
          yield* Effect.gen(function*() {
            const { mock, provider } = yield* subjects
            const later = yield* Effect.forkChild(Effect.exit(provider.get))
            yield* TestClock.adjust("3 seconds")
            expect({
              n,
              spared: exits.slice(interrupted).every(Exit.isSuccess),
              ended: exits.every(ended),
              later: Exit.isSuccess(yield* Fiber.join(later)),
              state: (yield* provider.status).state,
              requests: yield* mock.tokenRequests
            }).toEqual({ n, spared: true, ended: true, later: true, state: "valid", requests: 1 })
          }).pipe(Effect.provide(services))
          const total = operations()
          yield* Scope.close(scope, Exit.void)
          if (total < n) break
          hits += 1
        }
        expect(hits).toBeGreaterThan(200)
        reportFigure(context, {
          of:
            `acquisitions in which ${interrupted} of 3 callers are interrupted, each time before a different step of Effect's runtime`,
          figure: String(hits),
          claim: "one token request, and a correct state"
        })
      }))
  }

  it.effect("invariant 11: of the scope; whoever waits is told, and nothing more is started", (context) =>
    Effect.gen(function*() {
      let hits = 0
      for (let n = 1;; n++) {
        const callers: Array<Fiber.Fiber<unknown, unknown>> = []
        const scope = yield* Scope.make()
        let closing: Fiber.Fiber<void> | undefined
        const { operations, scheduler } = atOperation(n, () => {
          closing = Effect.runFork(Scope.close(scope, Exit.void))
        })
        const services = yield* Effect.exit(cold(scheduler, callers, scope))
        yield* TestClock.adjust("3 seconds")
        const total = operations()
        if (closing === undefined) break
        yield* Fiber.join(closing)
        const exits = yield* Effect.forEach(callers, (caller) => Fiber.await(caller))
        expect({ n, ended: exits.every(ended) }).toEqual({ n, ended: true })
        if (Exit.isSuccess(services)) {
          const { mock, provider } = yield* Effect.provideContext(subjects, services.value)
          const requests = yield* mock.tokenRequests
          const later = yield* Effect.forkChild(Effect.exit(provider.get))
          yield* TestClock.adjust("2 hours")
          // A token that was there when the scope closed may be handed out for as long as it lives, and no other.
          yield* Fiber.join(later)
          expect({ n, requests: yield* mock.tokenRequests }).toEqual({ n, requests })
        }
        hits += 1
        if (total < n) break
      }
      expect(hits).toBeGreaterThan(200)
      reportFigure(context, {
        of: "acquisitions in which the scope is closed, each time before a different step of Effect's runtime",
        figure: String(hits),
        claim: "every waiting caller gets a result, and no token request follows"
      })
    }))
})
