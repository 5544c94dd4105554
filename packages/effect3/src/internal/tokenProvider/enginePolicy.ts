import type { Policy } from "@effect-spotnana/engine/Policy"
import { defaultAcquisitionTimeout } from "@effect-spotnana/engine/Policy"
import { completed } from "@effect-spotnana/engine/PolicyOptions"
import * as Duration from "effect/Duration"
import type * as RefreshPolicy from "../../RefreshPolicy.ts"
import { millis } from "../options.ts"

/** The policy for an endpoint with this time limit for a request. */
export const enginePolicy = (
  options: RefreshPolicy.Options | undefined,
  requestTimeout: Duration.Duration | undefined
): Policy => {
  const policy = completed(options, millis)
  if (options?.acquisitionTimeout !== undefined || requestTimeout === undefined) return policy
  const acquisitionTimeout = defaultAcquisitionTimeout(Duration.toMillis(requestTimeout))
  // The same object for all tenants that use the default, because there may be thousands of them.
  return acquisitionTimeout === policy.acquisitionTimeout ? policy : { ...policy, acquisitionTimeout }
}
