// The series of released client ids that a metric registry still has, on a simulated clock.
import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Effect, Layer, Logger, Metric, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { transport } from "../peers/spotnana.ts"
import { settingOf } from "./server.ts"

/** The number of series of released client ids in the registry. */
export interface SeriesLeft {
  /** Right after the last client id was released. */
  readonly released: number
  /** At the scrape ten minutes after that. */
  readonly later: number
}

const setting = settingOf("http://127.0.0.1:4801", { stubbed: true })

const client = (clientId: string) =>
  SpotnanaHttpClient.layer({
    clientId,
    clientSecret: Redacted.make(setting.clientSecret),
    environment: Environment.makeUnsafe({ baseUrl: setting.baseUrl })
  })

const token = TokenProvider.TokenProvider.use(({ get }) => get)

const releasedIds = "RELEASED"

export const seriesOf = (clientIds: number): Promise<SeriesLeft> =>
  Effect.gen(function*() {
    const registry = yield* Metric.MetricRegistry
    const count = () =>
      [...registry.values()].filter(({ attributes }) => attributes?.["client_id"]?.startsWith(releasedIds)).length
    yield* token
    for (let made = 0; made < clientIds; made++) {
      yield* Effect.provide(token, Layer.fresh(client(`${releasedIds}${made}`)))
    }
    const released = count()
    yield* TestClock.adjust("10 minutes")
    yield* Metric.snapshot
    return { released, later: count() }
  }).pipe(
    // One client that stays in use, as in an application.
    Effect.provide(client("IN_USE")),
    Effect.provide([transport(setting), TestClock.layer(), Logger.layer([])]),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.runPromise
  )
