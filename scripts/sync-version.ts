// Writes the core's version constant from its manifest; with --check, fails if the two differ.
import * as Fs from "node:fs"
import manifest from "../packages/core/package.json" with { type: "json" }

const file = new URL("../packages/core/src/internal/version.ts", import.meta.url)
const content = `// Written by scripts/sync-version.ts.
export const version = ${JSON.stringify(manifest.version)}
`

if (!process.argv.includes("--check")) {
  Fs.mkdirSync(new URL(".", file), { recursive: true })
  Fs.writeFileSync(file, content)
} else if (Fs.readFileSync(file, "utf8") !== content) {
  console.error(
    `packages/core/src/internal/version.ts is not of version ${manifest.version}: run node scripts/sync-version.ts`
  )
  process.exitCode = 1
}
