// Reading and changing Markdown.

/** Something that a text links to: the part of `[…](…)` and of `[…]: …` that is an address. */
const link = /(\]\(|^\[[^\]]+\]: +)([^\s)]+)/gm

/** Changes a text, but for what is code in it: blocks, and code in a line, which may go on in the next one. */
export const outsideCode = (text: string, change: (prose: string) => string): string =>
  text.split(/(^ *```[^]*?^ *```$|`(?:[^`\n]|\n(?!\n))+`)/m).map((part, index) => index % 2 === 0 ? change(part) : part)
    .join("")

export const changeLinks = (text: string, change: (address: string) => string): string =>
  outsideCode(text, (prose) => prose.replaceAll(link, (_, before: string, address: string) => before + change(address)))

const headings = (text: string): ReadonlyArray<string> =>
  [...text.replaceAll(/^ *```[^]*?^ *```$/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading.replaceAll("`", "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
  )

export const titleOf = (text: string): string | undefined => headings(text)[0]

/** The anchors of the headings, as GitHub and the site make them. */
export const anchorsOf = (text: string): ReadonlySet<string> => {
  const seen = new Map<string, number>()
  return new Set(
    headings(text).map((heading) => {
      const anchor = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")
      const count = seen.get(anchor) ?? 0
      seen.set(anchor, count + 1)
      return count === 0 ? anchor : `${anchor}-${count}`
    })
  )
}

/** What the site reads before a page. */
export const frontMatter = (matter: Readonly<Record<string, unknown>>): string =>
  `---\n${Object.entries(matter).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join("\n")}\n---\n\n`
