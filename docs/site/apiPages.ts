// The pages of the API reference, made of what TypeDoc writes.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { writeApi } from "./api.ts"
import type { MenuGroup } from "./guides.ts"
import { changeLinks, frontMatter } from "./markdown.ts"
import type { Options } from "./options.ts"
import { packages } from "./packages.ts"
import type { Package } from "./packages.ts"

/** `@effect-spotnana/core/namespaces/TokenProvider.md` is the page `api/core/TokenProvider`. */
const idOf = (file: string): string =>
  `api/${file}`.replace("@effect-spotnana/", "").replace("namespaces/", "").replace(/\/index\.md$|\.md$/, "")

/** A type on one line, which the browser wraps where it is too long. */
const joinType = (code: string): string =>
  code.replaceAll(/\s*\n\s*\| /g, " | ").replaceAll(/([<(,]) ?\| /g, (_, mark: string) => mark === "," ? ", " : mark)

/** Below the heading of an export: since when it is there, and where its source is. */
const moveOrigin = (section: string): string => {
  const [, source] = /^Defined in: \[[^\]]*\]\(([^)]*)\)\n/m.exec(section) ?? []
  const [, since] = /^#### Since\n\n(\S+)\n/m.exec(section) ?? []
  const origin = `<p class="origin">Since ${since} · <a href="${source}">Source</a></p>\n`
  return section
    .replace(/^#### Since\n\n\S+\n/m, "")
    .replaceAll(/^Defined in: .*\n/gm, "")
    .replace(/^### .*\n/, (heading) => source === undefined || since === undefined ? heading : `${heading}\n${origin}`)
}

/** A member's type says what it takes and returns. */
const withoutParameters = (member: string): string =>
  member.replaceAll(/^###### (?:Parameters|Returns|Type Parameters)\n[^]*?(?=^#|(?![^]))/gm, "")

const tidy = (text: string): string =>
  text
    .replaceAll(/^### [^]*?(?=^#{1,3} |(?![^]))/gm, moveOrigin)
    .replaceAll(/^##### [^]*?(?=^#{1,5} |(?![^]))/gm, withoutParameters)
    // A table of nothing but the names of type parameters says what the code says.
    .replaceAll(/^#### Type Parameters\n\n\| Type Parameter \|\n[^]*?(?=^#|(?![^]))/gm, "")
    .replaceAll(/^#### Properties$/gm, "#### Members")
    .replaceAll(/^## (\w)(.*)$/gm, (_, first: string, rest: string) => `## ${first.toUpperCase()}${rest}`)
    .replaceAll(/^## Namespaces$/gm, "## Modules")
    .replaceAll(/^\*\*\*\n\n/gm, "")
    .replaceAll(/^```ts\n([^]*?)^```$/gm, (block, code: string) =>
      /^import /m.test(code) ? block : `\`\`\`ts\n${joinType(code)}\`\`\``)

/** The package of a page, and the module that the page is about if it is about one. */
const partsOf = (id: string): readonly [Package, module: string | undefined] => {
  const found = [id, Path.posix.dirname(id)]
    .flatMap((each) => packages.filter(({ name }) => each === `api/${name}`))
    .at(0)
  if (found === undefined) throw new Error(`${id} is in no package`)
  return [found, id.slice(`api/${found.name}/`.length) || undefined]
}

const isPackage = (id: string): boolean => packages.some(({ name }) => id === `api/${name}`)

const importOf = ({ name }: Package, module: string | undefined): string =>
  module === undefined || name === "engine"
    ? ""
    : `\`\`\`ts\nimport { ${module} } from "@effect-spotnana/${name}"\n\`\`\`\n\n`

/** Writes the pages, and says what is in the menu: a group for each package. */
export const writeApiPages = async (options: Options): Promise<ReadonlyArray<MenuGroup>> => {
  const out = Path.join(options.pages, "../typedoc")
  await writeApi(out, options.repository)
  const texts = new Map(
    Fs.globSync("*/**/*.md", { cwd: out }).map((file) => [file, tidy(Fs.readFileSync(Path.join(out, file), "utf8"))])
  )
  for (const [file, text] of texts) {
    const id = idOf(file)
    const [found, module] = partsOf(id)
    const [summary = ""] = text.split("\n\n")
    const body = changeLinks(text.slice(summary.length), (address) => {
      if (/^[a-z]+:/.test(address)) return address
      const [path = "", anchor] = address.split("#")
      const goal = path === "" ? file : Path.posix.join(Path.posix.dirname(file), path)
      // A member of a type that is written in place has no line of its own to lead to.
      const hash = anchor !== undefined && texts.get(goal)?.includes(`<a id="${anchor}">`) === true ? `#${anchor}` : ""
      return `${options.base}${idOf(goal)}/${hash}`
    })
    const target = Path.join(options.pages, `${id}.md`)
    Fs.mkdirSync(Path.dirname(target), { recursive: true })
    const matter = {
      title: module ?? `@effect-spotnana/${found.name}`,
      editUrl: `${options.repository}/edit/main/${module === undefined ? found.entry : `${found.modules}/${module}.ts`}`
    }
    Fs.writeFileSync(target, `${frontMatter(matter)}${summary}\n\n${importOf(found, module)}${body}`)
  }
  return packages.map(({ name }) => ({
    label: name,
    items: [
      { label: "Overview", slug: `api/${name}` },
      ...[...texts.keys()].map(idOf).filter((id) => Path.posix.dirname(id) === `api/${name}` && !isPackage(id)).sort()
    ]
  }))
}
