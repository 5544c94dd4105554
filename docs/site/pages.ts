// The pages of the site that are not made from sources: what is in the repository as Markdown, with links that hold in
// the site. A link to what the site does not have goes to the repository.
import * as Fs from "node:fs"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "../..")

/** Written here as they go into the site, for TypeDoc to read. */
const out = Path.join(root, ".generated/pages")

const front = "README.md"
/** Where README.md is parted: what comes before is the front page, the rest is a guide. */
const restOfReadme = "## Configuration"

/** In reading order. What `docs` has beside these comes after them. */
const readingOrder = [
  "docs/getting-started.md",
  front,
  "docs/errors.md",
  "docs/odd-servers.md",
  "docs/tenants.md",
  "docs/acting-for-a-user.md",
  "docs/sharing-tokens.md",
  "docs/testing-your-application.md",
  "packages/testing/README.md",
  "docs/migrating-from-get-auth-token.md",
  "docs/rotating-credentials.md",
  "docs/signing-subject-tokens.md",
  "docs/scim.md",
  "docs/webhooks.md",
  "docs/running-in-production.md",
  "docs/fast-start.md",
  "packages/cli/README.md",
  "packages/engine/README.md",
  "docs/comparison.md",
  "SECURITY.md"
]

/** Names in the menu, where the first heading is none. */
const names: Readonly<Record<string, string>> = {
  [front]: "Configuration and behaviour",
  "packages/testing/README.md": "The Spotnana for tests",
  "packages/cli/README.md": "Command line",
  "packages/engine/README.md": "The engine"
}

interface Page {
  /** Where it lies in the repository. */
  readonly source: string
  /** The file that it is written to. */
  readonly file: string
  readonly name: string
  readonly text: string
}

export interface Pages {
  readonly front: string
  readonly guides: ReadonlyArray<string>
}

/** Something that a Markdown text links to: the part of `[…](…)` and of `[…]: …` that is an address. */
const link = /(\]\(|^\[[^\]]+\]: +)([^\s)]+)/gm

/** Changes a Markdown text, but for what is code in it. */
const outsideCode = (text: string, change: (prose: string) => string): string =>
  text.split(/(^ *```[^]*?^ *```$|`[^`\n]+`)/m).map((part, index) => index % 2 === 0 ? change(part) : part).join("")

/** The name of a heading in an address, as GitHub and TypeDoc make it. */
const anchorOf = (heading: string): string =>
  heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-")

const headings = (text: string): ReadonlyArray<string> => {
  const prose = text.replaceAll(/^ *```[^]*?^ *```$/gm, "")
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.replaceAll("`", ""))
}

const read = (source: string): string => Fs.readFileSync(Path.join(root, source), "utf8")

const makePages = (): ReadonlyArray<Page> => {
  const readme = read(front)
  const cut = readme.indexOf(`\n${restOfReadme}\n`) + 1
  const found = Fs.globSync(["docs/*.md", "packages/{testing,cli,engine}/README.md", "SECURITY.md"], { cwd: root })
    .sort()
  const place = (source: string) => (readingOrder.indexOf(source) + readingOrder.length + 1) % (readingOrder.length + 1)
  const guides = [...found, front].toSorted((a, b) => place(a) - place(b))
  return [
    { source: front, file: "index.md", name: "effect-spotnana", text: readme.slice(0, cut) },
    ...guides.map((source) => {
      const text = source === front ? `# ${names[front]}\n\n${readme.slice(cut)}` : read(source)
      const name = names[source] ?? headings(text)[0] ?? source
      return { source, file: `${anchorOf(name)}.md`, name, text }
    })
  ]
}

const inSite = (page: Page, pages: ReadonlyArray<Page>, repository: string) => (address: string): string => {
  if (/^[a-z]+:/.test(address)) return address
  const [path = "", anchor] = address.split("#")
  const target = path === "" ? page.source : Path.posix.join(Path.posix.dirname(page.source), path)
  const hash = anchor === undefined ? "" : `#${anchor}`
  const candidates = pages.filter(({ source }) => source === target)
  const goal = candidates.find(({ text }) => headings(text).some((heading) => anchorOf(heading) === anchor)) ??
    candidates[0]
  if (goal !== undefined) return goal === page ? hash || page.file : goal.file + hash
  const kind = Fs.statSync(Path.join(root, target), { throwIfNoEntry: false })
  if (kind === undefined) throw new Error(`${page.source} links to ${address}, which is not there`)
  if (Path.extname(target) === ".svg") {
    Fs.copyFileSync(Path.join(root, target), Path.join(out, Path.basename(target)))
    return Path.basename(target)
  }
  return `${repository}/${kind.isDirectory() ? "tree" : "blob"}/main/${target}${hash}`
}

const listOf = (pages: ReadonlyArray<Page>): string =>
  ["## Guides", "", ...pages.map(({ file, name }) => `- [${name}](${file})`), ""].join("\n")

/** Writes the pages. */
export const writePages = (repository: string): Pages => {
  Fs.rmSync(out, { recursive: true, force: true })
  Fs.mkdirSync(out, { recursive: true })
  const pages = makePages()
  const [index, ...guides] = pages
  for (const page of pages) {
    const rewrite = inSite(page, pages, repository)
    const text = outsideCode(
      page.text,
      (prose) => prose.replaceAll(link, (_, before: string, address: string) => before + rewrite(address))
    )
    const isFront = page === index
    const matter = `---\ntitle: ${JSON.stringify(page.name)}\ncategory: Guides\n---\n\n`
    Fs.writeFileSync(Path.join(out, page.file), isFront ? `${text}\n${listOf(guides)}` : matter + text)
  }
  return { front: Path.join(out, "index.md"), guides: guides.map(({ file }) => Path.join(out, file)) }
}
