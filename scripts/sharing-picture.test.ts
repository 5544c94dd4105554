// The picture of docs/sharing-tokens.md shows what the library does now.
import { Effect, Redacted } from "effect"
import * as Fs from "node:fs"
import { describe, expect, it } from "vitest"
import { disguises } from "../packages/core/test/support/audit.ts"
import { makePicture } from "./sharing-picture/picture.ts"

const file = "docs/sharing-tokens.svg"
const { secrets, svg } = await Effect.runPromise(makePicture)

/** What keeps a text from being XML, as far as it is written here: elements, attributes, five entities. */
const faults = (xml: string): ReadonlyArray<string> => {
  const open: Array<string> = []
  const found: Array<string> = []
  const text = /^(?:[^<>&]|&(?:amp|lt|gt|quot|apos);)*$/
  for (const [, content = "", tag = ""] of xml.matchAll(/([^<]*)(<[^>]*>)?/g)) {
    if (!text.test(content) || (open.length === 0 && content.trim() !== "")) found.push(content)
    if (tag === "") continue
    const [, end, name = "", attributes = "", isEmpty] =
      /^<(\/)?([a-z]+)((?: [\w:-]+="(?:[^"&]|&\w+;)*")*)(\/)?>$/i.exec(tag) ?? []
    const names = [...attributes.matchAll(/ ([\w:-]+)=/g)].map(([, name]) => name)
    if (name === "" || new Set(names).size < names.length) found.push(tag)
    if (end !== undefined && open.pop() !== name) found.push(tag)
    if (end === undefined && isEmpty === undefined) open.push(name)
  }
  return [...found, ...open]
}

describe("the picture of the sharing", () => {
  it("is what the library does now", () => {
    expect(Fs.readFileSync(file, "utf8") === svg, `${file} is not what the library does now: run pnpm pictures`).toBe(
      true
    )
  })

  it("is the same whenever it is drawn", async () => {
    expect((await Effect.runPromise(makePicture)).svg).toBe(svg)
  })

  it("is well-formed XML", () => {
    expect(faults(svg)).toEqual([])
    const broken = ["<a><b></a></b>", "<a>", "<a b=\"1\" b=\"2\"/>", "<a>&</a>", "<a b=1/>", "<a/>b", "</a>"]
    expect(broken.filter((xml) => faults(xml).length === 0)).toEqual([])
  })

  it("has neither secret nor token in it", () => {
    // The secret of each of three fleets, and the five tokens that they have got.
    expect(secrets.length).toBe(3 + 5)
    const found = secrets.flatMap((secret) => disguises(Redacted.value(secret))).filter((form) => svg.includes(form))
    expect(found).toEqual([])
  })
})
