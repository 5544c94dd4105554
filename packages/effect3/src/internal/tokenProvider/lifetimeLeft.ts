import * as Metric from "effect/Metric"
import * as MetricKey from "effect/MetricKey"
import type * as MetricLabel from "effect/MetricLabel"
import * as MetricState from "effect/MetricState"
import { lifetimeLeft } from "./metrics.ts"

/** Reads the seconds until the token of one provider expires. */
export type SecondsLeft = () => number

/**
 * The open providers that report under the same labels. The one that got its token last is the last.
 *
 * The registry of Effect 3 keeps a series for ever, and whatever the series refers to. So a series refers to this only,
 * and a provider leaves it when it closes.
 */
export type Reporting = Set<SecondsLeft>

const all = /* #__PURE__ */ new Map<string, Reporting>()

/** Those that report under this key, if anybody ever did. */
export const reportingUnder = (key: string): Reporting | undefined => all.get(key)

/** Begins the series of these labels. */
export const beginSeries = (key: string, labels: ReadonlyArray<MetricLabel.MetricLabel>): Reporting => {
  const reporting: Reporting = new Set()
  all.set(key, reporting)
  // The registry asks the series for its value when metrics are exported, so the value is never stale. Nobody reports:
  // NaN, because 0 would mean that a client has no token, and because no comparison of an alert is true with NaN.
  const get = () => MetricState.gauge([...reporting].at(-1)?.() ?? NaN)
  Object.assign(Metric.globalMetricRegistry.get(MetricKey.taggedWithLabels(lifetimeLeft, labels)), { get })
  return reporting
}
