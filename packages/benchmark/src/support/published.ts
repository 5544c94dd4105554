// The library as it is published, and the programs of `start/` beside it.
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"

const benchmark = Path.resolve(import.meta.dirname, "../..")
const core = Path.resolve(benchmark, "../core")
const target = Path.join(benchmark, ".generated/published")

/** The compiler of the repository. */
const tsc = (): string => {
  const require = createRequire(import.meta.url)
  return Path.join(Path.dirname(require.resolve("typescript/package.json")), "bin/tsc")
}

/** Compiles the library, and copies the programs to where it is found like any package. Their directory. */
export const publish = (): string => {
  const published = Path.join(target, "node_modules/@effect-spotnana/core")
  Fs.rmSync(target, { recursive: true, force: true })
  Fs.mkdirSync(published, { recursive: true })
  execFileSync(process.execPath, [
    tsc(),
    "-p",
    Path.join(core, "tsconfig.build.json"),
    "--outDir",
    Path.join(published, "dist")
  ])
  const { publishConfig, ...manifest } = JSON.parse(Fs.readFileSync(Path.join(core, "package.json"), "utf8"))
  Fs.writeFileSync(
    Path.join(published, "package.json"),
    JSON.stringify({ ...manifest, exports: publishConfig.exports })
  )
  const programs = Path.join(target, "start")
  Fs.cpSync(Path.join(benchmark, "src/start"), programs, { recursive: true })
  return programs
}
