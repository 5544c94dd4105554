// The pages that are Markdown in the repository, with links that hold in the site. A link to what the site does not
// have goes to the repository.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { anchorsOf, changeLinks, frontMatter, titleOf } from "./markdown.ts"
import { menu, names } from "./menu.ts"
import type { Options } from "./options.ts"
import { showPictures } from "./pictures.ts"
import { withTabs } from "./tabs.ts"

const root = Path.resolve(import.meta.dirname, "../..")
const files = ["docs/*.md", "packages/{cli,effect3,engine,testing}/README.md", "SECURITY.md"]

interface Guide {
  readonly source: string
  readonly slug: string
  readonly title: string
  /** `mdx` where it has tabs. */
  readonly extension: "md" | "mdx"
  /** What its page has before its text. */
  readonly before: string
  readonly text: string
  readonly anchors: ReadonlySet<string>
}

export interface MenuGroup {
  readonly label: string
  /** Pages: `guides/errors`, … */
  readonly items: ReadonlyArray<string | { readonly label: string; readonly slug: string }>
}

const read = (source: string): Guide => {
  const text = Fs.readFileSync(Path.join(root, source), "utf8")
  const { slug = Path.basename(source, ".md"), title = titleOf(text) ?? source } = names[source] ?? {}
  const tabbed = withTabs(source, text)
  return {
    source,
    slug,
    title,
    extension: tabbed === undefined ? "md" : "mdx",
    before: tabbed?.before ?? "",
    text: (tabbed?.text ?? text).replace(/^# .*\n+/, ""),
    anchors: anchorsOf(text)
  }
}

const findGuides = (): ReadonlyArray<Guide> => {
  return Fs.globSync(files, { cwd: root }).sort().map(read)
}

const groups = (guides: ReadonlyArray<Guide>): ReadonlyArray<MenuGroup> => {
  const named = new Set(menu.flatMap(({ guides }) => guides))
  const others = guides.filter(({ source }) => !named.has(source)).map(({ source }) => source)
  return menu.map(({ guides: sources, label }) => ({
    label,
    items: [...sources, ...(label === "Guides" ? others : [])].flatMap((source) => {
      const guide = guides.find((each) => each.source === source)
      return guide === undefined ? [] : [`guides/${guide.slug}`]
    })
  }))
}

/** A checklist that can be ticked while it is read. */
const checklist = (text: string): string =>
  text.replaceAll(/^( *[-*]) \[ \] /gm, "$1 <input type=\"checkbox\" aria-label=\"Done\" /> ")

/** Where a link leads in the site. */
const resolve = (guide: Guide, address: string, guides: ReadonlyArray<Guide>, options: Options): string => {
  if (/^[a-z]+:/.test(address)) return address
  const [path = "", anchor] = address.split("#")
  const target = path === "" ? guide.source : Path.posix.join(Path.posix.dirname(guide.source), path)
  const hash = anchor === undefined ? "" : `#${anchor}`
  const goal = guides.find(({ source }) => source === target)
  if (goal !== undefined && (anchor === undefined || goal.anchors.has(anchor))) {
    return goal === guide && hash !== "" ? hash : `${options.base}guides/${goal.slug}/${hash}`
  }
  const kind = Fs.statSync(Path.join(root, target), { throwIfNoEntry: false })
  if (kind === undefined || (goal !== undefined && target !== "README.md")) {
    throw new Error(`${guide.source} links to ${address}, which is not there`)
  }
  return `${options.repository}/${kind.isDirectory() ? "tree" : "blob"}/main/${target}${hash}`
}

/** Writes the pages, and says what is in the menu. */
export const writeGuides = (options: Options): ReadonlyArray<MenuGroup> => {
  const guides = findGuides()
  Fs.mkdirSync(Path.join(options.pages, "guides"), { recursive: true })
  for (const guide of guides) {
    const matter = { title: guide.title, editUrl: `${options.repository}/edit/main/${guide.source}` }
    const text = showPictures(checklist(guide.text), Path.join(root, Path.dirname(guide.source)), options)
    Fs.writeFileSync(
      Path.join(options.pages, "guides", `${guide.slug}.${guide.extension}`),
      frontMatter(matter) + guide.before + changeLinks(text, (address) => resolve(guide, address, guides, options))
    )
  }
  return groups(guides)
}
