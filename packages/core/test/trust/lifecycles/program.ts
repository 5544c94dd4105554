// Ten thousand providers that live and end at every moment of their life, and what is left of them, as JSON.
import { Clock, Effect, Exit, Layer, Metric, References, Scope } from "effect"
import { TestClock } from "effect/testing"
import { onMock, subjects } from "../../support/harness.ts"

const lifecycles = 10_000
const warmUp = 2_000

const heap = () => {
  for (let n = 0; n < 4; n++) globalThis.gc!()
  return process.memoryUsage().heapUsed
}

/** Seven ends: unused, acquiring, with a token, renewed, rejected, refused, and after a call. */
const live = (n: number) =>
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

const registry = new Map()

const program = Effect.gen(function*() {
  const base = yield* TestClock.testClockWith(Effect.succeed)
  let sleeps = 0
  const clock: TestClock.TestClock = {
    ...base,
    sleep: (duration) =>
      Effect.acquireUseRelease(
        Effect.sync(() => void (sleeps += 1)),
        () => base.sleep(duration),
        () => Effect.sync(() => void (sleeps -= 1))
      )
  }
  let before = 0
  for (let n = 0; n < lifecycles; n++) {
    if (n === warmUp) before = heap()
    yield* Effect.provideService(live(n), Clock.Clock, clock)
  }
  const grown = heap() - before
  const gauges = (yield* Metric.snapshot).filter(({ id }) => id === "spotnana_auth_token_lifetime_left_seconds")
  return {
    lifecycles,
    sleeps,
    series: gauges.length,
    // The pipe is what this very answer goes through.
    resources: process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap" && name !== "Immediate"),
    bytesPerLifecycle: Math.max(0, Math.round(grown / (lifecycles - warmUp)))
  }
})

const result = await Effect.runPromise(program.pipe(
  Effect.provide(TestClock.layer()),
  Effect.provideService(References.MinimumLogLevel, "None"),
  Effect.provideService(Metric.MetricRegistry, registry)
))

console.log(JSON.stringify(result))
