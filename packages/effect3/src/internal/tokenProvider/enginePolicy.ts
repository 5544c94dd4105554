import type { Policy } from "@effect-spotnana/engine/Policy"
import { defaultAcquisitionTimeout } from "@effect-spotnana/engine/Policy"
import * as Duration from "effect/Duration"
import * as RefreshPolicy from "../../RefreshPolicy.ts"

/** The policy as the engine has it, every duration in milliseconds, for an endpoint that may take so long for a request. */
export const enginePolicy = (
  options: RefreshPolicy.Options | undefined,
  requestTimeout: Duration.Duration | undefined
): Policy => {
  const policy = RefreshPolicy.make(options)
  return {
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
    retryFor: Duration.toMillis(policy.retryFor),
    refusalTimeToLive: Duration.toMillis(policy.refusalTimeToLive),
    acquisitionTimeout: options?.acquisitionTimeout === undefined && requestTimeout !== undefined
      ? defaultAcquisitionTimeout(Duration.toMillis(requestTimeout))
      : Duration.toMillis(policy.acquisitionTimeout)
  }
}
