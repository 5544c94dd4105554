// Measures a program, from its start to its answer, and at rest after that.
import { spawn } from "node:child_process"
import { once } from "node:events"

export interface Launch {
  /** The CPU time of its process until the answer, user and system, in milliseconds. */
  readonly cpu: number
  /** Resident memory at rest, in bytes. */
  readonly rss: number
}

/** Starts a program that reports what `given.mjs` reports. */
export const launch = async (program: string, variables: Readonly<Record<string, string>>): Promise<Launch> => {
  const { NODE_COMPILE_CACHE: _cache, NODE_OPTIONS: _options, ...environment } = process.env
  const child = spawn(process.execPath, ["--expose-gc", program], {
    env: { ...environment, ...variables },
    stdio: ["ignore", "pipe", "inherit"]
  })
  let output = ""
  child.stdout.on("data", (chunk) => {
    output += String(chunk)
  })
  const [code] = await once(child, "close")
  if (code !== 0 || output === "") throw new Error(`${program} ended with ${String(code)}, and had said: ${output}`)
  return JSON.parse(output)
}
