// Makes the site: the landing page, the guides of the repository, and the API reference of the public packages.
import starlight from "@astrojs/starlight"
import { build } from "astro"
import { passthroughImageService } from "astro/config"
import * as Fs from "node:fs"
import * as Path from "node:path"
import core from "../../packages/core/package.json" with { type: "json" }
import { writeApiPages } from "./apiPages.ts"
import { writeGuides } from "./guides.ts"
import type { MenuGroup } from "./guides.ts"
import type { Options } from "./options.ts"
import { showPictures } from "./pictures.ts"

process.env.ASTRO_TELEMETRY_DISABLED = "1"

const here = import.meta.dirname
/** Below `docs`, where the packages that the pages import are found. */
const work = Path.join(here, "../.generated")

const options: Options = {
  pages: Path.join(work, "pages"),
  files: Path.join(work, "public"),
  base: "/effect-spotnana/",
  repository: core.repository.url.replace(/^git\+|\.git$/g, "")
}

Fs.rmSync(work, { recursive: true, force: true })
Fs.mkdirSync(options.pages, { recursive: true })
// Astro keeps what it makes on the way in the current directory.
process.chdir(work)
Fs.cpSync(Path.join(here, "public"), options.files, { recursive: true })
const landing = Fs.readFileSync(Path.join(here, "landing.mdx"), "utf8")
Fs.writeFileSync(
  Path.join(options.pages, "index.mdx"),
  showPictures(landing, here, options).replaceAll("](/", `](${options.base}`).replaceAll(
    "href=\"/",
    `href="${options.base}`
  )
    .replaceAll("link: /", `link: ${options.base}`)
)
const guides = writeGuides(options)
const api = await writeApiPages(options)

const menuGroup = ({ items, label }: MenuGroup, collapsed: boolean) => ({ label, items: [...items], collapsed })

await build({
  configFile: false,
  logLevel: "error",
  root: work,
  srcDir: Path.join(here, "astro"),
  publicDir: options.files,
  outDir: Path.join(here, "../../.generated/site"),
  site: "https://effect-spotnana.github.io",
  base: options.base,
  trailingSlash: "always",
  image: { service: passthroughImageService() },
  integrations: [
    starlight({
      title: "effect-spotnana",
      logo: { src: Path.join(here, "public/favicon.svg") },
      favicon: "/favicon.svg",
      customCss: [Path.join(here, "site.css")],
      social: [{ icon: "github", label: "Repository", href: options.repository }],
      sidebar: [
        ...guides.map((group) => menuGroup(group, false)),
        {
          label: "API reference",
          items: api.map((group, index) => menuGroup(group, index > 0))
        }
      ],
      tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 3 },
      credits: false,
      disable404Route: true,
      expressiveCode: {
        themes: ["github-dark-high-contrast", "github-light-high-contrast"],
        // A line that is too long for its column goes on in the next one, indented.
        defaultProps: { wrap: true, preserveIndent: true, hangingIndent: 2, frame: "none" },
        styleOverrides: {
          borderColor: "var(--sl-color-gray-5)",
          borderRadius: "0.375rem",
          codeFontSize: "0.8125rem",
          frames: { shadowColor: "transparent" }
        }
      }
    })
  ]
})
