// Writes the version constants of core, effect3 and cli from their manifests; with --check, fails if one differs.
import * as Fs from "node:fs"
import cli from "../packages/cli/package.json" with { type: "json" }
import core from "../packages/core/package.json" with { type: "json" }
import effect3 from "../packages/effect3/package.json" with { type: "json" }

for (const [name, { version }] of [["core", core], ["effect3", effect3], ["cli", cli]] as const) {
  const file = `packages/${name}/src/internal/version.ts`
  const url = new URL(`../${file}`, import.meta.url)
  const content = `// Written by scripts/sync-version.ts.
export const version = ${JSON.stringify(version)}
`
  if (!process.argv.includes("--check")) {
    Fs.mkdirSync(new URL(".", url), { recursive: true })
    Fs.writeFileSync(url, content)
  } else if (Fs.readFileSync(url, "utf8") !== content) {
    console.error(`${file} is not of version ${version}: run node scripts/sync-version.ts`)
    process.exitCode = 1
  }
}
