// A picture in the repository follows the system's theme. In the site the reader may choose another, so that each theme
// has a file of its own there.
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Options } from "./options.ts"

const image = /!\[([^\]]*)\]\(([^)\s]+\.svg)\)/g
const darkMedia = "@media (prefers-color-scheme:dark)"

/** The HTML of a picture, which shows the file of the theme. */
export const pictureOf = (file: string, text: string, { base, files }: Options): string => {
  const svg = Fs.readFileSync(file, "utf8")
  const [, width, height] = /<svg [^>]*width="(\d+)" height="(\d+)"/.exec(svg) ?? []
  if (width === undefined || !svg.includes(darkMedia)) {
    throw new Error(`${file} has no size, or no colours for the dark`)
  }
  const name = Path.basename(file, ".svg")
  Fs.mkdirSync(Path.join(files, "pictures"), { recursive: true })
  const alternative = text.replaceAll("&", "&amp;").replaceAll("\"", "&quot;")
  const images = ["light", "dark"].map((theme) => {
    const path = `pictures/${name}-${theme}.svg`
    Fs.writeFileSync(Path.join(files, path), svg.replace(darkMedia, theme === "dark" ? "@media all" : "@media not all"))
    return `<img class="only-${theme}" src="${base}${path}" alt="${alternative}" width="${width}" height="${height}" ` +
      "loading=\"lazy\" />"
  })
  // On a phone a wide picture keeps a size that can be read, and is moved sideways, by the keyboard too.
  const kind = Number(width) > 500 ? "picture wide" : "picture"
  return `<div class="${kind}" role="group" aria-label="Picture" tabindex="0">${images.join("")}</div>`
}

/** Replaces the pictures of a Markdown text in a directory. */
export const showPictures = (text: string, directory: string, options: Options): string =>
  text.replaceAll(
    image,
    (_, alternative: string, file: string) => pictureOf(Path.join(directory, file), alternative, options)
  )
