// How the demo looks: plain text of 80 columns, with colours where there is a terminal that wants them.
import { Console, Duration, Effect } from "effect"
import { styleText } from "node:util"

type Style = Parameters<typeof styleText>[0]

const width = 80
const margin = "   "

/** Colours, unless the output is a file or NO_COLOR is set: `styleText` looks at both. */
const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })

const wrap = (text: string, indent: string): string => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join(`\n${indent}`)
}

export const title = (text: string): Effect.Effect<void> => Console.log(styled("bold", text))

export const heading = (number: number, text: string): Effect.Effect<void> =>
  Console.log(`\n${styled(["bold", "cyan"], `${number}  ${text}`)}`)

/** A line on what to look at. */
export const hint = (text: string): Effect.Effect<void> =>
  Console.log(`${margin}${styled("dim", wrap(text, margin))}\n`)

export const line = (text: string, indent = margin): Effect.Effect<void> => Console.log(indent + wrap(text, indent))

/** A line of the library's log. */
export const log = (level: string, text: string): Effect.Effect<void> => {
  const lines = wrap(`log ${level} ${text}`, `${margin}  `)
  const prefix = `log ${level}`
  return Console.log(margin + styled("yellow", prefix) + lines.slice(prefix.length))
}

export const error = (name: string, message: string): Effect.Effect<void> =>
  Console.log(`${margin}${styled(["bold", "red"], name)}\n${margin}${wrap(message, margin)}`)

/** Something that was claimed, and whether it was so. */
export interface Check {
  readonly holds: boolean
  readonly fact: string
}

export const check = ({ fact, holds }: Check): Effect.Effect<void> =>
  Console.log(`${margin}${holds ? styled("green", "✓") : styled("red", "✗")} ${wrap(fact, `${margin}  `)}`)

/** A part of a line that grows; `beginDrawing` and `endDrawing` are its ends. */
export const draw = (text: string, style: Style): Effect.Effect<void> =>
  Effect.sync(() => text !== "" && process.stdout.write(styled(style, text)))

export const beginDrawing: Effect.Effect<void> = Effect.sync(() => process.stdout.write(margin))
export const endDrawing: Effect.Effect<void> = Console.log("\n")

/** A duration as people say it: milliseconds below ten seconds, whole seconds above. */
export const time = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  return millis < 10_000 ? `${Math.round(millis)} ms` : Duration.format(Duration.seconds(Math.round(millis / 1000)))
}

/** How many of a thing: `1 token request`, `3 token requests`. */
export const count = (n: number, thing: string): string => `${n} ${thing}${n === 1 ? "" : "s"}`
