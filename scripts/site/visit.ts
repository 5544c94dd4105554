// Opens pages in Chromium, on a phone in the dark and on a desktop in the light, and notes what is there to be judged.
import type * as Axe from "axe-core"
import * as Fs from "node:fs"
import type { Browser, BrowserContext, Page } from "playwright-core"

export const phone = { width: 390, height: 844 }
export const desktop = { width: 1280, height: 900 }

/** What a page looks like at one width, in one theme. */
interface Look {
  readonly theme: string | undefined
  /** How wide the page is, in pixels. */
  readonly width: number
  /** Code that is wider than its box. */
  readonly cutOff: ReadonlyArray<string>
  /** The smallest text, in pixels. */
  readonly smallest: { readonly size: number; readonly text: string }
  /** What breaks WCAG 2.2 at level AA, as far as a program can judge it. */
  readonly violations: ReadonlyArray<string>
}

export interface Visit {
  readonly path: string
  /** Errors and warnings on the console, uncaught exceptions, requests that failed. */
  readonly complaints: ReadonlyArray<string>
  readonly requested: ReadonlyArray<string>
  readonly phone: Look
  readonly desktop: Look
}

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
const axe = Fs.readFileSync("scripts/node_modules/axe-core/axe.min.js", "utf8")

const violationsIn = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe)
  const { violations } = await page.evaluate((rules): Promise<Axe.AxeResults> => {
    const { axe } = globalThis as unknown as { readonly axe: typeof Axe }
    return axe.run(document, { runOnly: rules, resultTypes: ["violations"] })
  }, rules)
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

/** Runs in the page. */
const measure = (): Omit<Look, "violations"> => {
  const isSeen = (element: Element) => element.checkVisibility({ visibilityProperty: true })
  let smallest = { size: Infinity, text: "" }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const parent = node.parentElement
    const text = node.nodeValue?.trim() ?? ""
    if (parent === null || text === "" || !isSeen(parent)) continue
    const size = parseFloat(getComputedStyle(parent).fontSize)
    if (size < smallest.size) smallest = { size, text }
  }
  return {
    theme: document.documentElement.dataset.theme,
    width: document.documentElement.scrollWidth,
    cutOff: [...document.querySelectorAll("pre")]
      .filter((code) => isSeen(code) && code.scrollWidth > code.clientWidth)
      .map((code) => code.innerText.slice(0, 80)),
    smallest
  }
}

/** A page that goes from one address to the next. */
const makeVisitor = async (context: BrowserContext, hasAxe: (path: string) => boolean) => {
  const page = await context.newPage()
  let complaints: Array<string> = []
  let requested: Array<string> = []
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText
    // A request that was in flight when the page was left.
    if (reason !== "net::ERR_ABORTED") complaints.push(`${request.url()}: ${reason}`)
  })
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`)
  })
  page.on("request", (request) => requested.push(request.url()))
  return async (origin: string, path: string): Promise<Visit> => {
    complaints = []
    requested = []
    const look = async (): Promise<Look> => ({
      ...(await page.evaluate(measure)),
      violations: hasAxe(path) ? await violationsIn(page) : []
    })
    await page.emulateMedia({ colorScheme: "dark" })
    await page.setViewportSize(phone)
    await page.goto(origin + path)
    const onPhone = await look()
    await page.emulateMedia({ colorScheme: "light" })
    await page.setViewportSize(desktop)
    await page.locator("html[data-theme=light]").waitFor()
    return { path, complaints, requested, phone: onPhone, desktop: await look() }
  }
}

/** Visits pages, two at a time. */
export const visitAll = async (
  browser: Browser,
  origin: string,
  paths: ReadonlyArray<string>,
  hasAxe: (path: string) => boolean
): Promise<ReadonlyArray<Visit>> => {
  // Nothing moves while it is measured.
  const context = await browser.newContext({ reducedMotion: "reduce" })
  const waiting = [...paths]
  const visits: Array<Visit> = []
  const visitors = await Promise.all([makeVisitor(context, hasAxe), makeVisitor(context, hasAxe)])
  await Promise.all(visitors.map(async (visit) => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) visits.push(await visit(origin, path))
  }))
  await context.close()
  return visits
}
