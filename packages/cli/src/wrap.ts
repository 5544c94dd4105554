import { CliOutput } from "effect/cli"

/**
 * Breaks a text at its spaces into lines that are no wider than this, unless a word is wider. Each line after the first
 * begins with `hanging` spaces.
 */
export const wrap = (text: string, columns: number, hanging: number = 0): ReadonlyArray<string> =>
  text.split("\n").flatMap((line) => {
    const lines: Array<string> = []
    for (const word of line.split(" ")) {
      const last = lines.at(-1)
      // A line that is still empty, except for spaces, always takes its first word.
      if (last !== undefined && (last.trim() === "" || CliOutput.displayWidth(`${last} ${word}`) <= columns)) {
        lines[lines.length - 1] = `${last} ${word}`
      } else lines.push(last === undefined ? word : `${" ".repeat(hanging)}${word}`)
    }
    return lines
  })

const colour = /\x1b\[\d+m/g

/**
 * Wraps the lines of help, each indented to where its text begins. Commands are not wrapped, so that they can be
 * copied.
 */
export const wrapHelp = (help: string, columns: number): string => {
  let section = ""
  return help.split("\n").flatMap((line) => {
    const plain = line.replaceAll(colour, "")
    if (/^\S/.test(plain)) section = plain
    if (section === "EXAMPLES" && !/^ *#/.test(plain)) return [line]
    const [lead = ""] = /^ +\S.*? {2,}(?=\S)/.exec(plain) ?? /^ */.exec(plain) ?? []
    return wrap(line, columns, lead.length < columns - 20 ? lead.length : 4)
  }).join("\n")
}
