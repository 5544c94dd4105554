import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Terminal from "effect/Terminal"
import { forTerminal, Output } from "../output.ts"

const hideCursor = "\x1b[?25l"
const showCursor = "\x1b[?25h"
// A line that is too long is cut off. If it were wrapped, the next frame would be drawn in the wrong place.
const clip = "\x1b[?7l"
const wrap = "\x1b[?7h"
const toEndOfLine = "\x1b[K"
const toEndOfScreen = "\x1b[J"
const up = (lines: number): string => lines === 0 ? "\r" : `\x1b[${lines}A\r`

/** A place on the terminal where lines are drawn again and again, each time over the ones before. */
export const make: Effect.Effect<
  (lines: ReadonlyArray<string>) => Effect.Effect<void>,
  never,
  Output | Terminal.Terminal | Scope.Scope
> = Effect.gen(function*() {
  const { write } = yield* Output
  const terminal = yield* Terminal.Terminal
  yield* Effect.acquireRelease(write(hideCursor + clip), () => write(wrap + showCursor))
  let drawn = 0
  return (lines) =>
    Effect.gen(function*() {
      const rows = yield* terminal.rows
      // Lines that have scrolled out cannot be drawn over. If the terminal reports no rows, its size is not known.
      const limit = rows > 1 ? rows - 1 : Infinity
      const visible = lines.slice(0, limit)
      const text = visible.map((line) => `${forTerminal(line)}${toEndOfLine}\n`).join("")
      // In one write, so that nothing flickers.
      yield* write(up(Math.min(drawn, limit)) + text + toEndOfScreen)
      drawn = visible.length
    })
})
