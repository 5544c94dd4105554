// All scenarios, in the order of the results.
import type { Scenario } from "../Scenario.ts"
import { expiry } from "./expiry.ts"
import { growth } from "./growth.ts"
import { hotPath } from "./hotPath.ts"
import { outage } from "./outage.ts"
import { redis } from "./redis.ts"
import { released } from "./released.ts"
import { revocation } from "./revocation.ts"
import { size } from "./size.ts"
import { stampede } from "./stampede.ts"
import { start } from "./start.ts"
import { tenants } from "./tenants.ts"
import { throughput } from "./throughput.ts"

export const scenarios: ReadonlyArray<Scenario> = [
  hotPath,
  throughput,
  stampede,
  expiry,
  revocation,
  outage,
  tenants,
  released,
  start,
  size,
  growth,
  redis
]
