import { Effect } from "effect"
import { draw } from "./draw.ts"
import { rowsOf, summaryOf } from "./rows.ts"
import { apiLatency, record, tokenLatency } from "./run.ts"

/** The picture of a token's life, and what must not be in it. */
export const makePicture = Effect.map(record, (recording) => ({
  recording,
  svg: draw({
    title: "Two hours of four tokens",
    rows: rowsOf(recording, apiLatency),
    summary: summaryOf(recording),
    notes: [
      "Drawn from a run of the library in simulated time.",
      `A token takes ${tokenLatency} ms, an answer of the API ${apiLatency} ms.`
    ]
  })
}))
