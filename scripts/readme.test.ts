// README.md is short, and what it says is so.
import * as Fs from "node:fs"
import { describe, expect, it } from "vitest"
import root from "../package.json" with { type: "json" }
import { documents, withStatus } from "./status.ts"

const readme = Fs.readFileSync("README.md", "utf8")
const results = Fs.readFileSync("packages/benchmark/RESULTS.md", "utf8")

const cells = (line: string) => line.slice(2, -2).split(" | ")

const sectionOf = (document: string, title: string): string => {
  const [, section = ""] = document.split(`\n## ${title}\n`)
  return section.split("\n## ")[0]!
}

/** The first table of a section, by its columns. */
const tableOf = (section: string): ReadonlyArray<Readonly<Record<string, string>>> => {
  const [table = ""] = /^\|[^]*?(?=\n\n|$(?![^]))/m.exec(section) ?? []
  const [head = "", , ...rows] = table.trim().split("\n")
  return rows.map((row) => Object.fromEntries(cells(row).map((cell, index) => [cells(head)[index]!, cell])))
}

const others = tableOf(sectionOf(results, "Who is measured"))
  .map(({ client }) => client!)
  .filter((client) => client !== "effect-spotnana")

/** Where the rows of the README come from: section, column and what is in the cell. */
const sources: Readonly<Record<string, readonly [section: string, column: string]>> = {
  "token requests by 10,000 callers without a token": ["Cold stampede", "token requests"],
  "of 12,000 requests, how many waited for a token, where each token is valid for 2 seconds": [
    "Expiry under load",
    "waited for a token"
  ],
  "of 5,000 requests, how many failed after a revocation": ["Mass revocation", "failed"],
  "token requests after the revocation (0: the client gets no new token)": [
    "Mass revocation",
    "token requests after it"
  ],
  "of 2,400 requests, how many failed in an outage": ["Outage of the token endpoint", "failed"],
  "time added to a request": ["Hot path", "added"]
}

const figure = (cell: string) => cell.replace(/ of .*$/, "")
const numberOf = (cell: string) => Number(cell.replaceAll(",", "").split(" ")[0])

describe("README.md", () => {
  it("has at most 150 lines and 1,000 words", () => {
    expect(readme.split("\n").length).toBeLessThanOrEqual(150)
    expect(readme.split(/\s+/).length).toBeLessThanOrEqual(1_000)
  })

  it("has the figures of the benchmark, of every other client that was measured, in at most six rows", () => {
    const rows = tableOf(sectionOf(readme, "Results"))
    expect(rows.map(({ what }) => what)).toEqual(Object.keys(sources))
    expect(rows.length).toBeLessThanOrEqual(6)
    for (const row of rows) {
      const [section, column] = sources[row["what"]!]!
      const table = tableOf(sectionOf(results, section))
      const of = (client: string) => figure(table.find((row) => row["client"] === client)![column]!)
      const figures = others.map(of).toSorted((a, b) => numberOf(a) - numberOf(b))
      expect(row).toEqual({
        what: row["what"],
        "effect-spotnana": of("effect-spotnana"),
        "the others": `${figures[0]} to ${figures.at(-1)}`
      })
    }
    expect(others.length).toBe(8)
    expect(readme).toContain("with eight other token clients")
  })

  it("links to what there is", () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link!).filter((link) => !link.includes(":"))
    expect(links.length).toBeGreaterThan(20)
    expect(links.filter((link) => !Fs.existsSync(link))).toEqual([])
  })

  it("has the errors that the documents have", () => {
    const tags = (file: string) => tableOf(sectionOf(Fs.readFileSync(file, "utf8"), "Errors"))
    expect(tags("packages/core/README.md")).toEqual(tags("README.md"))
    for (const { tag } of tags("README.md")) {
      expect(Fs.readFileSync("docs/errors.md", "utf8")).toContain(`\n## ${tag!.replaceAll("`", "")}\n`)
    }
  })
})

describe("the status on top of the documents", () => {
  it("names a command that packs each package that is published, and no other", () => {
    const excluded = [...root.scripts.tarballs.matchAll(/'!@effect-spotnana\/(\w+)'/g)].map(([, name = ""]) => name)
    const unpublished = Fs.globSync("packages/*/package.json")
      .map((file) => JSON.parse(Fs.readFileSync(file, "utf8")) as { readonly name: string; readonly private?: boolean })
      .filter((manifest) => manifest.private === true)
      .map(({ name }) => name.replace("@effect-spotnana/", ""))
    expect(excluded.toSorted()).toEqual(unpublished.toSorted())
  })

  it.each(documents)("has a place in %s, before anything that is to be installed", (file) => {
    const [before, after] = Fs.readFileSync(file, "utf8").split("<!-- /status -->")
    expect(before).not.toContain("npm install effect")
    expect(after).toContain("npm install")
  })

  it("says before the first release that npm does not have the packages, and nothing after it", () => {
    const document = "# A\n\n<!-- status -->\n<!-- /status -->\n\nB\n"
    const before = withStatus(document, "0.0.0")
    expect(before).toContain("\n\n> **Not on npm yet:**")
    expect(withStatus(before, "0.0.0")).toBe(before)
    expect(withStatus(before, "0.1.0")).toBe(document)
    expect(() => withStatus("# A\n", "0.1.0")).toThrow("no place for the status")
  })
})
