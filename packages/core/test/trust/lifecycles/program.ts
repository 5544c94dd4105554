// Lives a scenario thousands of times over, and prints what is left of it, as JSON.
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Clock, Effect, Exit, Layer, LayerMap, Metric, References, Scope } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { clientId, clientSecret, onMock, subjects } from "../../support/harness.ts"

/** What one time is, and what ends it all. */
interface Scenario {
  readonly step: (n: number) => Effect.Effect<unknown, unknown>
  readonly end: Effect.Effect<unknown, unknown>
}

/** Seven ends: unused, acquiring, with a token, renewed, rejected, refused, and after a call. */
const provider = (n: number) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const services = yield* Layer.buildWithScope(
      onMock({ refresh: { mode: n % 2 === 0 ? "background" : "onDemand" } }, { tokenLatency: "1 second" }),
      scope
    )
    yield* Effect.gen(function*() {
      const { client, mock, provider } = yield* subjects
      const end = n % 7
      if (end === 0) return
      yield* Effect.forkDetach(Effect.exit(provider.get))
      if (end === 1) return yield* TestClock.adjust(500)
      yield* TestClock.adjust("2 seconds")
      if (end === 2) return
      if (end === 3) return yield* TestClock.adjust("49 minutes")
      if (end === 4) return yield* provider.reject(yield* provider.get)
      if (end === 5) {
        yield* mock.rotateSecret()
        yield* Effect.forkDetach(Effect.exit(client.get("/v2/companies")))
        return yield* TestClock.adjust("2 seconds")
      }
      yield* client.get("/v2/companies")
    }).pipe(Effect.provide(services))
    yield* Scope.close(scope, Exit.void)
    yield* TestClock.adjust(0)
  })

/** A token endpoint that remembers nothing: what grows is the library's. */
const endless = Layer.sync(HttpClient.HttpClient, () => {
  let serial = 0
  return HttpClient.make((request) =>
    Effect.sync(() =>
      HttpClientResponse.fromWeb(
        request,
        Response.json({ access_token: `token-${++serial}`, token_type: "Bearer", expires_in: 3600 })
      )
    )
  )
})

/** One provider that goes on living while `step` is repeated, and its scope. */
const longLived = (step: (provider: TokenProvider.TokenProvider["Service"]) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const services = yield* Layer.buildWithScope(
      SpotnanaHttpClient.layer({ clientId, clientSecret, refresh: { jitter: 0 } }).pipe(Layer.provide(endless)),
      scope
    )
    const provider = yield* Effect.provideContext(TokenProvider.TokenProvider, services)
    yield* provider.get
    return {
      step: () => step(provider),
      end: Effect.andThen(Scope.close(scope, Exit.void), TestClock.adjust(0))
    }
  })

const replaced = (provider: TokenProvider.TokenProvider["Service"], replace: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const before = yield* provider.get
    yield* replace
    if (before === (yield* provider.get)) return yield* Effect.die("The token was not replaced")
  })

const scenarios: Readonly<Record<string, Effect.Effect<Scenario, unknown>>> = {
  providers: Effect.succeed({ step: provider, end: Effect.void }),

  renewals: longLived((provider) => replaced(provider, TestClock.adjust("48 minutes"))),

  rejections: longLived((provider) =>
    replaced(
      provider,
      TestClock.adjust("13 seconds").pipe(
        Effect.andThen(Effect.orDie(provider.get)),
        Effect.tap(provider.reject),
        Effect.flatMap((rejected) => Effect.orDie(provider.replacement(rejected))),
        Effect.andThen(provider.replayAccepted)
      )
    )
  ),

  tenants: Effect.gen(function*() {
    const scope = yield* Scope.make()
    const tenants = yield* LayerMap.make(
      (clientId: string) => SpotnanaHttpClient.layer({ clientId, clientSecret }).pipe(Layer.provide(endless)),
      { idleTimeToLive: "1 minute" }
    ).pipe(Scope.provide(scope))
    return {
      step: (n) =>
        TokenProvider.TokenProvider.use((provider) => provider.get).pipe(
          Effect.provide(tenants.get(`tenant-${n}`)),
          Effect.andThen(TestClock.adjust("1 second"))
        ),
      // The map goes on living, with a tenant in it that comes when the counters of the others are over.
      end: TestClock.adjust("4 minutes").pipe(
        Effect.andThen(TokenProvider.TokenProvider.use((provider) => provider.get)),
        Effect.provide(tenants.get("the-last")),
        Effect.andThen(TestClock.adjust("2 minutes"))
      )
    }
  })
}

const heap = () => {
  globalThis.gc!()
  return process.memoryUsage().heapUsed
}

/**
 * Lives a scenario for so many times 250 times, and returns by how many bytes of heap each time grew: the least of all
 * windows of 1,000 times. What is kept of each time grows all windows. Code that V8 compiles, and what it has not
 * collected yet, grow one and not the next.
 */
const measure = (times250: number, step: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const heaps = [heap()]
    for (let index = 0; index < times250; index++) {
      for (let n = 0; n < 250; n++) yield* step
      heaps.push(heap())
    }
    const growths = heaps.slice(4).map((after, index) => (after - heaps[index]!) / 1_000)
    return Math.max(0, Math.round(Math.min(...growths)))
  })

const registry: Metric.MetricRegistry = new Map()

const live = (scenario: Effect.Effect<Scenario, unknown>) =>
  Effect.gen(function*() {
    const base = yield* TestClock.testClockWith(Effect.succeed)
    let sleeps = 0
    let fibers = 0
    let fibersInAll = 0
    const clock: TestClock.TestClock = {
      ...base,
      sleep: (duration) =>
        Effect.acquireUseRelease(
          Effect.sync(() => void (sleeps += 1)),
          () => base.sleep(duration),
          () => Effect.sync(() => void (sleeps -= 1))
        )
    }
    const lived = yield* Effect.gen(function*() {
      const { end, step } = yield* scenario
      let times = 0
      const next = Effect.suspend(() => step(times++))
      for (let n = 0; n < 500; n++) yield* next
      const bytesEach = yield* measure(6, next)
      // The same, with a small object that is kept of each time.
      const kept = new Map<number, object>()
      const keep = () => void kept.set(times, { number: times, value: undefined, next: undefined })
      const bytesEachKept = yield* measure(4, Effect.map(next, keep))
      if (kept.size !== 1_000) return yield* Effect.die("Not every object was kept")
      yield* end
      return { times, bytesEach, bytesEachKept }
    }).pipe(
      Effect.provideService(Clock.Clock, clock),
      Effect.provideService(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => {
          fibers += 1
          fibersInAll += 1
        },
        recordFiberEnd: () => void (fibers -= 1)
      })
    )
    const gauges = (yield* Metric.snapshot).filter(({ id }) => id === "spotnana_auth_token_lifetime_left_seconds")
    return {
      ...lived,
      sleeps,
      fibers,
      fibersInAll,
      series: gauges.length,
      clients: new Set([...registry.values()].map(({ attributes }) => attributes?.["client_id"])).size,
      // The pipe is what this very answer goes through.
      resources: process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap" && name !== "Immediate")
    }
  })

const result = await Effect.runPromise(
  live(scenarios[process.argv[2]!]!).pipe(
    Effect.provide(TestClock.layer()),
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provideService(Metric.MetricRegistry, registry)
  )
)

console.log(JSON.stringify(result))
