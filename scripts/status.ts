/** The line on top of the documents that says that the packages cannot be installed from npm yet. */
import * as Fs from "node:fs"

const line = `
> **Not on npm yet:** until the first release, \`npm install\` of these packages fails with 404. Clone the
> [repository](https://github.com/effect-spotnana/effect-spotnana), and run \`npx --yes pnpm@10 tarballs\` in the clone. Then, in the directory of
> your application, run \`npm install <clone>/.generated/tarballs/effect-spotnana-{engine,core,testing,cli}-*.tgz\` once, in bash or zsh; for
> Effect 3 \`{engine,effect3}\` in place of the four names. In other \`npm install\` commands leave out every name that begins with
> \`@effect-spotnana/\`, or the whole command if no name is left. Where a page says \`npx @effect-spotnana/cli\` or
> \`spotnana-auth\`, run \`npx spotnana-auth\` in that directory; with Effect 3, in a second directory with the four packages.
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
