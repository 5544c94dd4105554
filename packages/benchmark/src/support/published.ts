// The library as it is published, together with the programs in `start/`.
import * as Fs from "node:fs"
import * as Path from "node:path"
import { publishInto } from "../../../../scripts/published.ts"

const benchmark = Path.resolve(import.meta.dirname, "../..")
const target = Path.join(benchmark, ".generated/published")

/** Compiles the library, and copies the programs to where they find it like any package. Returns their directory. */
export const publish = (): string => {
  publishInto(target)
  const programs = Path.join(target, "start")
  Fs.cpSync(Path.join(benchmark, "src/start"), programs, { recursive: true })
  return programs
}
