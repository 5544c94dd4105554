/** Lives of processes under `TestClock`, recorded as Prometheus would: scraped once a minute. */
import { Credentials, SpotnanaHttpClient, TokenExchange, TokenStore } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { Context, Effect, Exit, Layer, Metric, Redacted, References, Scope } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import * as Exposition from "./exposition.ts"
import { clientId, clientSecret } from "./harness.ts"

/** A series, with what was seen of it at each minute. */
export interface Series {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
  readonly values: Array<number | undefined>
}

/** A process that uses Spotnana. */
export interface Process {
  /** Makes some calls at once, for better or worse. */
  readonly call: (times: number) => Effect.Effect<void>
  /** Ends it. It is scraped no more. */
  readonly die: Effect.Effect<void>
  /** Closes the client. The process goes on, and is scraped. */
  readonly close: Effect.Effect<void>
}

export interface ProcessOptions extends SpotnanaHttpClient.Options<false> {
  /** Where the credentials come from. Default: they are the mock's first ones, and never change. */
  readonly source?: Credentials.Credentials["Service"] | undefined
  readonly store?: TokenStore.TokenStore["Service"] | undefined
  /** Whose token it exchanges. Default: nobody's, the client acts for itself. */
  readonly user?: string | undefined
  /** Whether it calls Spotnana every ten seconds. Default: yes. */
  readonly isBusy?: boolean | undefined
}

/** What a story is told with. */
export interface World {
  readonly mock: MockSpotnana.MockSpotnana["Service"]
  /** Starts a process, which Prometheus knows by this name, or a further client in the process of this name. */
  readonly start: (instance: string, options?: ProcessOptions) => Effect.Effect<Process>
  /** Lets time pass. */
  readonly pass: (minutes: number) => Effect.Effect<void>
  /** How many minutes have passed. */
  readonly now: () => number
  readonly series: ReadonlyMap<string, Series>
}

/** A world in which nothing has happened yet. */
export const make: Effect.Effect<World, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const mock = yield* MockSpotnana.make({ clientId, clientSecret })
  const registries = new Map<string, (typeof Metric.MetricRegistry)["Service"]>()
  const series = new Map<string, Series>()
  let minute = 0

  const scrape = Effect.gen(function*() {
    for (const [instance, registry] of registries) {
      const page = yield* Effect.provideService(PrometheusMetrics.format(), Metric.MetricRegistry, registry)
      for (const { name: metric, samples } of Exposition.parse(page)) {
        for (const sample of samples) {
          const labels = { ...sample.labels, instance, job: "booking" }
          const key = JSON.stringify([metric, labels])
          const found = series.get(key) ?? { metric, labels, values: [] }
          series.set(key, found)
          found.values[minute] = sample.value
        }
      }
    }
  })

  const start = Effect.fnUntraced(function*(
    instance: string,
    { isBusy = true, source, store, user, ...options }: ProcessOptions = {}
  ) {
    const registry: (typeof Metric.MetricRegistry)["Service"] = registries.get(instance) ?? new Map()
    const life = yield* Scope.fork(scope)
    const run = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      effect.pipe(
        Effect.provideService(Metric.MetricRegistry, registry),
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    const kept = { refresh: { jitter: 0 }, ...options }
    const ofUser = (user: string) =>
      // What it fails with besides is not looked at.
      Effect.map(TokenExchange.UserHttpClient, (client) => client as SpotnanaHttpClient.SpotnanaHttpClient["Service"])
        .pipe(
          Layer.effect(SpotnanaHttpClient.SpotnanaHttpClient),
          Layer.provide(TokenExchange.layer({ ...kept, user, subjectToken: Effect.succeed(Redacted.make(user)) }))
        )
    const client = (user === undefined ? SpotnanaHttpClient.layerCredentials(kept) : ofUser(user)).pipe(
      Layer.provide(
        Layer.succeed(Credentials.Credentials, source ?? { current: Effect.succeed({ clientId, clientSecret }) })
      ),
      Layer.provide(store === undefined ? Layer.empty : Layer.succeed(TokenStore.TokenStore, store)),
      Layer.provide(MockSpotnana.layerHttpClient),
      Layer.provide(Layer.succeed(MockSpotnana.MockSpotnana, mock))
    )
    const spotnana = Context.get(
      yield* run(Layer.buildWithScope(client, life)),
      SpotnanaHttpClient.SpotnanaHttpClient
    )
    const call = (times: number) =>
      run(Effect.replicateEffect(Effect.exit(spotnana.get("/v2/companies")), times, {
        concurrency: "unbounded",
        discard: true
      }))
    if (isBusy) yield* call(1).pipe(Effect.andThen(Effect.sleep("10 seconds")), Effect.forever, Effect.forkIn(life))
    registries.set(instance, registry)
    const close = Scope.close(life, Exit.void)
    return { call, close, die: Effect.andThen(close, Effect.sync(() => void registries.delete(instance))) }
  })

  const pass = (minutes: number) =>
    TestClock.adjust("1 minute").pipe(
      Effect.andThen(Effect.suspend(() => {
        minute++
        return scrape
      })),
      Effect.replicateEffect(minutes, { discard: true })
    )

  return { mock, start, pass, now: () => minute, series }
})
