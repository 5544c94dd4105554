// What the packages weigh as they are published, which takes a compiler.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { beforeAll, expect, it } from "vitest"
import { publishInto } from "./published.ts"
import { firstProgram, measure } from "./size/measure.ts"

let core = ""

beforeAll(() => {
  core = publishInto(Path.resolve(".generated/size"))
})

// With one other character in a file, V8 keeps the whole file with two bytes for each character.
it("what is published is ASCII", () => {
  const files = Fs.globSync(`${core}/dist/**/*.js`)
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((file) => /[^\0-\x7f]/.test(Fs.readFileSync(file, "utf8")))).toEqual([])
})

it("the size of what is published is that of the sources, within 2 %", async () => {
  const [sources, dist] = [await measure(firstProgram()), await measure(firstProgram(), `${core}/dist/index.js`)]
  // Not the bundler's own helpers.
  const modules = dist.modules.map(([file]) => file).filter((file) => !file.startsWith("\0"))
  // All that the first program needs is one file, the engine's part too: each further one takes time at every start.
  expect(modules.toSorted()).toEqual([
    ".generated/size/node_modules/@effect-spotnana/core/dist/internal/client.js",
    "program.ts"
  ])
  expect(Math.abs(dist.gzip / sources.gzip - 1)).toBeLessThan(0.02)
})
