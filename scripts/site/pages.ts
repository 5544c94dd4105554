// The pages of the site as files: what can be judged without a browser.
import * as Fs from "node:fs"
import * as Path from "node:path"

export interface Link {
  /** The page that has it. */
  readonly from: string
  /** The whole address. */
  readonly to: string
}

export interface SitePage {
  /** `/effect-spotnana/guides/errors/` */
  readonly path: string
  readonly html: string
  readonly ids: ReadonlySet<string>
  readonly links: ReadonlyArray<Link>
  /** What a reader sees. */
  readonly text: string
}

const unescape = (text: string): string =>
  text.replaceAll("&quot;", "\"").replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&#x26;", "&").replaceAll("&#38;", "&").replaceAll("&amp;", "&")

const read = (directory: string, file: string, origin: string, base: string): SitePage => {
  const path = base + file.replace(/index\.html$/, "")
  const html = Fs.readFileSync(Path.join(directory, file), "utf8").replaceAll(/<(script|style)\b[^]*?<\/\1>/g, "")
  const valuesOf = (attribute: RegExp) => [...html.matchAll(attribute)].map(([, value = ""]) => unescape(value))
  return {
    path,
    html,
    ids: new Set(valuesOf(/ id="([^"]*)"/g)),
    links: valuesOf(/<a\b[^>]*? href="([^"]*)"/g).map((href) => ({
      from: path,
      to: new URL(href, origin + path).href
    })),
    text: unescape(html.replace(/^[^]*<body/, "<body").replaceAll(/<[^>]*>/g, ""))
  }
}

export const readPages = (directory: string, origin: string, base: string): ReadonlyArray<SitePage> =>
  Fs.globSync("**/*.html", { cwd: directory }).sort().map((file) => read(directory, file, origin, base))
