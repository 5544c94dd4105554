// Each rule of the converter is needed: without it, some program of the guides does not compile with Effect 3.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { expect, it } from "vitest"
import { runToEnd } from "../processes.ts"
import { guides, snippetsOf } from "./documents.ts"
import { calls, names, specifiers, toEffect3 } from "./effect3.ts"

const converter = Fs.readFileSync(Path.join(import.meta.dirname, "effect3.ts"), "utf8")
// As far below the root as the converter.
const mutants = Path.resolve(".generated/converters")
const out = "packages/effect3/.generated/converters"

/** The text of each rule, and what breaks it. */
const rules: ReadonlyArray<readonly [rule: string, broken: string]> = [
  ...Object.entries({ ...specifiers, ...names })
    .filter(([from, to]) => from !== to)
    .map(([from, to]) => [`"${from}": "${to}"`, `"${from}": "${from}"`] as const),
  ...calls.map((name) =>
    [
      `calls: ReadonlyArray<string> = ["${calls.join("\", \"")}"]`,
      `calls = ["${calls.filter((_) => _ !== name).join("\", \"")}"]`
    ] as const
  ),
  ["{ ParseResult: \"effect\" }", "{}"],
  ["`${name}.Default`", "`${name}.layer`"],
  ["\"Context.Tag($2)<$1>()\"", "\"Context.Service<$1>()($2)\""],
  ["\"Effect.flatMap($1, \"", "\"$1.use(\""]
]

const programs = Fs.globSync(guides).sort()
  .flatMap((file) => snippetsOf(file, Fs.readFileSync(file, "utf8")))
  // Without what is written for Effect 3 by hand.
  .filter(({ block, end, effect4Only }) => block.info === "ts" && end === block.end && effect4Only.length === 0)
  .map(({ block }) => block.lines.join("\n"))

it("a broken rule of the converter is found by the compiler", async () => {
  for (const directory of [mutants, out]) Fs.rmSync(directory, { force: true, recursive: true })
  for (const directory of [mutants, out]) Fs.mkdirSync(directory, { recursive: true })
  for (const [index, [rule, broken]] of rules.entries()) {
    expect([rule, converter.split(rule).length]).toEqual([rule, 2])
    const file = Path.join(mutants, `${index}.ts`)
    Fs.writeFileSync(file, converter.replace(rule, () => broken))
    const mutant = (await import(pathToFileURL(file).href)) as { readonly toEffect3: typeof toEffect3 }
    const different = programs
      .map((code) => [toEffect3(code), mutant.toEffect3(code)])
      .filter(([converted, changed]) => converted !== changed)
    for (const [part, [, changed]] of different.slice(0, 3).entries()) {
      Fs.writeFileSync(Path.join(out, `${index}.${part}.ts`), `${changed}\n`)
    }
  }
  Fs.writeFileSync(
    Path.join(out, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.snippets.json", include: ["."] })
  )
  const compile = ["scripts/tsc.ts", "-p", Path.join(out, "tsconfig.json"), "--pretty", "false"]
  const { stdout } = await runToEnd(process.execPath, compile)
  const found = new Set(
    [...stdout.matchAll(/converters\/(\d+)\.\d+\.ts\(.*: error /g)].map(([, index]) => Number(index))
  )
  expect(rules.filter((_, index) => !found.has(index))).toEqual([])
})
