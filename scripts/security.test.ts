// SECURITY.md names, for each of its promises, the test that holds it: it is there.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"

const document = Fs.readFileSync("SECURITY.md", "utf8")
const references = [...document.matchAll(/`([\w./-]+\.test\.ts)`: "([^"]+)"/g)].map(([, file, test]) => ({
  file,
  test
}))

describe("SECURITY.md", () => {
  it("names tests", () => {
    expect(references.length).toBeGreaterThan(10)
    const promises = document.split("\n").filter((line) => line.startsWith("| ") && line.split("|").length === 6)
    expect(promises.slice(2).filter((line) => !line.includes(".test.ts"))).toEqual([])
  })

  it.each(references)("$file has the test $test", ({ file, test }) => {
    expect(Fs.readFileSync(Path.join("packages/core/test", file!), "utf8")).toContain(test)
  })
})
