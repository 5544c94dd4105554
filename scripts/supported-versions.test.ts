// docs/supported-versions.md says what the manifests say.
import * as Fs from "node:fs"
import { describe, expect, it } from "vitest"
import root from "../package.json" with { type: "json" }
import effect3 from "../packages/effect3/package.json" with { type: "json" }
import tools from "./package.json" with { type: "json" }
import packed from "./packed/package.json" with { type: "json" }

const rows = Fs.readFileSync("docs/supported-versions.md", "utf8").matchAll(/^\| (.+?) \| (.+?) \| (.+?) \|$/gm)
const table = new Map([...rows].map(([, what, supported, tested]) => [what, { supported, tested }]))

const published = Fs.globSync("packages/*/package.json")
  .map((file) => JSON.parse(Fs.readFileSync(file, "utf8")))
  .filter((manifest) => manifest.private !== true)

// The engine needs no effect, and the command line brings its own along.
const withEffect = published.filter((manifest) =>
  manifest.peerDependencies?.effect !== undefined && manifest.name !== effect3.name
)

describe("the supported versions", () => {
  it.each(withEffect)("of effect are those that $name asks for", ({ peerDependencies }) => {
    expect(table.get("effect")?.supported).toBe(`\`${peerDependencies.effect}\``)
  })

  it.each(published.filter(({ bin }) => bin === undefined))("of Node are those that $name asks for", ({ engines }) => {
    expect(table.get("Node")?.supported).toBe(`\`${engines.node}\``)
  })

  it.each([["effect 3", "effect"], ["@effect/platform", "@effect/platform"]] as const)(
    "of %s are those that effect3 asks for, and is tested with",
    (what, peer) => {
      expect(table.get(`${what}, for \`${effect3.name}\``)).toEqual({
        supported: `\`${effect3.peerDependencies[peer]}\``,
        tested: effect3.devDependencies[peer]
      })
    }
  )

  it("are of the core too", () => {
    expect(withEffect.map(({ name }) => name)).toContain("@effect-spotnana/core")
  })

  it("are tested with what the workspace has", () => {
    const { typescript, "typescript-6": old } = tools.devDependencies
    const { "typescript-5.9": oldest } = packed.devDependencies
    expect(table.get("effect")?.tested).toBe(root.dependencies.effect)
    expect(table.get("TypeScript")?.tested).toBe(
      [oldest, old, typescript].map((version) => version.replace("npm:typescript@", "")).join(", ")
    )
  })

  it("are known where people look for them", () => {
    for (const file of ["README.md", "SECURITY.md", "CONTRIBUTING.md"]) {
      expect(Fs.readFileSync(file, "utf8")).toContain("(docs/supported-versions.md)")
    }
  })
})
