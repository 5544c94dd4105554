import type { Policy } from "@effect-spotnana/engine/Policy"
import * as Duration from "effect/Duration"
import type { RefreshPolicy } from "../../RefreshPolicy.ts"

/** The policy as the engine has it: every duration in milliseconds. */
export const enginePolicy = (policy: RefreshPolicy): Policy => ({
  mode: policy.mode,
  renewAt: policy.renewAt,
  jitter: policy.jitter,
  minimumMargin: Duration.toMillis(policy.minimumMargin),
  leeway: Duration.toMillis(policy.leeway),
  backoffBase: Duration.toMillis(policy.backoffBase),
  backoffMaximum: Duration.toMillis(policy.backoffMaximum),
  retryAfterMaximum: Duration.toMillis(policy.retryAfterMaximum),
  attempts: policy.attempts,
  maximumWait: Duration.toMillis(policy.maximumWait),
  refusalTimeToLive: Duration.toMillis(policy.refusalTimeToLive),
  acquisitionTimeout: Duration.toMillis(policy.acquisitionTimeout)
})
