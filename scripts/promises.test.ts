// What the documents promise they promise with the test that holds it: it is there.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"

describe.each([
  ["SECURITY.md", 6],
  ["docs/sharing-tokens.md", 4],
  ["docs/endpoints.md", 6]
])("%s", (file, width) => {
  const document = Fs.readFileSync(file, "utf8")
  const references = [...document.matchAll(/`([\w./-]+\.test\.ts)`: "([^"]+)"/g)].map(([, file, test]) => ({
    file,
    test
  }))

  it("names a test in each line of its table of promises", () => {
    const table = document.split("\n\n").find((block) => block.includes(".test.ts`"))
    const [, , ...promises] = (table ?? "").split("\n").filter((line) => line.split("|").length === width)
    expect(promises.length).toBeGreaterThan(5)
    expect(promises.filter((line) => !line.includes(".test.ts`"))).toEqual([])
  })

  it.each(references)("$file has the test $test", ({ file, test }) => {
    expect(Fs.readFileSync(file!.startsWith("packages/") ? file! : Path.join("packages/core/test", file!), "utf8"))
      .toContain(test)
  })
})
