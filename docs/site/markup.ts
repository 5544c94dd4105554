// What TypeDoc's theme leaves out for those who do not use a mouse, or do not see.
import { PageEvent } from "typedoc"
import type { Application } from "typedoc"

const accessible = (html: string): string =>
  html
    .replace("<div class=\"col-content\">", "<div class=\"col-content\" role=\"main\">")
    // A link within what opens and closes is out of reach for many; the same heading is in the list of this page.
    .replace(
      /<summary[^]*?<\/summary>/g,
      (summary) => summary.replace(/<a [^>]*class="tsd-anchor-icon"[^]*?<\/a>/g, "")
    )
    // Long lines and wide tables are moved for themselves, by the keyboard too.
    .replace(/<pre>/g, "<pre tabindex=\"0\">")
    .replace(/<table>/g, "<div class=\"scrolls\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table>")
    .replace(/<\/table>/g, "</table></div>")

export const improving = (app: Application): void => {
  app.renderer.on(PageEvent.END, (page) => {
    if (page.contents !== undefined) page.contents = accessible(page.contents)
  })
}
