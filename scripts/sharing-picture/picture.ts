import { Effect } from "effect"
import { draw } from "./draw.ts"
import { rowsOf } from "./rows.ts"
import { oneWay, record, tokenLatency } from "./run.ts"

/** The picture of `docs/sharing-tokens.md`, and what must not be in it. */
export const makePicture = Effect.map(record, ({ coldStart, frozenHolder, rejection, secrets }) => ({
  secrets,
  svg: draw({
    title: "Three processes share a token",
    scenes: [
      {
        title: "1. Cold start",
        summary: "All need a token at once. One of them requests it; the others wait, and are told.",
        rows: rowsOf(coldStart)
      },
      {
        title: "2. The API rejects the token",
        summary: "B and C get a 401. One of them replaces the token for all; A has the new one before its next call.",
        rows: rowsOf(rejection)
      },
      {
        title: "3. The holder of the lease freezes",
        summary:
          "After five seconds another takes over. The late write is refused by its fence, and A takes the newer token.",
        rows: rowsOf(frozenHolder)
      }
    ],
    notes: [
      `Drawn from runs of the library in simulated time: ${oneWay} ms to the store, ${oneWay} ms back, ${tokenLatency} ms for a token.`,
      "An arrow stands at the time of its arrival. One to the store carries the answer as well.",
      "Left out: what a process finds in the store again, unchanged or as it wrote it itself, and what it is told of that;",
      "that it subscribes to changes; and, but for one line, that it asks again for a lease that is still held."
    ]
  })
}))
