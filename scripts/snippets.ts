// Type-checks every ```ts block of the documents and of the JSDoc comments.
//
// Each block becomes a file of its own in which it stands on the line where it stands in its source, so that the
// compiler's positions need but another file name.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"

// Where the blocks go, and how they are compiled: each finds the `effect` of the package that it is in.
const effect3 = "packages/effect3"
const projects = [".", effect3].map((directory) => ({
  out: Path.join(directory, ".generated/snippets"),
  config: Path.join(directory, "tsconfig.snippets.json")
}))
const projectOf = (file: string) => projects[file.split(Path.sep).join("/").startsWith(`${effect3}/`) ? 1 : 0]!

const documents = Fs.globSync(["README.md", "CONTRIBUTING.md", "docs/*.md", "packages/*/README.md"])
const modules = Fs.globSync("packages/*/src/**/*.ts")

/** The lines of a file that are prose, the others blanked. */
const prose = (file: string): ReadonlyArray<string> => {
  const text = Fs.readFileSync(file, "utf8")
  if (file.endsWith(".md")) return text.split("\n")
  return text
    .replaceAll(/\/\*\*.*?\*\/|[^\n]+?/gs, (part) => part.startsWith("/**") ? part : "")
    .split("\n")
    .map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*) ?/, ""))
}

const blocks = (file: string): ReadonlyArray<{ readonly start: number; readonly lines: ReadonlyArray<string> }> => {
  const found: Array<{ start: number; lines: Array<string> }> = []
  let fence: { readonly mark: string; readonly indent: number; readonly block?: { lines: Array<string> } } | undefined
  for (const [index, line] of prose(file).entries()) {
    const [, indent = "", mark = "", info = ""] = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line) ?? []
    if (fence === undefined) {
      if (mark === "") continue
      if (/^(ts|typescript|tsx)\b/.test(info) && info !== "ts") {
        throw new Error(`${file}:${index + 1}: a block in TypeScript is fenced as \`\`\`ts, and nothing else`)
      }
      const block = { start: index + 1, lines: [] }
      if (info === "ts") found.push(block)
      fence = { mark, indent: indent.length, block }
    } else if (mark.startsWith(fence.mark) && info === "") {
      fence = undefined
    } else {
      fence.block?.lines.push(line.slice(fence.indent))
    }
  }
  if (fence !== undefined) throw new Error(`${file}: a fence is not closed`)
  return found
}

for (const { out } of projects) Fs.rmSync(out, { force: true, recursive: true })
const sources = new Set<string>()
let count = 0
for (const file of [...documents, ...modules]) {
  for (const { lines, start } of blocks(file)) {
    const target = Path.join(projectOf(file).out, `${file}.${start}.ts`)
    Fs.mkdirSync(Path.dirname(target), { recursive: true })
    Fs.writeFileSync(target, "\n".repeat(start) + lines.join("\n") + "\n")
    sources.add(file)
    count++
  }
}

console.log(`${count} snippets in ${sources.size} files`)
for (const { config } of projects) {
  const compile = ["scripts/tsc.ts", "-p", config, "--pretty", "false"]
  const { status, stdout } = spawnSync(process.execPath, compile, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"]
  })
  process.stdout.write(stdout.replaceAll(/^(?:packages\/effect3\/)?\.generated\/snippets\/(.*)\.\d+\.ts\(/gm, "$1("))
  process.exitCode ||= status ?? 1
}
