// Opens every page that the front page leads to, on a phone, and notes what is there to be judged.
import type { Browser, BrowserContext, Page } from "playwright-core"

export const phone = { width: 390, height: 844 }

/** What a page looks like from within. */
interface Look {
  readonly links: ReadonlyArray<string>
  readonly ids: ReadonlyArray<string>
  /** How wide the page is, in pixels. */
  readonly width: number
  /** The smallest text, in pixels. */
  readonly smallest: { readonly size: number; readonly text: string }
}

export interface Visit extends Look {
  readonly url: string
  /** Errors and warnings on the console, uncaught exceptions, requests that failed. */
  readonly complaints: ReadonlyArray<string>
  readonly requested: ReadonlyArray<string>
}

/** Runs in the page. */
const look = (): Look => {
  let smallest = { size: Infinity, text: "" }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const parent = node.parentElement
    const text = node.nodeValue?.trim() ?? ""
    if (parent === null || text === "" || !parent.checkVisibility({ visibilityProperty: true })) continue
    const size = parseFloat(getComputedStyle(parent).fontSize)
    if (size < smallest.size) smallest = { size, text }
  }
  return {
    links: [...document.querySelectorAll<HTMLAnchorElement>("a[href]")].map(({ href }) => href),
    ids: [...document.querySelectorAll("[id]")].map(({ id }) => id),
    width: document.documentElement.scrollWidth,
    smallest
  }
}

/** Waits for what the page's own scripts put together: the menu is there once they are done. */
export const open = async (page: Page, url: string): Promise<void> => {
  await page.goto(url)
  await page.locator("#tsd-nav-container a").first().waitFor({ state: "attached" })
  await page.locator("body").waitFor()
}

/** A page that goes from one address to the next. */
const makeVisitor = async (context: BrowserContext): Promise<(url: string) => Promise<Visit>> => {
  const page = await context.newPage()
  let complaints: Array<string> = []
  let requested: Array<string> = []
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText
    // What was still under way as the page was left.
    if (reason !== "net::ERR_ABORTED") complaints.push(`${request.url()}: ${reason}`)
  })
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`)
  })
  page.on("request", (request) => requested.push(request.url()))
  return async (url) => {
    complaints = []
    requested = []
    await open(page, url)
    return { url, complaints, requested, ...(await page.evaluate(look)) }
  }
}

export const withoutHash = (url: string): string => url.replace(/#.*$/, "")

/** Visits what can be reached from a page without leaving its origin, two pages at a time. */
export const crawl = async (browser: Browser, start: string): Promise<ReadonlyArray<Visit>> => {
  const context = await browser.newContext({ viewport: phone })
  const { origin } = new URL(start)
  const found = new Set([start])
  const visits: Array<Visit> = []
  const waiting: Array<string> = []
  const note = (seen: Visit) => {
    visits.push(seen)
    for (const link of seen.links.map(withoutHash)) {
      if (found.has(link) || !link.startsWith(`${origin}/`) || !link.endsWith(".html")) continue
      found.add(link)
      waiting.push(link)
    }
  }
  const [visit, visitToo] = await Promise.all([makeVisitor(context), makeVisitor(context)])
  note(await visit(start))
  await Promise.all([visit, visitToo].map(async (visit) => {
    for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) note(await visit(url))
  }))
  await context.close()
  return visits
}
