import * as Metric from "effect/Metric"

/** One per attempt to acquire a token; the attribute `outcome` is `success` or the error's tag. */
export const acquisitions = Metric.counter("spotnana_auth_acquisitions_total", {
  description: "Attempts to acquire a token, by outcome",
  incremental: true
})

/** One per token that took the place of a valid one. */
export const renewals = Metric.counter("spotnana_auth_renewals_total", {
  description: "Tokens that replaced a token which was still valid",
  incremental: true
})

/** One per token that the API rejected. */
export const rejections = Metric.counter("spotnana_auth_rejections_total", {
  description: "Tokens that the API rejected before they expired",
  incremental: true
})

/** One per request that was sent again with a new token. */
export const replays = Metric.counter("spotnana_auth_replays_total", {
  description: "Requests sent again with a new token after a 401",
  incremental: true
})

/** Read when metrics are exported, not when tokens change: it is never stale. */
export const lifetimeLeft = Metric.gauge("spotnana_auth_token_lifetime_left_seconds", {
  description: "Seconds until the token in use expires; 0 without a token"
})
