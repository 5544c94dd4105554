// A guide's code for both lines of Effect, as tabs: the reader's choice holds on every page. Tabs are components, so that
// the page is MDX.
import * as Path from "node:path"
import { guides, noteOf, snippetsOf } from "../../scripts/snippets/documents.ts"
import type { Snippet } from "../../scripts/snippets/documents.ts"
import { outsideCode } from "./markdown.ts"

const imports = "import { Badge, TabItem, Tabs } from \"@astrojs/starlight/components\""

const fence = (language: string, code: string): string => `\`\`\`${language}\n${code}\n\`\`\``

const tab = (line: string, code: string): string => `<TabItem label="${line}">\n\n${code}\n\n</TabItem>`

const show = ({ block, effect3, effect4Only }: Snippet): string => {
  const [language = ""] = block.info.split(" ")
  const code = fence(language, block.lines.join("\n"))
  if (effect4Only.length > 0) return `<p><Badge text="Effect 4 only" size="medium" /></p>\n\n${code}`
  if (effect3 === undefined) return code
  const tabs = [tab("Effect 4", code), tab("Effect 3", fence(language, effect3.code))]
  return `<Tabs syncKey="effect">\n${tabs.join("\n")}\n</Tabs>`
}

/** Markdown as MDX, on the same lines: no comments, and neither tags nor expressions. */
const asMdx = (text: string): string =>
  outsideCode(text, (prose) =>
    prose
      .replaceAll(/<!--[^]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ""))
      .replaceAll(/[<{]/g, "\\$&"))

/** What stands before the first heading of a page that has tabs, and its text with them. */
export interface Tabbed {
  readonly before: string
  readonly text: string
}

/** The text of a file with tabs, or nothing where its code is for one line of Effect only. */
export const withTabs = (file: string, text: string): Tabbed | undefined => {
  if (!guides.some((pattern) => Path.matchesGlob(file, pattern))) return undefined
  const snippets = snippetsOf(file, text)
  const [where, only] = noteOf(file, snippets)
  if (where === "") return undefined
  const lines = asMdx(text).split("\n")
  for (const snippet of snippets.toReversed()) {
    lines.splice(snippet.block.start - 1, snippet.end - snippet.block.start + 1, show(snippet))
  }
  // The tabs say the first part.
  return { before: `${imports}\n\n`, text: lines.join("\n").replace(`> ${where}`, only === "" ? "" : ">") }
}
