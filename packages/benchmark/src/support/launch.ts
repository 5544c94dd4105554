// A program, from its start to its answer and the rest after that.
import { spawn } from "node:child_process"
import { once } from "node:events"

export interface Launch {
  /** From before its process was made to its answer, in milliseconds. */
  readonly millis: number
  /** What it holds at rest, in bytes. */
  readonly rss: number
  readonly heapUsed: number
}

/** Starts a program that tells what `given.mjs` tells. */
export const launch = async (program: string, variables: Readonly<Record<string, string>>): Promise<Launch> => {
  const { NODE_COMPILE_CACHE: _cache, NODE_OPTIONS: _options, ...environment } = process.env
  const startedAt = performance.now()
  const child = spawn(process.execPath, ["--expose-gc", program], {
    env: { ...environment, ...variables },
    stdio: ["ignore", "pipe", "inherit"]
  })
  let millis = Number.NaN
  let output = ""
  child.stdout.on("data", (chunk) => {
    if (output === "") millis = performance.now() - startedAt
    output += String(chunk)
  })
  const [code] = await once(child, "close")
  const [said, memory] = output.split("\n")
  if (code !== 0 || said !== "answered" || memory === undefined) {
    throw new Error(`${program} ended with ${String(code)}, and had said: ${output}`)
  }
  const { heapUsed, rss }: { readonly heapUsed: number; readonly rss: number } = JSON.parse(memory)
  return { millis, rss, heapUsed }
}
