/** `node examples/fast-start/build.ts` bundles the example into one file. */
import * as Path from "node:path"
import { build } from "rolldown"

/** Bundles a program with all that it imports but Node's own modules. Returns what is still imported. */
export const bundleInto = async (file: string, input: string): Promise<ReadonlyArray<string>> => {
  const { output: [chunk] } = await build({
    input: Path.resolve(input),
    platform: "node",
    output: { file: Path.resolve(file), format: "esm", minify: true, codeSplitting: false }
  })
  return chunk.imports
}

if (import.meta.main) await bundleInto(".generated/fast-start/program.mjs", "examples/fast-start.ts")
