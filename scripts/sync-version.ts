// Writes what follows from the versions in the manifests: the constants of core, effect3 and cli, and the status on top of the
// documents. With --check, fails if a file differs.
import * as Fs from "node:fs"
import cli from "../packages/cli/package.json" with { type: "json" }
import core from "../packages/core/package.json" with { type: "json" }
import effect3 from "../packages/effect3/package.json" with { type: "json" }
import { documents, withStatus } from "./status.ts"

const sync = (file: string, content: string): void => {
  if (!process.argv.includes("--check")) {
    Fs.writeFileSync(file, content)
  } else if (Fs.readFileSync(file, "utf8") !== content) {
    console.error(`${file} is not of the version in the manifests: run node scripts/sync-version.ts`)
    process.exitCode = 1
  }
}

for (const [name, { version }] of [["core", core], ["effect3", effect3], ["cli", cli]] as const) {
  const content = `// Written by scripts/sync-version.ts.
export const version = ${JSON.stringify(version)}
`
  sync(`packages/${name}/src/internal/version.ts`, content)
}

for (const file of documents) sync(file, withStatus(Fs.readFileSync(file, "utf8"), core.version))
