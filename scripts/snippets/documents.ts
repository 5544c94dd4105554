// The blocks of code in a document, and the guides that are written for both lines of Effect.
import * as Path from "node:path"
import { onlyInEffect4, toEffect3 } from "./effect3.ts"

/** Their code is for Effect 4, and is converted for Effect 3. */
export const guides: ReadonlyArray<string> = ["README.md", "docs/*.md", "packages/testing/README.md"]

export interface Block {
  /** The line of its fence, from 1. */
  readonly start: number
  /** The line of the fence that closes it. */
  readonly end: number
  /** What stands behind the opening fence. */
  readonly info: string
  readonly lines: ReadonlyArray<string>
}

/** TypeScript is fenced in three ways: for Effect 4 and converted, for Effect 3, and with a name that only Effect 4 has. */
const infos = /^(?:(?!(?:ts|tsx|typescript)\b)\S*|ts|(?:ts|sh) effect3|ts effect4 \w+)$/

/** The blocks of the lines of a document. */
export const blocksOf = (file: string, lines: ReadonlyArray<string>): ReadonlyArray<Block> => {
  const found: Array<Block> = []
  let open:
    | { readonly mark: string; readonly indent: number; readonly block: Block & { lines: Array<string> } }
    | undefined
  for (const [index, line] of lines.entries()) {
    const [, indent = "", mark = "", info = ""] = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line) ?? []
    if (open === undefined) {
      if (mark === "") continue
      if (!infos.test(info)) {
        throw new Error(`${file}:${index + 1}: "${info}" is not how code is fenced: see CONTRIBUTING.md`)
      }
      open = { mark, indent: indent.length, block: { start: index + 1, end: 0, info, lines: [] } }
    } else if (mark.startsWith(open.mark) && info === "") {
      found.push({ ...open.block, end: index + 1 })
      open = undefined
    } else {
      open.block.lines.push(line.slice(open.indent))
    }
  }
  if (open !== undefined) throw new Error(`${file}: a fence is not closed`)
  return found
}

/** Code of a guide for both lines of Effect. */
export interface Snippet {
  /** The block for Effect 4. */
  readonly block: Block
  /** The line on which the code for both ends. */
  readonly end: number
  /** What is in it for Effect 4 only. */
  readonly effect4Only: ReadonlyArray<string>
  /** For Effect 3, where it differs; `start` is the line above it. */
  readonly effect3: { readonly start: number; readonly code: string } | undefined
}

/** Whether a block is the one above it for Effect 3, written by hand. */
const isFor3 = (lines: ReadonlyArray<string>, block: Block, above: Block | undefined): boolean =>
  above !== undefined && block.info === `${above.info} effect3` &&
  lines.slice(above.end, block.start - 1).join("\n") === "\nIn Effect 3:\n"

const convert = (file: string, { lines, start }: Block): Snippet["effect3"] => {
  try {
    const code = lines.join("\n")
    const converted = toEffect3(code)
    // Fewer lines of imports: what is below them stays on its line.
    return converted === code
      ? undefined
      : { start: start + lines.length - converted.split("\n").length, code: converted }
  } catch (cause) {
    throw new Error(`${file}:${start}: ${(cause as Error).message}. Write it for Effect 3 below, as \`\`\`ts effect3`, {
      cause
    })
  }
}

/** What there is for both lines of Effect in a guide. */
export const snippetsOf = (file: string, text: string): ReadonlyArray<Snippet> => {
  const lines = text.split("\n")
  const blocks = blocksOf(file, lines)
  return blocks.flatMap((block, index): ReadonlyArray<Snippet> => {
    const next = blocks[index + 1]
    if (isFor3(lines, block, blocks[index - 1])) return []
    if (block.info.endsWith(" effect3")) {
      throw new Error(`${file}:${block.start}: stands below the same for Effect 4, with "In Effect 3:" between the two`)
    }
    if (next !== undefined && isFor3(lines, next, block)) {
      return [{ block, end: next.end, effect4Only: [], effect3: { start: next.start, code: next.lines.join("\n") } }]
    }
    const [language, , marked] = block.info.split(" ")
    if (language !== "ts") return []
    const effect4Only = marked === undefined ? onlyInEffect4(block.lines.join("\n")) : [marked]
    return [{ block, end: block.end, effect4Only, effect3: effect4Only.length > 0 ? undefined : convert(file, block) }]
  })
}

const root = "https://github.com/effect-spotnana/effect-spotnana/blob/main/"

/** The line by which a guide with code says what it is for, in two parts: the second stays where both are shown. */
export const noteOf = (file: string, snippets: ReadonlyArray<Snippet>): readonly [where: string, only: string] => {
  const directory = Path.posix.dirname(file)
  const address = directory.startsWith("packages/")
    ? `${root}docs/effect-3.md`
    : Path.posix.relative(directory, "docs/effect-3.md")
  const only = [...new Set(snippets.flatMap(({ effect4Only }) => effect4Only))].toSorted().map((name) => `\`${name}\``)
  return [
    snippets.some(({ effect3, effect4Only }) => effect3 !== undefined || effect4Only.length > 0)
      ? `Code for Effect 4. [What changes for Effect 3](${address}).`
      : "",
    only.length > 0 ? `Not available for Effect 3: ${only.join(", ")}.` : ""
  ]
}
