// Helpers to draw the pictures of the documents: SVG without fonts or scripts, for light and dark pages.

/** Each colour on a light page, and on a dark one. */
export type Colours = Readonly<Record<string, readonly [light: string, dark: string]>>

/** The colours in every picture: the page, its text, and bad values. */
export const baseColours = {
  page: ["#ffffff", "#0d1117"],
  card: ["#f6f8fa", "#151b23"],
  edge: ["#c8d1da", "#3d444d"],
  ink: ["#1f2328", "#f0f6fc"],
  muted: ["#59636e", "#9198a1"],
  bad: ["#c93c37", "#ff7b72"]
} as const

const rules = (colours: Colours, theme: 0 | 1): string =>
  Object.entries(colours)
    .map(([name, { [theme]: colour }]) => `.f-${name}{fill:${colour}}.s-${name}{stroke:${colour}}`)
    .join("")

/** A colour is `f-…` to fill with it and `s-…` to stroke with it. */
export const styleOf = (colours: Colours, css: string): string =>
  `<style>\n${css}\n${rules(colours, 0)}\n@media (prefers-color-scheme:dark){${rules(colours, 1)}}\n</style>`

export const fontFamily = "system-ui,-apple-system,\"Segoe UI\",\"Helvetica Neue\",Arial,sans-serif"

export const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

export const text = (x: number, y: number, classes: string, content: string): string =>
  `<text x="${x}" y="${y}" class="${classes}">${escape(content)}</text>`

export const rect = (
  x: number,
  y: number,
  width: number,
  height: number,
  radius: number,
  classes: string
): string => `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" class="${classes}"/>`

export const line = (x1: number, y1: number, x2: number, y2: number, classes: string): string =>
  `<path d="M${x1} ${y1}L${x2} ${y2}" class="line ${classes}"/>`

/** A whole picture; `title` and `description` are for readers who cannot see it. */
export const picture = (options: {
  readonly width: number
  readonly height: number
  readonly title: string
  readonly description: string
  readonly style: string
  readonly content: ReadonlyArray<string>
}): string => {
  const { content, description, height, style, title, width } = options
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    "role=\"img\" aria-labelledby=\"title description\">",
    `<title id="title">${escape(title)}</title>`,
    `<desc id="description">${escape(description)}</desc>`,
    style,
    rect(0, 0, width, height, 8, "f-page"),
    ...content,
    "</svg>",
    ""
  ].join("\n")
}
