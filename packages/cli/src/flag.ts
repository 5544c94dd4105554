import { Flag } from "effect/cli"

/** A flag that is off unless it is given. */
export const toggle = (name: string, description: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false), Flag.withoutNegation)

/** The lines of a description, as help shows them: below its heading. */
export const paragraphs = (...lines: ReadonlyArray<string>): string => lines.join("\n").replaceAll(/\n(?=.)/g, "\n  ")
