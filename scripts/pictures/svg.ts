// What a picture of the documents says: in its description, for those who do not see it, and in its texts.
import * as Fs from "node:fs"

const unescape = (text: string): string => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")

/** The lines of the description, and the texts in sight. */
export const readPicture = (file: string): {
  readonly lines: ReadonlyArray<string>
  readonly texts: ReadonlySet<string>
} => {
  const svg = Fs.readFileSync(file, "utf8")
  const [, description = ""] = /<desc id="description">([^]*?)<\/desc>/.exec(svg) ?? []
  const texts = [...svg.matchAll(/<text [^>]*>([^]*?)<\/text>/g)].map(([, text = ""]) =>
    text.replaceAll(/<[^>]*>/g, "")
  )
  return { lines: unescape(description).split("\n"), texts: new Set(texts.map(unescape)) }
}
