import { Effect, Metric } from "effect"

/** The values of the metrics of one environment, by name and labels. The registry of Effect 3 is one for the process. */
export const seriesOf = (
  environment: string
): Effect.Effect<ReadonlyArray<readonly [string, Record<string, string>, number]>> =>
  Effect.map(Metric.snapshot, (pairs) =>
    pairs.flatMap(({ metricKey, metricState }) => {
      const labels = Object.fromEntries(metricKey.tags.map(({ key, value }) => [key, value]))
      if (labels["environment"] !== environment) return []
      const state = metricState as unknown as { readonly count?: number; readonly value?: number }
      return [[metricKey.name, labels, Number(state.count ?? state.value)] as const]
    }))
