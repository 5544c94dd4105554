// Type-checks every ```ts block of the documents and of the JSDoc comments, those of the guides with both lines of Effect.
//
// Each block becomes a file of its own in which it stands on the line where it stands in its source, so that the
// compiler's positions need but another file name.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { blocksOf, guides, noteOf, snippetsOf } from "./snippets/documents.ts"

// Where the blocks go, and how they are compiled: each finds the `effect` of the package that it is in.
const projects = [{ line: "Effect 4", directory: "." }, { line: "Effect 3", directory: "packages/effect3" }] as const
const outOf = (directory: string) => Path.join(directory, ".generated/snippets")
const directoryOf = (file: string) => projects[file.startsWith("packages/effect3/") ? 1 : 0].directory

const posix = (files: ReadonlyArray<string>) => files.map((file) => file.split(Path.sep).join("/"))
const forBoth = posix(Fs.globSync(guides))
const documents = posix(Fs.globSync(["CONTRIBUTING.md", "packages/*/README.md"])).filter((file) =>
  !forBoth.includes(file)
)
const modules = posix(Fs.globSync("packages/*/src/**/*.ts"))

/** The lines of a file that are prose, the others blanked. */
const prose = (file: string): ReadonlyArray<string> => {
  const text = Fs.readFileSync(file, "utf8")
  if (file.endsWith(".md")) return text.split("\n")
  return text
    .replaceAll(/\/\*\*.*?\*\/|[^\n]+?/gs, (part) => part.startsWith("/**") ? part : "")
    .split("\n")
    .map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*) ?/, ""))
}

const sources = new Set<string>()
let count = 0
const write = (directory: string, file: string, start: number, code: string): void => {
  const target = Path.join(outOf(directory), `${file}.${start}.ts`)
  Fs.mkdirSync(Path.dirname(target), { recursive: true })
  Fs.writeFileSync(target, `${"\n".repeat(start)}${code}\n`)
  sources.add(file)
  count++
}

for (const { directory } of projects) Fs.rmSync(outOf(directory), { force: true, recursive: true })
for (const file of [...documents, ...modules]) {
  for (const { info, lines, start } of blocksOf(file, prose(file))) {
    if (info === "ts") write(directoryOf(file), file, start, lines.join("\n"))
  }
}
for (const file of forBoth) {
  const text = Fs.readFileSync(file, "utf8")
  const snippets = snippetsOf(file, text)
  for (const { block, effect3 } of snippets.filter(({ block }) => block.info.startsWith("ts"))) {
    write(".", file, block.start, block.lines.join("\n"))
    if (effect3 !== undefined) write("packages/effect3", file, effect3.start, effect3.code)
  }
  const note = noteOf(file, snippets).filter((part) => part !== "").join(" ")
  if (note !== "" && !text.includes(`\n> ${note}\n`)) {
    throw new Error(`${file}: write the line below its title: > ${note}`)
  }
}

console.log(`${count} snippets in ${sources.size} files`)
for (const { directory, line } of projects) {
  const compile = ["scripts/tsc.ts", "-p", Path.join(directory, "tsconfig.snippets.json"), "--pretty", "false"]
  const { status, stdout } = spawnSync(process.execPath, compile, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"]
  })
  const found = stdout.replaceAll(/^(?:packages\/effect3\/)?\.generated\/snippets\/(.*)\.\d+\.ts\(/gm, "$1(")
  if (found !== "") process.stdout.write(`With ${line}:\n${found}`)
  process.exitCode ||= status ?? 1
}
