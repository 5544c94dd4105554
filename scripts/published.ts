// The library as an application would have it: compiled, with the manifests that the registry would get.
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "..")

const tsc = Path.join(
  Path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin/tsc"
)

/** The core, and what it brings along. */
const packages = ["engine", "core"]

/** Compiles the library into `directory/node_modules`. Returns the directory of the core. */
export const publishInto = (directory: string): string => {
  Fs.rmSync(directory, { recursive: true, force: true })
  const target = (name: string) => Path.join(directory, "node_modules/@effect-spotnana", name)
  for (const name of packages) {
    const source = Path.join(root, "packages", name)
    const project = Path.join(source, "tsconfig.build.json")
    const dist = Path.join(target(name), "dist")
    execFileSync(process.execPath, [tsc, "-p", project, "--outDir", dist])
    const { publishConfig, ...manifest } = JSON.parse(Fs.readFileSync(Path.join(source, "package.json"), "utf8"))
    if (manifest.scripts.build.includes("chunks.ts")) {
      execFileSync(process.execPath, [Path.join(root, "scripts/chunks.ts"), source, dist])
    }
    Fs.writeFileSync(
      Path.join(target(name), "package.json"),
      JSON.stringify({ ...manifest, exports: publishConfig.exports })
    )
  }
  return target("core")
}
