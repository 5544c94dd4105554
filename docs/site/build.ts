// Makes the site: the guides of the repository, and the API reference from the sources of the public packages.
import * as Path from "node:path"
import { Application, JSX } from "typedoc"
import core from "../../packages/core/package.json" with { type: "json" }
import { addressing } from "./addresses.ts"
import { improving } from "./markup.ts"
import { reading } from "./members.ts"
import { writePages } from "./pages.ts"

const here = import.meta.dirname
const root = Path.resolve(here, "../..")
const repository = core.repository.url.replace(/^git\+|\.git$/g, "")

/** The menu begins with its first level open; what the reader closes stays closed. */
const openMenu = `for (const key of ["Guides", "API reference", "API reference$@effect-spotnana/core"]) {
  localStorage["tsd-accordion-" + key] ??= "true"
}`

const pages = writePages(repository)

const app = await Application.bootstrap({
  name: "effect-spotnana",
  out: Path.join(root, ".generated/site"),
  tsconfig: Path.join(root, "tsconfig.json"),
  displayBasePath: root,
  entryPoints: ["core", "testing", "engine"].map((name) => Path.join(root, `packages/${name}/src/index.ts`)),
  readme: pages.front,
  projectDocuments: [...pages.guides],
  plugin: [],
  // What is wrong with the types is for `pnpm check` to say.
  skipErrorChecking: true,
  excludeExternals: true,
  treatWarningsAsErrors: true,
  disableGit: true,
  gitRevision: "main",
  sourceLinkTemplate: `${repository}/blob/{gitRevision}/{path}#L{line}`,
  // Order as in the sources, and guides in the order of `projectDocuments`.
  sort: ["documents-first", "source-order"],
  sortEntryPoints: false,
  categorizeByGroup: false,
  defaultCategory: "API reference",
  categoryOrder: [
    "Guides",
    "API reference",
    "services",
    "layers",
    "constructors",
    "combinators",
    "*",
    "models",
    "errors"
  ],
  navigation: { includeCategories: true, includeGroups: false, includeFolders: false, compactFolders: false },
  headings: { readme: false, document: false },
  visibilityFilters: {},
  includeHierarchySummary: false,
  useFirstParagraphOfCommentAsSummary: true,
  searchInComments: true,
  searchInDocuments: true,
  searchCategoryBoosts: { Guides: 2 },
  router: "addresses",
  // A name such as golang.org/x/oauth2 is no address.
  markdownItOptions: { html: true, linkify: false },
  highlightLanguages: ["bash", "console", "html", "javascript", "json", "typescript"],
  lightHighlightTheme: "github-light-high-contrast",
  darkHighlightTheme: "github-dark-high-contrast",
  favicon: Path.join(here, "favicon.svg"),
  customCss: Path.join(here, "site.css"),
  navigationLinks: { Repository: repository },
  customFooterHtml:
    `<p>effect-spotnana ${core.version} · <a href="${repository}/blob/main/LICENSE">${core.license}</a> · ` +
    `<a href="${repository}">Repository</a></p>`,
  customFooterHtmlDisableWrapper: true,
  hideGenerator: true,
  githubPages: true
})
addressing(app)
app.renderer.hooks.on(
  "head.end",
  () => JSX.createElement("script", null, JSX.createElement(JSX.Raw, { html: openMenu }))
)
reading(app)
improving(app)

const project = await app.convert()
if (project === undefined) throw new Error("the sources cannot be converted")
app.validate(project)
if (!app.logger.hasErrors() && !app.logger.hasWarnings()) await app.generateOutputs(project)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1
