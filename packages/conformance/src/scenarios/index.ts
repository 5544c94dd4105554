import type { Scenario } from "../Scenario.ts"
import { endings } from "./endings.ts"
import { rejections } from "./rejections.ts"
import { requests } from "./requests.ts"
import { time } from "./time.ts"
import { tokens } from "./tokens.ts"

/** The suite. */
export const scenarios: ReadonlyArray<Scenario> = [...tokens, ...rejections, ...requests, ...time, ...endings]
