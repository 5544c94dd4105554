import * as Metric from "effect/Metric"

/** One per attempt to acquire a token; the attribute `outcome` is `success`, `shared`, `unchanged` (the token in use once more) or the error's tag. */
export const acquisitions = Metric.counter("spotnana_auth_acquisitions_total", {
  description: "Attempts to acquire a token, by outcome",
  incremental: true
})

/** One per token that replaced a token which had not expired, rejected tokens included. */
export const renewals = Metric.counter("spotnana_auth_renewals_total", {
  description: "Tokens in place of one that had not expired",
  incremental: true
})

/** One per rejection of the token in use, whether or not it is replaced; none while an acquisition is in flight or a backoff lasts. */
export const rejections = Metric.counter("spotnana_auth_rejections_total", {
  description: "Rejections of the access token in use, before it expired",
  incremental: true
})

/**
 * One per provider that gets its first token, without a store, while another one with the same environment and client id
 * is open, or was closed less than two minutes before.
 */
export const duplicates = Metric.counter("spotnana_auth_duplicate_clients_total", {
  description: "Clients that got their first token beside another client with the same client id",
  incremental: true
})

/** One each time that a request is sent again after a 401, with a new token or with the same one. */
export const replays = Metric.counter("spotnana_auth_replays_total", {
  description: "Requests sent again after a 401",
  incremental: true
})

/** Read when metrics are exported, not when tokens change, so it is never stale. */
export const lifetimeLeft = Metric.gauge("spotnana_auth_token_lifetime_left_seconds", {
  description: "Seconds until the token in use expires; 0 without a token"
})
