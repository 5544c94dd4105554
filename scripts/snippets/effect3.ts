// A program for Effect 4 as it is written for Effect 3: other imports, and other names where Effect's differ.
import * as Fs from "node:fs"
import * as Path from "node:path"

/** What an import is from. A specifier that is not here has no counterpart. */
export const specifiers: Readonly<Record<string, string>> = {
  "@effect-spotnana/core": "@effect-spotnana/effect3",
  "@effect-spotnana/testing": "@effect-spotnana/effect3/testing",
  "@effect/platform-node": "@effect/platform-node",
  "@effect/platform-node/NodeHttpClient": "@effect/platform-node/NodeHttpClient",
  "@effect/vitest": "@effect/vitest",
  "effect": "effect",
  "effect/http": "@effect/platform",
  "effect/testing": "effect"
}

/** Names that differ. The README of the package for Effect 3 lists them. */
export const names: Readonly<Record<string, string>> = {
  "Effect.catch": "Effect.catchAll",
  "Effect.forkChild": "Effect.fork",
  "Layer.unwrap": "Layer.unwrapEffect",
  "Schema.SchemaError": "ParseResult.ParseError",
  "Schema.decodeUnknownEffect": "Schema.decodeUnknown",
  "Schema.encodeEffect": "Schema.encode",
  "HttpClientRequest.bodyJsonUnsafe": "HttpClientRequest.bodyUnsafeJson",
  "HttpServerResponse.jsonUnsafe": "HttpServerResponse.unsafeJson",
  "NodeHttpClient.layerNodeHttp": "NodeHttpClient.layer",
  "HttpRouter": "HttpLayerRouter",
  "NodeServices": "NodeContext"
}

/** Calls that Effect 3 does without: their argument stands in their place. */
export const calls: ReadonlyArray<string> = ["Effect.fromResult", "Schema.toCodecJson"]

/** Where a name comes from that only the program for Effect 3 has. */
const homes: Readonly<Record<string, string>> = { ParseResult: "effect" }

interface Import {
  readonly isType: boolean
  readonly specifier: string
  readonly names: ReadonlyArray<string>
  /** The name of `import * as Name`. */
  readonly namespace: string | undefined
}

const readImport = (line: string): Import => {
  const found = /^import (type )?(?:\{ ([\w, ]+) \}|\* as (\w+)) from "([^"]+)"$/.exec(line)
  if (found === null) throw new Error(`an import of another form than the guides have: ${line}`)
  const [, type, list, namespace, specifier = ""] = found
  return { isType: type !== undefined, specifier, names: list?.split(", ") ?? [], namespace }
}

const split = (code: string): readonly [imports: ReadonlyArray<Import>, body: string] => {
  const lines = code.split("\n")
  const isImport = (line: string) => line.startsWith("import ")
  return [
    lines.filter(isImport).map(readImport),
    lines.filter((line) => !isImport(line)).join("\n").replace(/^\n+/, "")
  ]
}

const exportsOf = (file: string): ReadonlySet<string> => {
  const text = Fs.readFileSync(Path.join(import.meta.dirname, "../../packages", file), "utf8")
  return new Set([...text.matchAll(/^export (?:type )?\* as (\w+)/gm)].map(([, name = ""]) => name))
}

/** The modules of the packages for Effect 3, by the package for Effect 4. */
const modules: Readonly<Record<string, ReadonlySet<string>>> = {
  "@effect-spotnana/core": exportsOf("effect3/src/index.ts"),
  "@effect-spotnana/testing": exportsOf("effect3/src/testing.ts")
}

/** The modules in a program that are for Effect 4 only. */
export const onlyInEffect4 = (code: string): ReadonlyArray<string> =>
  split(code)[0].flatMap(({ names, specifier }) => names.filter((name) => modules[specifier]?.has(name) === false))

/** Takes a call away: `name(argument)` is `argument`. */
const withoutCall = (code: string, name: string): string => {
  const start = code.indexOf(`${name}(`)
  if (start < 0) return code
  const open = start + name.length
  let depth = 0
  let end = open
  do {
    if (code[end] === "(") depth++
    if (code[end] === ")") depth--
    end++
  } while (depth > 0 && end < code.length)
  return withoutCall(code.slice(0, start) + code.slice(open + 1, end - 1) + code.slice(end), name)
}

/** Whether a name stands in a program, and not as a part of another or as a member. */
const has = (code: string, name: string): boolean => new RegExp(`(?<![\\w.])${name}\\b`).test(code)

const convertNames = (body: string): string => {
  const renamed = Object.entries(names).reduce(
    (code, [from, to]) => code.replaceAll(new RegExp(`(?<![\\w.])${from.replace(".", "\\.")}\\b`, "g"), to),
    calls.reduce(withoutCall, body)
  )
  const maps = [...renamed.matchAll(/^class (\w+) extends LayerMap\.Service</gm)].map(([, name = ""]) => name)
  return maps
    .reduce((code, name) => code.replaceAll(new RegExp(`\\b${name}\\.layer\\b`, "g"), `${name}.Default`), renamed)
    .replaceAll(/Context\.Service<([^]*?)>\(\)\(("[^"]*")\)/g, "Context.Tag($2)<$1>()")
    .replaceAll(/\b([A-Z]\w*\.[A-Z]\w*)\.use\(/g, "Effect.flatMap($1, ")
    .replaceAll(/\.reason\._tag === "(\w+)Error"/g, ".reason === \"$1\"")
}

const specifierOf = (specifier: string): string => {
  if (specifier.startsWith("node:") || ["ioredis", "redis"].includes(specifier)) return specifier
  const found = specifiers[specifier]
  if (found === undefined) throw new Error(`${specifier} has no counterpart for Effect 3`)
  return found
}

/** The imports for a body: those of the same package in one line, without what the body does not use. */
const printImports = (imports: ReadonlyArray<Import>, body: string): ReadonlyArray<string> => {
  const lists = new Map<string, Set<string>>()
  const add = (start: string, specifier: string, name: string): void => {
    const key = `${specifier}\n${start}`
    lists.set(key, (lists.get(key) ?? new Set()).add(name))
  }
  for (const { isType, names: imported, namespace, specifier } of imports) {
    const start = isType ? "import type" : "import"
    if (namespace !== undefined) add(`${start} *`, specifierOf(specifier), namespace)
    for (const name of imported) {
      const renamed = names[name] ?? name
      if (has(body, renamed)) add(start, specifierOf(specifier), renamed)
    }
  }
  for (const [name, specifier] of Object.entries(homes)) if (has(body, name)) add("import", specifier, name)
  return [...lists].toSorted(([a], [b]) => a < b ? -1 : 1).map(([key, found]) => {
    const [specifier, start] = key.split("\n")
    const list = [...found].toSorted().join(", ")
    return start!.endsWith("*") ? `${start} as ${list} from "${specifier}"` : `${start} { ${list} } from "${specifier}"`
  })
}

/** Converts a program. Throws where it imports something that has no counterpart. */
export const toEffect3 = (code: string): string => {
  const only = onlyInEffect4(code)
  if (only.length > 0) throw new Error(`for Effect 4 only: ${only.join(", ")}`)
  const [imports, body] = split(code)
  const converted = convertNames(body)
  return [...printImports(imports, converted), "", converted].join("\n").replace(/^\n+/, "")
}
