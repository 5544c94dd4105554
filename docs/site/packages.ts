// What applications import: the packages, and the tests' part of the one for Effect 3.
import * as Fs from "node:fs"
import * as Path from "node:path"

export interface Package {
  /** What it is imported as, after `@effect-spotnana/`. */
  readonly name: string
  /** The file that is imported, and the directory of its modules, in the repository. */
  readonly entry: string
  readonly modules: string
  readonly description: string
}

const root = Path.resolve(import.meta.dirname, "../..")

const descriptionOf = (name: string): string => {
  const text = Fs.readFileSync(Path.join(root, `packages/${name}/package.json`), "utf8")
  return (JSON.parse(text) as { readonly description: string }).description
}

const packageOf = (name: string): Package => ({
  name,
  entry: `packages/${name}/src/index.ts`,
  modules: `packages/${name}/src`,
  description: descriptionOf(name)
})

/** In the order of the menu. */
export const packages: ReadonlyArray<Package> = [
  packageOf("core"),
  packageOf("effect3"),
  packageOf("testing"),
  {
    name: "effect3/testing",
    entry: "packages/effect3/src/testing.ts",
    modules: "packages/effect3/src/testing",
    description: descriptionOf("testing").replace("A Spotnana", "For Effect 3: a Spotnana")
  },
  packageOf("engine")
]
