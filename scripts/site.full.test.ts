// The site, made as `pnpm site` makes it and read as a visitor reads it. What a file tells is read from the file; each
// page is opened once in Chromium, on a phone in the dark and then on a desktop in the light.
import * as Fs from "node:fs"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import core from "../packages/core/package.json" with { type: "json" }
import { isThere, launch } from "./chromium.ts"
import { runToEnd } from "./processes.ts"
import { readPages } from "./site/pages.ts"
import type { SitePage } from "./site/pages.ts"
import { serve } from "./site/server.ts"
import type { Server } from "./site/server.ts"
import { desktop, phone, visitAll } from "./site/visit.ts"
import type { Visit } from "./site/visit.ts"
import { toEffect3 } from "./snippets/effect3.ts"

const site = ".generated/site"
const base = "/effect-spotnana/"
const repository = core.repository.url.replace(/^git\+|\.git$/g, "")

/** One of each kind: axe takes a second for a page. */
const representative = new Set(
  [
    "",
    "guides/getting-started/",
    "guides/running-in-production/",
    "guides/webhooks/",
    "api/core/",
    "api/core/TokenProvider/"
  ]
    .map((path) => base + path)
)

/** Without the variables by which Vitest tells Vite that this is a test. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !["BASE_URL", "DEV", "MODE", "NODE_ENV", "PROD", "SSR"].includes(name))
)

describe.skipIf(!isThere)("the site", () => {
  let browser: Browser
  let server: Server
  let pages: ReadonlyArray<SitePage> = []
  let visits: ReadonlyArray<Visit> = []

  beforeAll(async () => {
    const { status, stderr, stdout } = await runToEnd("pnpm", ["--dir", "docs", "site"], { env: environment })
    if (status !== 0) throw new Error(stdout + stderr)
    server = await serve(site, base)
    pages = readPages(site, server.origin, base)
    browser = await launch()
    visits = await visitAll(browser, server.origin, pages.map(({ path }) => path), (path) => representative.has(path))
  })

  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  const pageAt = (path: string): SitePage => pages.find((page) => page.path === base + path)!
  const linksOf = (isInternal: boolean) =>
    pages.flatMap(({ links }) => links).filter(({ to }) => to.startsWith(`${server.origin}/`) === isInternal)
  /** Runs in a window of its own. */
  const inWindow = async (path: string, viewport: typeof phone, use: (page: Page) => Promise<void>) => {
    const context = await browser.newContext({ viewport, colorScheme: "light", reducedMotion: "reduce" })
    await context.grantPermissions(["clipboard-read", "clipboard-write"])
    const page = await context.newPage()
    await page.goto(server.origin + base + path)
    await use(page)
    await context.close()
  }

  it("has each guide and a page for each module, and its menu leads to every one of them", () => {
    const guides = Fs.globSync(["docs/*.md", "packages/{testing,cli,engine}/README.md", "SECURITY.md"])
    expect(pages.filter(({ path }) => path.startsWith(`${base}guides/`)).length).toBeGreaterThanOrEqual(guides.length)
    const modules = Fs.globSync(["packages/{core,effect3,testing}/src/*.ts", "packages/effect3/src/testing/*.ts"])
      .filter((file) => !file.endsWith("/index.ts"))
    const missing = modules.filter((file) =>
      pageAt(file.replace(/packages\/(\w+)\/src\/([\w/]+)\.ts/, "api/$1/$2/")) === undefined
    )
    expect(missing).toEqual([])
    const linked = new Set(pageAt("").links.map(({ to }) => new URL(to).pathname))
    expect(pages.map(({ path }) => path).filter((path) => !linked.has(path))).toEqual([])
  })

  it("shows a service with its methods, and an error with its fields", () => {
    const headings = (path: string) =>
      [...pageAt(path).html.matchAll(/<h5 id="[^"]*">([^<]*)</g)].map(([, heading = ""]) => heading)
    expect(headings("api/core/SpotnanaHttpClient/")).toEqual(
      expect.arrayContaining(["execute", "get", "post", "patch", "put", "del"])
    )
    expect(headings("api/core/TokenProvider/").slice(0, 4)).toEqual(["environment", "get", "reject", "replacement"])
    expect(headings("api/core/Credentials/")).toContain("current")
    expect(headings("api/core/AuthError/")).toEqual(
      expect.arrayContaining(["message", "clientId?", "debugIdentifier?"])
    )
    // Without a category an export is listed as "Other".
    expect(pages.filter(({ ids, path }) => path.startsWith(`${base}api/`) && ids.has("other")).map(({ path }) => path))
      .toEqual([])
  })

  it("has one title a page, and no Markdown in its text", () => {
    expect(pages.filter(({ html }) => html.match(/<h1\b/g)?.length !== 1).map(({ path }) => path)).toEqual([])
    expect(pages.filter(({ text }) => /\[[ x]\]|\*\*\w|\]\(|\\[<{]/.test(text)).map(({ path }) => path)).toEqual([])
  })

  it("leads from each page to the previous, the next and the source, but for the ends", () => {
    const without = (pattern: RegExp) => pages.filter(({ html }) => !pattern.test(html)).map(({ path }) => path)
    expect(without(/rel="prev"/).toSorted()).toEqual([base, `${base}guides/getting-started/`])
    expect(without(/rel="next"/).length).toBe(2)
    expect(without(/\/edit\/main\//)).toEqual([base])
  })

  it("has no broken link, and no link to an anchor that is not there", () => {
    const anchors = new Map(pages.map(({ ids, path }) => [path, ids]))
    const broken = linksOf(true).filter(({ to }) => {
      const { hash, pathname } = new URL(to)
      const ids = anchors.get(pathname)
      return ids === undefined || (hash !== "" && !ids.has(decodeURIComponent(hash.slice(1))))
    })
    expect(broken).toEqual([])
    expect(linksOf(true).length).toBeGreaterThan(1000)
  })

  it("links outward by HTTPS, and to what the repository has", () => {
    const links = linksOf(false)
    expect(links.filter(({ to }) => !to.startsWith("https://"))).toEqual([])
    expect([...new Set(links.map(({ to }) => new URL(to).host))].toSorted()).toEqual([
      "effect.website",
      "github.com",
      "no-color.org",
      "www.rfc-editor.org",
      "www.spotnana.com",
      "www.standardwebhooks.com"
    ])
    const missing = links.filter(({ to }) => {
      const [, file] = new RegExp(`^${repository}/(?:blob|tree|edit)/main/([^#]+)`).exec(to) ?? []
      return file !== undefined && !Fs.existsSync(file)
    })
    expect(missing).toEqual([])
  })

  it("logs nothing, misses nothing, and asks nobody else for anything", () => {
    expect(visits.flatMap(({ complaints, path }) => complaints.map((complaint) => [path, complaint]))).toEqual([])
    const requested = visits.flatMap(({ requested }) => requested)
    expect(requested.filter((url) => !url.startsWith(server.origin) && !url.startsWith("data:"))).toEqual([])
  })

  it("is accessible on a phone in the dark, and on a desktop in the light", () => {
    expect(visits.filter((visit) => visit.phone.theme !== "dark" || visit.desktop.theme !== "light")).toEqual([])
    const found = visits.flatMap(({ desktop, path, phone }) =>
      [...phone.violations, ...desktop.violations].map((violation) => [path, violation])
    )
    expect(found).toEqual([])
  })

  it("fits its window with all code in sight, in letters that can be read", () => {
    const looks = visits.flatMap((visit) => [
      { path: visit.path, window: phone.width, ...visit.phone },
      { path: visit.path, window: desktop.width, ...visit.desktop }
    ])
    expect(looks.filter(({ width, window }) => width > window).map(({ path, width }) => [path, width])).toEqual([])
    expect(looks.flatMap(({ cutOff, path, window }) => cutOff.map((code) => [path, window, code]))).toEqual([])
    const small = looks.filter(({ smallest }) => smallest.size < 12)
    expect(small.map(({ path, smallest }) => [path, smallest])).toEqual([])
  })

  it("is made by scripts that compile, and has examples on its landing page that do", async () => {
    const landing = Fs.readFileSync("docs/site/landing.mdx", "utf8")
    const files = [...landing.matchAll(/^```ts\n([^]*?)^```$/gm)].flatMap(([, code = ""]) => {
      const [, name] = /"@effect-spotnana\/(\w+)"/.exec(code) ?? []
      const directory = `packages/${name}`
      if (!Fs.existsSync(`${directory}/package.json`)) return []
      // In its package, which has the Effect that it is for.
      const file = `${directory}/.generated/landing.ts`
      Fs.mkdirSync(`${directory}/.generated`, { recursive: true })
      Fs.writeFileSync(file, code)
      return [`../../${file}`]
    })
    expect(files.length).toBe(2)
    // A project each: two versions of Effect in one are a warning.
    for (const [index, parts] of [{ include: ["../site"] }, ...files.map((file) => ({ files: [file] }))].entries()) {
      const config = `docs/.generated/tsconfig.${index}.json`
      Fs.writeFileSync(config, JSON.stringify({ extends: "../tsconfig.json", include: [], ...parts }))
      expect(await runToEnd(process.execPath, ["scripts/tsc.ts", "-p", config])).toMatchObject({
        status: 0,
        stdout: ""
      })
    }
  })

  it("has a menu on a phone that opens, with its groups in order", () =>
    inWindow("", phone, async (page) => {
      const guides = page.locator("nav.sidebar a[href*='/guides/']")
      expect(await guides.first().isVisible()).toBe(false)
      await page.locator("button.sl-menu-button").click()
      const groups = await page.locator("nav.sidebar .top-level > li > details > summary").allInnerTexts()
      expect(groups.map((group) => group.trim())).toEqual([
        "Start",
        "Guides",
        "Operation",
        "How it works",
        "API reference"
      ])
      await guides.filter({ hasText: /^\s*Errors\s*$/ }).click()
      await page.waitForURL(/guides\/errors\/$/)
    }))

  it("finds a section of a guide, and a method of a service", () =>
    inWindow("api/core/", phone, async (page) => {
      await page.locator("button[data-open-modal]").click()
      for (
        const [words, result] of [
          ["encryption keys Redis namespace", "guides/sharing-tokens/#"],
          ["replayAccepted", "api/core/TokenProvider/#"]
        ]
      ) {
        await page.locator("#starlight__search input").fill(words!)
        await page.locator(`#starlight__search a[href*="${result}"]`).first().waitFor()
      }
    }))

  it("copies the code of a block", () =>
    inWindow("guides/getting-started/", desktop, async (page) => {
      const block = page.locator(".expressive-code", { hasText: /^import .*"@effect-spotnana\/core"/ }).first()
      const button = block.locator(".copy button")
      expect(Number(await button.evaluate((element) => getComputedStyle(element).opacity))).toBeGreaterThan(0.7)
      await button.click()
      await block.locator(".copy .feedback.show").waitFor()
      const copied = await page.evaluate(() => navigator.clipboard.readText())
      const [, code] = /```ts\n([^]*?)\n```/.exec(Fs.readFileSync("docs/getting-started.md", "utf8")) ?? []
      expect(copied.trim()).toBe(code)
    }))

  it("shows a guide's programs for the line of Effect that the reader chose, and remembers it on the other pages", () =>
    inWindow("guides/getting-started/", desktop, async (page) => {
      const seen = () =>
        page.locator("main pre").filter({ visible: true, hasText: "@effect-spotnana/" }).allInnerTexts()
      const isFor3 = (code: string) => code.includes("@effect-spotnana/effect3")
      const count = (await seen()).length
      expect(count).toBeGreaterThan(3)
      expect((await seen()).filter(isFor3)).toEqual([])
      await page.getByRole("tab", { name: "Effect 3" }).first().click()
      const programs = await seen()
      expect([programs.length, programs.filter((code) => !isFor3(code))]).toEqual([count, []])
      const [, code = ""] = /```ts\n([^]*?)\n```/.exec(Fs.readFileSync("docs/getting-started.md", "utf8")) ?? []
      const withoutSpace = (text: string) => text.replaceAll(/\s/g, "")
      expect(programs.map(withoutSpace)).toContain(withoutSpace(toEffect3(code)))
      for (const path of ["guides/errors/", ""]) {
        await page.goto(server.origin + base + path)
        expect((await seen()).length).toBeGreaterThan(0)
        expect((await seen()).filter((code) => !isFor3(code))).toEqual([])
      }
      await page.getByRole("tab", { name: "Effect 4" }).first().click()
      await page.goto(`${server.origin}${base}guides/errors/`)
      expect((await seen()).filter(isFor3)).toEqual([])
    }))

  it("marks code for Effect 4 only", () => {
    const marked = pages.filter(({ html }) => html.includes("Effect 4 only</span>")).map(({ path }) => path)
    expect(marked).toContain(`${base}guides/webhooks/`)
    expect(marked).not.toContain(`${base}guides/getting-started/`)
    const silent = pages.filter(({ path, text }) =>
      marked.includes(path) && !text.includes("Not available for Effect 3")
    )
    expect(silent).toEqual([])
  })

  it("has the first program for both lines of Effect, and a switch for the theme", () =>
    inWindow("", desktop, async (page) => {
      const other = page.locator("pre", { hasText: "@effect-spotnana/effect3" }).first()
      expect(await page.locator("pre", { hasText: "@effect-spotnana/core" }).first().isVisible()).toBe(true)
      expect(await other.isVisible()).toBe(false)
      await page.getByRole("tab", { name: "Effect 3" }).click()
      expect(await other.isVisible()).toBe(true)
      await page.locator("header starlight-theme-select select").selectOption("dark")
      await page.locator("html[data-theme=dark]").waitFor()
      expect(await page.locator(".only-dark").isVisible()).toBe(true)
      expect(await page.locator(".only-light").isVisible()).toBe(false)
    }))
})
