// The API reference as Markdown: a page for each module of the public packages.
import * as Path from "node:path"
import { Application } from "typedoc"
import type { TypeDocOptions } from "typedoc"
import type { PluginOptions } from "typedoc-plugin-markdown"
import { packages } from "./packages.ts"
import { showServices } from "./services.ts"

const root = Path.resolve(import.meta.dirname, "../..")

/** Writes the pages to a directory: `core/TokenProvider.md`, and `core/index.md` for the package. */
export const writeApi = async (out: string, repository: string): Promise<void> => {
  const options: Partial<TypeDocOptions & PluginOptions> = {
    name: "API reference",
    plugin: ["typedoc-plugin-markdown"],
    outputs: [{ name: "markdown", path: out }],
    tsconfig: Path.join(root, "docs/tsconfig.api.json"),
    displayBasePath: root,
    entryPoints: packages.map(({ entry }) => Path.join(root, entry)),
    readme: "none",
    // `pnpm check` says what is wrong with the types.
    skipErrorChecking: true,
    excludeExternals: true,
    treatWarningsAsErrors: true,
    disableGit: true,
    gitRevision: "main",
    sourceLinkTemplate: `${repository}/blob/{gitRevision}/{path}#L{line}`,
    sort: ["source-order"],
    sortEntryPoints: false,
    categorizeByGroup: false,
    defaultCategory: "other",
    categoryOrder: ["services", "layers", "constructors", "combinators", "*", "models", "errors"],
    useFirstParagraphOfCommentAsSummary: true,
    router: "module",
    entryFileName: "index",
    hidePageHeader: true,
    hideBreadcrumbs: true,
    hidePageTitle: true,
    hideGroupHeadings: true,
    useCodeBlocks: true,
    expandParameters: true,
    useHTMLAnchors: true,
    // Besides the anchors that the site makes of headings.
    anchorPrefix: "api-",
    parametersFormat: "table",
    indexFormat: "table"
  }
  const app = await Application.bootstrapWithPlugins(options as TypeDocOptions)
  showServices(app, packages)
  const project = await app.convert()
  if (project === undefined) throw new Error("the sources cannot be converted")
  app.validate(project)
  if (!app.logger.hasErrors() && !app.logger.hasWarnings()) await app.generateOutputs(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error("the API reference has faults")
}
