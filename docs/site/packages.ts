// The packages that applications import.
import * as Fs from "node:fs"
import * as Path from "node:path"

export interface Package {
  /** Its directory in `packages`. */
  readonly name: string
  readonly manifest: { readonly name: string; readonly description: string }
}

const directory = Path.resolve(import.meta.dirname, "../../packages")

/** In the order of the menu. */
export const packages: ReadonlyArray<Package> = ["core", "effect3", "testing", "engine"]
  .filter((name) => Fs.existsSync(Path.join(directory, name, "src/index.ts")))
  .map((name) => ({ name, manifest: JSON.parse(Fs.readFileSync(Path.join(directory, name, "package.json"), "utf8")) }))
