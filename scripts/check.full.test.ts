// The types of what is installed for `test:full` only: the benchmark and the test of the site. `pnpm check` does the others.
import * as Fs from "node:fs"
import { expect, it } from "vitest"
import { runToEnd } from "./processes.ts"

const listOf = (name: "include" | "exclude", file: string): ReadonlyArray<string> => {
  const text = Fs.readFileSync(file, "utf8").replaceAll(/^ *\/\/.*$/gm, "")
  return JSON.parse(text)[name]
}

it("what `pnpm check` leaves out type-checks, with Effect's own diagnostics", async () => {
  const { status, stdout } = await runToEnd(process.execPath, ["scripts/tsc.ts", "-p", "tsconfig.full.json"])
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" })
})

it("`pnpm check` leaves nothing else out", () => {
  const included = listOf("include", "tsconfig.full.json")
  // Effect 3 has a tsconfig of its own, which `pnpm check` uses too.
  const elsewhere = ["**/node_modules", "packages/effect3"]
  const excluded = listOf("exclude", "tsconfig.json").filter((path) => !elsewhere.includes(path))
  expect(excluded.map((path) => included.filter((file) => file.startsWith(path)))).toEqual(
    excluded.map((path) => Fs.statSync(path).isDirectory() ? [`${path}/src`, `${path}/test`] : [path])
  )
})
