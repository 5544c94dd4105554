import type { Scenario } from "../Scenario.ts"
import { expiryScenario } from "./expiry.ts"
import { outageScenario } from "./outage.ts"
import { revocationScenario } from "./revocation.ts"
import { stampedeScenario } from "./stampede.ts"

export const scenarios: ReadonlyArray<Scenario> = [stampedeScenario, expiryScenario, revocationScenario, outageScenario]
