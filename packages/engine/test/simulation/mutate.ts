/** Copies of the engine with one wrong rule each, loaded into this process. */
import * as Fs from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import type { Engine } from "./engine.ts"

export type File = "Instant" | "Policy" | "Lifecycle"

const source = (file: File): string => Fs.readFileSync(new URL(`../../src/${file}.ts`, import.meta.url), "utf8")

const sources = { Instant: source("Instant"), Policy: source("Policy"), Lifecycle: source("Lifecycle") }

const toUrl = (text: string): string =>
  `data:text/javascript;base64,${Buffer.from(stripTypeScriptTypes(text)).toString("base64")}`

/** The engine with `from`, which is there once, replaced. */
export const mutate = async (file: File, from: string, to: string): Promise<Engine> => {
  const parts = sources[file].split(from)
  if (parts.length !== 2) throw new Error(`${file}.ts has ${parts.length - 1} times: ${from}`)
  const texts = { ...sources, [file]: parts.join(to) }
  const instant = toUrl(texts.Instant)
  const policy = toUrl(texts.Policy)
  // Each copy is a module of its own, though two mutants may be the same text.
  const lifecycle = toUrl(
    texts.Lifecycle.replaceAll("\"./Instant.ts\"", JSON.stringify(instant))
      .replaceAll("\"./Policy.ts\"", JSON.stringify(policy))
  )
  return { Instant: await import(instant), Policy: await import(policy), Lifecycle: await import(lifecycle) }
}
