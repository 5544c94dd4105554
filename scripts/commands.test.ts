// The commands that the documents name are scripts of package.json, each in a line of its own.
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { describe, expect, it } from "vitest"
import root from "../package.json" with { type: "json" }
import { blocksOf } from "./snippets/documents.ts"

/** Commands of pnpm itself. */
const builtIn = ["exec", "run"]

const documents = execFileSync("git", ["ls-files", "*.md"], { encoding: "utf8" }).trim().split("\n")

describe.each(documents)("%s", (file) => {
  const text = Fs.readFileSync(file, "utf8")

  it("names scripts that there are", () => {
    const named = [...text.matchAll(/pnpm@10 (?:run )?([a-z][a-z:]*)/g)].map(([, name]) => name!)
    expect(named.filter((name) => !builtIn.includes(name) && !Object.hasOwn(root.scripts, name))).toEqual([])
  })

  it("has each command in a line of its own, or after &&", () => {
    const lines = blocksOf(file, text.split("\n")).filter(({ info }) => info.startsWith("sh")).flatMap(({ lines }) =>
      lines
    )
    const joined = (line: string) => line.split("&&").some((command) => /[#x] .*\bnpx /.test(command))
    expect(lines.filter(joined)).toEqual([])
  })
})
