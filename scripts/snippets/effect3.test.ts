// The programs of the guides for Effect 3.
import * as Fs from "node:fs"
import { describe, expect, it } from "vitest"
import { blocksOf, guides, noteOf, snippetsOf } from "./documents.ts"
import { calls, names, onlyInEffect4, specifiers, toEffect3 } from "./effect3.ts"

const files = Fs.globSync(guides).filter((file) => /^```ts$/m.test(Fs.readFileSync(file, "utf8"))).sort()
const snippets = files.flatMap((file) => snippetsOf(file, Fs.readFileSync(file, "utf8")))
const programs = snippets.filter(({ block }) => block.info === "ts").map(({ block }) => block.lines.join("\n"))

describe("a program for Effect 4 as one for Effect 3", () => {
  it("imports from the packages of Effect 3, a line for each, and nothing that it does not use", () => {
    expect(toEffect3(`import { SpotnanaHttpClient } from "@effect-spotnana/core"
import type { AuthError } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Schema } from "effect"
import { HttpClient } from "effect/http"
import type { HttpClientError } from "effect/http"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"

use(SpotnanaHttpClient, MockSpotnana, NodeHttpClient, Effect, HttpClient, TestClock, createServer)
type Failure = AuthError.AuthError | HttpClientError.HttpClientError | Schema.SchemaError`)).toBe(
      `import { SpotnanaHttpClient } from "@effect-spotnana/effect3"
import type { AuthError } from "@effect-spotnana/effect3"
import { MockSpotnana } from "@effect-spotnana/effect3/testing"
import { HttpClient } from "@effect/platform"
import type { HttpClientError } from "@effect/platform"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, ParseResult, TestClock } from "effect"
import { createServer } from "node:http"

