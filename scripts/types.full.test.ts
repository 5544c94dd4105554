// The tests of the types are complete.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it } from "vitest"
import { runToEnd } from "./processes.ts"

const modules = Fs.globSync("packages/{core,testing}/src/*.ts").filter((file) => Path.basename(file) !== "index.ts")

const exportsOf = async (file: string): Promise<ReadonlyArray<string>> => [
  ...Object.keys(await import(pathToFileURL(file).href)),
  ...typesOf(Fs.readFileSync(file, "utf8"))
]

/** The types that a module declares, and those that it exports from its internal files. */
const typesOf = (source: string): ReadonlyArray<string> => [
  ...[...source.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name!),
  ...[...source.matchAll(/^export type \{([^}]*)\}/gm)].flatMap(([, names]) => names!.match(/\w+(?=\s*(?:,|$))/g) ?? [])
]

describe("types", () => {
  it.each(modules)("each export of %s is in a type test", async (file) => {
    const module = Path.basename(file, ".ts")
    const tests = Fs.globSync(`${Path.dirname(file)}/../test/types/*.tst.ts`)
      .map((file) => Fs.readFileSync(file, "utf8"))
      .join("\n")
    const names = await exportsOf(file)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !new RegExp(`\\b${module}\\.${name}\\b`).test(tests))).toEqual([])
  })

  it("fail where there is no test", async () => {
    const { status, stderr } = await runToEnd(process.execPath, ["scripts/types.ts", "NoSuchModule"])
    expect([status, stderr.includes("No type was tested")]).toEqual([1, true])
  })
})
