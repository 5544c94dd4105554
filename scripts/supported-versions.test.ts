// docs/supported-versions.md says what the manifests say.
import * as Fs from "node:fs"
import { describe, expect, it } from "vitest"
import docs from "../docs/package.json" with { type: "json" }
import root from "../package.json" with { type: "json" }

const rows = Fs.readFileSync("docs/supported-versions.md", "utf8").matchAll(/^\| (.+?) \| (.+?) \| (.+?) \|$/gm)
const table = new Map([...rows].map(([, what, supported, tested]) => [what, { supported, tested }]))

// A package that is no library brings its own effect along.
const libraries = Fs.globSync("packages/*/package.json")
  .map((file) => JSON.parse(Fs.readFileSync(file, "utf8")))
  .filter((manifest) => manifest.private !== true && manifest.peerDependencies?.effect !== undefined)

describe("the supported versions", () => {
  it.each(libraries)("of $name are those of its manifest", ({ engines, peerDependencies }) => {
    expect(table.get("effect")?.supported).toBe(`\`${peerDependencies.effect}\``)
    expect(table.get("Node")?.supported).toBe(`\`${engines.node}\``)
  })

  it("are of the core too", () => {
    expect(libraries.map(({ name }) => name)).toContain("@effect-spotnana/core")
  })

  it("are tested with what the workspace has", () => {
    const { effect, typescript, "typescript-5.9": oldest } = root.devDependencies
    expect(table.get("effect")?.tested).toBe(effect)
    expect(table.get("TypeScript")?.tested).toBe(
      [oldest.replace("npm:typescript@", ""), docs.devDependencies.typescript, typescript].join(", ")
    )
  })

  it("are known where people look for them", () => {
    for (const file of ["README.md", "SECURITY.md", "CONTRIBUTING.md"]) {
      expect(Fs.readFileSync(file, "utf8")).toContain("(docs/supported-versions.md)")
    }
  })
})
