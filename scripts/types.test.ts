// The tests of the types are complete, and run with what is installed.
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it, onTestFinished } from "vitest"
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

  const types = async (query: string) => {
    const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-spotnana-"))
    onTestFinished(() => Fs.rmSync(home, { force: true, recursive: true }))
    const { status, stdout } = await runToEnd(process.execPath, ["scripts/types.ts", query], {
      env: { PATH: process.env["PATH"], HOME: home, LocalAppData: home, XDG_DATA_HOME: home }
    })
    return { status, stdout, home: Fs.readdirSync(home) }
  }

  it("are tested with the TypeScript of the lock file: none is downloaded", async () => {
    const { home, status, stdout } = await types("Credentials")
    expect(stdout).toContain("uses TypeScript 6.0.3")
    expect({ home, status }).toEqual({ home: [], status: 0 })
    expect(Fs.existsSync(".generated/tstyche")).toBe(false)
  })

  it("fail where there is no test", async () => {
    expect((await types("NoSuchModule")).status).toBe(1)
  })
})
