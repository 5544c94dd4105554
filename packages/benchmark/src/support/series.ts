// What a registry of metrics keeps of client ids that came and went, on a simulated clock.
import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Effect, Layer, Logger, Metric, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { transport } from "../peers/spotnana.ts"
import { settingOf } from "./server.ts"

/** How many series of the library the registry has. */
export interface SeriesLeft {
  /** Right after the last client id was released. */
  readonly released: number
  /** Ten minutes after the last was released, in which nobody used the library. */
  readonly later: number
}

const setting = settingOf("http://127.0.0.1:4801", { stubbed: true })

const client = (clientId: string) =>
  SpotnanaHttpClient.layer({
    clientId,
    clientSecret: Redacted.make(setting.clientSecret),
    environment: Environment.makeUnsafe({ baseUrl: setting.baseUrl })
  })

const use = (clientId: string) =>
  TokenProvider.TokenProvider.use(({ get }) => get).pipe(Effect.provide(Layer.fresh(client(clientId))))

export const seriesOf = (clientIds: number): Promise<SeriesLeft> =>
  Effect.gen(function*() {
    const registry = yield* Metric.MetricRegistry
    const count = () => [...registry.values()].filter(({ id }) => id.startsWith("spotnana_auth_")).length
    for (let made = 0; made < clientIds; made++) yield* use(`CLIENT${made}`)
    const released = count()
    yield* TestClock.adjust("10 minutes")
    return { released, later: count() }
  }).pipe(
    Effect.provide([transport(setting), TestClock.layer(), Logger.layer([])]),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.runPromise
  )
