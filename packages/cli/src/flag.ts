import { Argument, Flag } from "effect/cli"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"

/** A flag that is off unless it is given. */
export const toggle = (name: string, description: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false), Flag.withoutNegation)

/** `Flag.Path` makes `-` a path too. */
const orStdin = (file: string): Effect.Effect<string, never, Path.Path> =>
  Path.Path.use((path) => Effect.succeed(file === path.resolve("-") ? "-" : file))

/** A file to read, which shells complete, or `-` for stdin. */
export const inputFile = (name: string): Flag.Flag<string> =>
  Flag.Path(name).pipe(Flag.mapEffect(orStdin), Flag.withMetavar("file"))

/** The same as an argument. */
export const inputFileArgument = (name: string): Argument.Argument<string> =>
  Argument.Path(name).pipe(Argument.mapEffect(orStdin))

/**
 * A description as help shows it, below its heading. An empty line separates paragraphs. A line that begins with a
 * space stays as it is. Help wraps the other lines at the width of the terminal.
 */
export const paragraphs = (...lines: ReadonlyArray<string>): string =>
  lines.join("\n").replaceAll(/(?<=.)\n(?=[^ \n])/g, " ").replaceAll(/\n(?=.)/g, "\n  ")

const units = { ms: "millis", s: "seconds", m: "minutes", h: "hours" } as const

/** Reads `500ms`, `30s`, `1.5m`, `2h`. */
export const parseDuration = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  return amount === undefined
    ? Option.none()
    : Duration.fromInput(`${Number(amount)} ${units[unit as keyof typeof units]}`)
}

/** No date is so far away that it cannot be represented. */
const longest = Duration.hours(8760)

/** A duration as a user types it: at least so many milliseconds, and at most a year. */
export const duration = (name: string, atLeast = 0): Flag.Flag<Duration.Duration> =>
  Flag.String(name).pipe(
    Flag.withMetavar("duration"),
    Flag.filterMap(
      (text) =>
        Option.filter(
          parseDuration(text),
          (value) => Duration.toMillis(value) >= atLeast && Duration.isLessThanOrEqualTo(value, longest)
        ),
      (text) =>
        Option.isNone(parseDuration(text))
          ? `Expected a number and a unit, as in 500ms, 30s, 5m or 2h; got "${text}"`
          : `Expected a duration from ${atLeast}ms to 8760h (a year); got "${text}"`
    )
  )

/** A port to listen on. */
export const port = (byDefault: number): Flag.Flag<number> =>
  Flag.Int("port").pipe(
    Flag.withMetavar("port"),
    Flag.filter((port) => port >= 0 && port <= 65_535, (port) => `Expected a port, 0 to 65535; got ${port}`),
    Flag.withDefault(byDefault)
  )
