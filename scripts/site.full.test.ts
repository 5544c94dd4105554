// The site, made as `pnpm site` makes it and read as a visitor reads it: each page in Chromium on a phone, and a dozen of
// them again for their accessibility, in the dark on a phone and in the light on a desktop.
import type * as Axe from "axe-core"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import core from "../packages/core/package.json" with { type: "json" }
import { isThere, launch } from "./chromium.ts"
import { runToEnd } from "./processes.ts"
import { crawl, open, phone, withoutHash } from "./site/crawl.ts"
import type { Visit } from "./site/crawl.ts"
import { serve } from "./site/server.ts"
import type { Server } from "./site/server.ts"

const site = ".generated/site"
const repository = core.repository.url.replace(/^git\+|\.git$/g, "")

/** For a machine that has much else to do. */
const slowMachine = 400_000

const representative = [
  "index.html",
  "guides/getting-started.html",
  "guides/configuration.html",
  "guides/errors.html",
  "guides/sharing-tokens-across-a-fleet.html",
  "guides/comparison-with-other-token-clients.html",
  "api/core.html",
  "api/core/TokenProvider.html",
  "api/core/TokenProvider/TokenProvider.html",
  "api/core/AuthError/InvalidCredentials.html",
  "api/core/SpotnanaHttpClient/layer.html",
  "api/core/RefreshPolicy/RefreshPolicy.html"
]

/** What WCAG 2.2 asks for at level AA, as far as a program can judge it. */
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

const axe = Fs.readFileSync("node_modules/axe-core/axe.min.js", "utf8")

const violations = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe)
  const { violations } = await page.evaluate((rules): Promise<Axe.AxeResults> => {
    const { axe } = globalThis as unknown as { readonly axe: typeof Axe }
    // The tree of the menu is TypeDoc's: in it a page that has others below it is a link in what opens it.
    return axe.run({ exclude: "#tsd-nav-container" }, { runOnly: rules, resultTypes: ["violations"] })
  }, rules)
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

