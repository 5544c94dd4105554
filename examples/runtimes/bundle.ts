/** A program and all that it imports in one file, for what does not run the sources. */
import * as Path from "node:path"
import { rolldown } from "rolldown"

export interface Bundle {
  readonly code: string
  /** What it still imports. */
  readonly imports: ReadonlyArray<string>
  /** The files that it is made of. */
  readonly modules: ReadonlyArray<string>
  /** What the bundler had to say. */
  readonly warnings: ReadonlyArray<string>
}

export const bundle = async (file: string, platform: "browser" | "node"): Promise<Bundle> => {
  const warnings: Array<string> = []
  const build = await rolldown({
    input: Path.resolve(file),
    platform,
    // It is for newer Nodes, and imported where it is used.
    external: platform === "node" ? /platform-node/ : [],
    onLog: (_level, log) => warnings.push(log.message)
  })
  const { output: [chunk] } = await build.generate({ format: "esm", minify: true })
  await build.close()
  return { code: chunk.code, imports: chunk.imports, modules: chunk.moduleIds, warnings }
}
