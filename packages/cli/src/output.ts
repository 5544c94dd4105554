import { TerminalCapabilities } from "effect/cli"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"

/** The few colours that are used; without a terminal they do nothing. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

const makeStyle = (canColor: boolean): Style => {
  const paint = (code: number) => (text: string) => canColor ? `\x1b[${code}m${text}\x1b[0m` : text
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33), cyan: paint(36) }
}

/**
 * What is written, and where: results on stdout, everything else on stderr.
 *
 * Each of the two has its own style: one may be a terminal and the other a file.
 */
export class Output extends Context.Service<Output, {
  /** Whether a person sees stdout. */
  readonly isTerminal: boolean
  /** The style of stdout. */
  readonly style: Style
  /** The style of stderr. */
  readonly noteStyle: Style
  /** Writes to stdout, unchanged. */
  readonly write: (chunk: string | Uint8Array) => Effect.Effect<void>
  /** A line on stdout. */
  readonly line: (text: string) => Effect.Effect<void>
  /** A line on stderr. */
  readonly note: (text: string) => Effect.Effect<void>
  /** A line on stderr, marked as a warning. */
  readonly warn: (text: string) => Effect.Effect<void>
  /** A line on stderr, marked as an error. */
  readonly fault: (text: string) => Effect.Effect<void>
}>()("@effect-spotnana/cli/Output") {}

/** NO_COLOR, FORCE_COLOR and TERM count for both streams, whichever of them is a terminal. */
const canColor = (stdio: Stdio.Stdio, isTerminal: Effect.Effect<boolean>): Effect.Effect<boolean> =>
  Effect.map(TerminalCapabilities.TerminalCapabilities, ({ canColor }) => canColor).pipe(
    Effect.provide(TerminalCapabilities.layer),
    Effect.provideService(Stdio.Stdio, { ...stdio, stdoutIsTerminal: isTerminal })
  )

export const layer: Layer.Layer<Output, never, Stdio.Stdio> = Layer.effect(
  Output,
  Effect.gen(function*() {
    const stdio = yield* Stdio.Stdio
    const style = makeStyle(yield* canColor(stdio, stdio.stdoutIsTerminal))
    const noteStyle = makeStyle(yield* canColor(stdio, stdio.stderrIsTerminal))
    // A stream that is gone has no reader who could be told.
    const write = (chunk: string | Uint8Array) => Effect.ignore(Stream.run(Stream.succeed(chunk), stdio.stdout()))
    const note = (text: string) => Effect.ignore(Stream.run(Stream.succeed(`${text}\n`), stdio.stderr()))
    return {
      isTerminal: yield* stdio.stdoutIsTerminal,
      style,
      noteStyle,
      write,
      line: (text) => write(`${text}\n`),
      note,
      warn: (text) => note(`${noteStyle.yellow("warning:")} ${text}`),
      fault: (text) => note(`${noteStyle.red("error:")} ${text}`)
    }
  })
)
