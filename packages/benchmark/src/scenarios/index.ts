import type { Scenario } from "../Scenario.ts"
import { expiry } from "./expiry.ts"
import { outage } from "./outage.ts"
import { revocation } from "./revocation.ts"
import { stampede } from "./stampede.ts"

export const scenarios: ReadonlyArray<Scenario> = [stampede, expiry, revocation, outage]
