/** The line on top of the documents that says that the packages cannot be installed from npm yet. */
import * as Fs from "node:fs"

const line = `
> **Not on npm yet:** until the first release, \`npm install\` of these packages fails with 404. Run \`npx --yes pnpm@10 tarballs\` in a clone of the
> [repository](https://github.com/effect-spotnana/effect-spotnana) instead. In bash or zsh, install them
> once with \`npm install <clone>/.generated/tarballs/effect-spotnana-{engine,core,testing,cli}-*.tgz\`, or with \`…{engine,effect3}-*.tgz\` for Effect 3.
> In the commands of a page, leave out the names that begin with \`@effect-spotnana/\`. For \`npx @effect-spotnana/cli\`, write \`npx spotnana-auth\` in
> the directory of that installation.
`

/** Whoever reads one of these may install a package next. */
export const documents: ReadonlyArray<string> = [
  "README.md",
  "docs/getting-started.md",
  ...Fs.globSync("packages/*/README.md")
]

const place = /(<!-- status -->\n)[^]*?(<!-- \/status -->\n)/

/** A document with the line as of a version: 0.0.0 is what comes before the first release. */
export const withStatus = (document: string, version: string): string => {
  if (!place.test(document)) {
    throw new Error("A document has no place for the status, <!-- status --> and <!-- /status -->")
  }
  return document.replace(
    place,
    (_, before: string, after: string) => version === "0.0.0" ? `${before}${line}\n${after}` : before + after
  )
}
