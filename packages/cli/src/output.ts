import { TerminalCapabilities } from "effect/cli"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"

/** The few styles that are used. Without a terminal they do nothing. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

// Replaces the escape character in styled text. It is random in each process, so no text from outside contains it.
const mark = crypto.randomUUID()

const makeStyle = (canColor: boolean): Style => {
  const paint = (code: number) => (text: string) => canColor ? `${mark}[${code}m${text}${mark}[0m` : text
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33), cyan: paint(36) }
}

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/**
 * Makes a text safe for a terminal. It escapes control characters except tab and line break, and characters that change
 * the direction of writing. So text from a server cannot move the cursor, set the title or use colours. The characters
 * of a style stay.
 */
export const forTerminal = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\t\n]|[\u2028-\u202e\u2066-\u2069]/gu, escape).replaceAll(mark, "\x1b")

/**
 * Writes results to stdout, and everything else to stderr.
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
  /** Writes to stdout, unchanged. Use `line` for text from outside, or call `forTerminal` first. */
  readonly write: (chunk: string | Uint8Array) => Effect.Effect<void>
  /** A line on stdout. This and all that follow use `forTerminal`. */
  readonly line: (text: string) => Effect.Effect<void>
  /** A line on stderr. */
  readonly note: (text: string) => Effect.Effect<void>
  /** A line on stderr, marked as a warning. */
  readonly warn: (text: string) => Effect.Effect<void>
  /** A line on stderr, marked as an error. */
  readonly fault: (text: string) => Effect.Effect<void>
}>()("@effect-spotnana/cli/Output") {}

/** NO_COLOR, FORCE_COLOR and TERM apply to both streams, whichever of them is a terminal. */
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
    // If the stream is closed, nobody can read an error.
    const write = (chunk: string | Uint8Array) => Effect.ignore(Stream.run(Stream.succeed(chunk), stdio.stdout()))
    const note = (text: string) => Effect.ignore(Stream.run(Stream.succeed(`${forTerminal(text)}\n`), stdio.stderr()))
    return {
      isTerminal: yield* stdio.stdoutIsTerminal,
      style,
      noteStyle,
      write,
      line: (text) => write(`${forTerminal(text)}\n`),
      note,
      warn: (text) => note(`${noteStyle.yellow("warning:")} ${text}`),
      fault: (text) => note(`${noteStyle.red("error:")} ${text}`)
    }
  })
)