describe.skipIf(!isThere)("the site", () => {
  let browser: Browser
  let server: Server
  let visits: ReadonlyArray<Visit> = []

  beforeAll(async () => {
    const { status, stderr, stdout } = await runToEnd(process.execPath, ["site/build.ts"], { cwd: "docs" })
    if (status !== 0) throw new Error(stdout + stderr)
    server = await serve(site)
    browser = await launch()
    visits = await crawl(browser, `${server.address}index.html`)
  }, slowMachine)

  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  const path = (url: string) => url.slice(server.address.length)
  const internal = () =>
    visits.flatMap(({ links, url }) =>
      links.filter((link) => link.startsWith(server.address)).map((link) => ({ from: path(url), link }))
    )
  const external = () =>
    visits.flatMap(({ links, url }) =>
      links.filter((link) => !link.startsWith(server.address)).map((link) => ({ from: path(url), link }))
    )

  it("has all guides and a page for each export, and the front page leads to every one of them", () => {
    const files = Fs.globSync("**/*.html", { cwd: site })
    expect(visits.map(({ url }) => path(url)).toSorted()).toEqual(files.toSorted())
    expect(files.length).toBeGreaterThan(140)
    const guides = Fs.globSync(["docs/*.md", "packages/{testing,cli,engine}/README.md", "SECURITY.md"])
    expect(files.filter((file) => file.startsWith("guides/")).length).toBe(guides.length)
  })

  it("shows a service by what it offers, an error by what it carries, and each export in its category", () => {
    const idsOf = (page: string) => visits.find(({ url }) => path(url) === page)?.ids
    expect(idsOf("api/core/TokenProvider/TokenProvider.html"))
      .toEqual(expect.arrayContaining(["environment", "get", "reject", "status", "changes"]))
    const error = idsOf("api/core/AuthError/InvalidCredentials.html")
    expect(error).toEqual(expect.arrayContaining(["message", "clientid", "status", "code", "debugidentifier"]))
    expect(error).not.toContain("constructor")
    // What a package has without a category would be in one that is called like the part of the menu.
    const pages = visits.filter(({ ids, url }) =>
      /^api\/\w+\/\w+\.html$/.test(path(url)) && ids.includes("api-reference")
    )
    expect(pages.map(({ url }) => path(url))).toEqual([])
  })

  it("has no broken link, and no link to an anchor that is not there", () => {
    const anchors = new Map(visits.map(({ ids, url }) => [url, new Set(ids)]))
    const broken = internal().filter(({ link }) => {
      const { hash } = new URL(link)
      const target = anchors.get(withoutHash(link))
      return target === undefined || (hash !== "" && !target.has(decodeURIComponent(hash.slice(1))))
    })
    expect(broken).toEqual([])
    expect(internal().length).toBeGreaterThan(1000)
  })

  it("links outward by HTTPS, and to what the repository has", () => {
    const links = external()
    expect(links.filter(({ link }) => !link.startsWith("https://"))).toEqual([])
    expect([...new Set(links.map(({ link }) => new URL(link).host))].toSorted()).toEqual([
      "effect.website",
      "github.com",
      "no-color.org",
      "www.rfc-editor.org",
      "www.spotnana.com",
      "www.standardwebhooks.com"
    ])
    const missing = links.filter(({ link }) => {
      const [, file] = new RegExp(`^${repository}/(?:blob|tree)/main/([^#]+)`).exec(link) ?? []
      return file !== undefined && !Fs.existsSync(file)
    })
    expect(missing).toEqual([])
  })

  it("logs nothing, misses nothing, and asks nobody else for anything", () => {
    expect(visits.flatMap(({ complaints, url }) => complaints.map((complaint) => [path(url), complaint]))).toEqual([])
    const requested = visits.flatMap(({ requested }) => requested)
    expect(requested.filter((url) => !url.startsWith(server.address) && !url.startsWith("data:"))).toEqual([])
  })

  it("fits on a phone, in letters that can be read", () => {
    expect(visits.filter(({ width }) => width > phone.width).map(({ url, width }) => [path(url), width])).toEqual([])
    const small = visits.filter(({ smallest }) => smallest.size < 14)
    expect(small.map(({ smallest, url }) => [path(url), smallest])).toEqual([])
  })

  it("has a menu on a phone that opens, in reading order, with targets for a thumb", async () => {
    const page = await browser.newPage({ viewport: phone })
    await open(page, `${server.address}index.html`)
    const guides = page.locator("#tsd-nav-container a[href*='/guides/']")
    expect(await guides.first().isVisible()).toBe(false)
    await page.locator("#tsd-toolbar-menu-trigger").click()
    await guides.first().click({ trial: true })
    const boxes = await Promise.all((await guides.all()).map((guide) => guide.boundingBox()))
    expect(boxes.filter((box) => box === null || box.height < 40)).toEqual([])
    const names = await page.locator("#tsd-nav-container > li").allInnerTexts()
    expect(names.map((name) => name.split("\n")[0])).toEqual(["Guides", "API reference"])
    expect((await guides.allInnerTexts()).slice(0, 3).map((name) => name.trim())).toEqual([
      "Getting started",
      "Troubleshooting",
      "Configuration"
    ])
    await guides.nth(2).click()
    await page.waitForURL(/guides\/configuration\.html$/)
    await page.close()
  })

  it("finds what is searched for, in guides and in the reference", async () => {
    const page = await browser.newPage({ viewport: phone })
    await open(page, `${server.address}api/core.html`)
    for (
      const [words, result] of [["retryAfter", "api/core/AuthError/retryAfter.html"], [
        "tenants",
        "guides/tenants.html"
      ]]
    ) {
      await page.locator("#tsd-search-trigger").click()
      await page.locator("#tsd-search-input").fill(words!)
      await page.locator(`#tsd-search-results a[href$="${result}"]`).waitFor()
      await page.keyboard.press("Escape")
      await page.locator("#tsd-search").waitFor({ state: "hidden" })
    }
    await page.close()
  })

  it.each([["dark", phone], ["light", { width: 1280, height: 900 }]] as const)(
    "is accessible in the %s",
    async (colorScheme, viewport) => {
      const page = await browser.newPage({ viewport, colorScheme })
      const found: Record<string, ReadonlyArray<string>> = {}
      for (const url of representative) {
        await open(page, server.address + url)
        found[url] = await violations(page)
      }
      expect(found).toEqual(Object.fromEntries(representative.map((url) => [url, []])))
      // It is the system that decides, until the reader does.
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      expect(background).toBe(colorScheme === "dark" ? "rgb(16, 21, 19)" : "rgb(255, 255, 255)")
      await page.close()
    },
    slowMachine
  )

  it("works from the disk, with its menu and its search", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    await open(page, `file://${Path.resolve(site, "index.html")}`)
    await page.locator("#tsd-search-trigger").click()
    await page.locator("#tsd-search-input").fill("rotation")
    await page.locator("#tsd-search-results a").first().click()
    await page.waitForURL(/^file:.*\.html/)
    expect(await page.title()).toContain("effect-spotnana")
    await page.close()
  })
})