use(SpotnanaHttpClient, MockSpotnana, NodeHttpClient, Effect, HttpClient, TestClock, createServer)
type Failure = AuthError.AuthError | HttpClientError.HttpClientError | ParseResult.ParseError`
    )
  })

  it.each(Object.entries(names))("has %s as %s, and leaves longer names and members alone", (from, to) => {
    expect(toEffect3(`${from}(x, ${from})`)).toBe(
      `${to.startsWith("ParseResult") ? "import { ParseResult } from \"effect\"\n\n" : ""}${to}(x, ${to})`
    )
    expect(toEffect3(`${from}Other, other.${from}, My${from}`)).toBe(`${from}Other, other.${from}, My${from}`)
  })

  it.each(calls)("has the argument of %s in its place", (name) => {
    expect(toEffect3(`f(${name}(g(a, () => b())), c)`)).toBe("f(g(a, () => b()), c)")
    expect(toEffect3(`${name}(${name}(a))`)).toBe("a")
  })

  it("has a service as a tag, the effect of a service as one of the tag, and a map of layers by the name of its layer", () => {
    expect(toEffect3("class A extends Context.Service<A, {\n  readonly b: Effect.Effect<C>\n}>()(\"app/A\") {}"))
      .toBe("class A extends Context.Tag(\"app/A\")<A, {\n  readonly b: Effect.Effect<C>\n}>() {}")
    expect(toEffect3("Module.Service.use((service) => service.get)"))
      .toBe("Effect.flatMap(Module.Service, (service) => service.get)")
    expect(toEffect3("class A extends LayerMap.Service<A>()(\"app/A\", {}) {}\nA.layer, A.get(b), B.layer"))
      .toBe("class A extends LayerMap.Service<A>()(\"app/A\", {}) {}\nA.Default, A.get(b), B.layer")
  })

  it("is refused where an import has no counterpart, or cannot be read", () => {
    expect(() => toEffect3("import { A } from \"effect/unstable\"\n\nA"))
      .toThrow("effect/unstable has no counterpart for Effect 3")
    expect(() => toEffect3("import {\n  A\n} from \"effect\"\n\nA")).toThrow("an import of another form")
    const webhook = "import { Credentials, Webhook } from \"@effect-spotnana/core\"\n\nWebhook"
    expect(onlyInEffect4(webhook)).toEqual(["Webhook"])
    expect(() => toEffect3(webhook)).toThrow("for Effect 4 only: Webhook")
  })

  it("has rules that the guides need, each of them", () => {
    const unused = [...Object.keys(names), ...calls].filter((name) => !programs.some((code) => code.includes(name)))
    expect(unused).toEqual([])
  })

  it("differs in what the README of the package lists", () => {
    const [, section = ""] = Fs.readFileSync("packages/effect3/README.md", "utf8").split("\n## Names that differ\n")
    const rows = [...section.split("\n## ")[0]!.matchAll(/^\| `(.*)` \| `(.*)` \|$/gm)].map((
      [, from = "", to]
    ) => [from, to])
    const differing = Object.entries({ ...specifiers, ...names }).filter(([from, to]) => from !== to)
    expect(differing.filter(([from, to]) => !rows.some((row) => row[0] === from && row[1] === to))).toEqual([])
    expect(calls.filter((name) => !rows.some(([from, to]) => from === `${name}(x)` && to === "x"))).toEqual([])
    // A service as a tag, its `use`, the layer of a map, and the reason of an error.
    expect(rows.length).toBe(differing.length + calls.length + 4)
  })
})

describe("a guide", () => {
  const document = (...parts: ReadonlyArray<string>) => parts.join("\n\n")
  const fence = (info: string, code: string) => `\`\`\`${info}\n${code}\n\`\`\``
  const other = fence("ts effect3", "three")

  it.each(files)("%s has each program for both lines of Effect, or says what is for Effect 4 only", (file) => {
    const text = Fs.readFileSync(file, "utf8")
    const found = snippetsOf(file, text).filter(({ block }) => block.info.startsWith("ts"))
    const blocks = blocksOf(file, text.split("\n")).filter(({ info }) => /^ts(?! effect3)/.test(info))
    expect(found.map(({ block }) => block.start)).toEqual(blocks.map(({ start }) => start))
    const note = noteOf(file, found).filter((part) => part !== "").join(" ")
    expect(`${text}\n> \n`).toContain(`\n> ${note}\n`)
    for (const { block, effect3, effect4Only } of found) {
      const code = block.lines.join("\n")
      // Nothing to show for Effect 3: it is for Effect 4 only, or the same.
      expect(effect3 !== undefined || effect4Only.length > 0 || toEffect3(code) === code).toBe(true)
      for (const name of effect4Only) expect(note).toContain(`\`${name}\``)
    }
  })

  it("has its programs converted, with what is below the imports on its line", () => {
    const text = document(
      "# A",
      fence(
        "ts",
        "import { A } from \"effect/http\"\nimport { B } from \"effect\"\nimport { C } from \"effect/testing\"\n\nA, B, C"
      )
    )
    const [snippet] = snippetsOf("a.md", text)
    expect(snippet?.effect3?.start).toBe(4)
    expect(snippet?.effect3?.code).toBe(
      "import { A } from \"@effect/platform\"\nimport { B, C } from \"effect\"\n\nA, B, C"
    )
  })

  it("has a program for Effect 3 by hand below the one for Effect 4", () => {
    const [snippet] = snippetsOf("a.md", document(fence("ts", "four"), "In Effect 3:", other))
    expect(snippet).toMatchObject({ end: 9, effect4Only: [], effect3: { start: 7, code: "three" } })
    expect(snippetsOf("a.md", document(fence("sh", "four"), "In Effect 3:", fence("sh effect3", "three"))).length).toBe(
      1
    )
    const parts = [
      [other],
      [fence("ts", "four"), other],
      [fence("ts", "four"), "In Effect 3, other words:", other],
      [fence("sh", "four"), "In Effect 3:", other],
      [fence("ts", "four"), "In Effect 3:", other, "In Effect 3:", other]
    ]
    for (const part of parts) {
      expect(() => snippetsOf("a.md", document(...part))).toThrow("stands below the same for Effect 4")
    }
  })

  it("is refused with the line of a program that cannot be converted", () => {
    expect(() => snippetsOf("a.md", document("# A", fence("ts", "import { A } from \"effect/unstable\"\n\nA"))))
      .toThrow("a.md:3: effect/unstable has no counterpart for Effect 3. Write it for Effect 3 below")
  })

  it("says what is for Effect 4 only", () => {
    const webhook = fence("ts", "import { Webhook } from \"@effect-spotnana/core\"\n\nWebhook")
    const both = fence("ts", "import { AuthError } from \"@effect-spotnana/core\"\n\nAuthError")
    const noteFor = (file: string, ...parts: ReadonlyArray<string>) =>
      noteOf(file, snippetsOf(file, document(...parts)))
    expect(noteFor("docs/a.md", webhook, both, fence("ts effect4 userEndpoint", "a")))
      .toEqual([
        "Code for Effect 4. [What changes for Effect 3](effect-3.md).",
        "Not available for Effect 3: `Webhook`, `userEndpoint`."
      ])
    expect(noteFor("README.md", both)).toEqual([
      "Code for Effect 4. [What changes for Effect 3](docs/effect-3.md).",
      ""
    ])
    expect(noteFor("docs/a.md", fence("ts", "1 + 1"), fence("sh", "ls"))).toEqual(["", ""])
  })

  it.each(["typescript", "tsx", "ts twoslash", "ts effect4", "js effect3"])("has no code fenced as %s", (info) => {
    expect(() => snippetsOf("a.md", fence(info, "a"))).toThrow(`a.md:1: "${info}" is not how code is fenced`)
  })
})
