import type { Scenario } from "../Scenario.ts"

export const scenarios: ReadonlyArray<Scenario> = []
