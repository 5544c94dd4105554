import * as Fs from "node:fs"
import * as Path from "node:path"
import { bundleInto } from "../../scripts/bundled.ts"

const root = Path.resolve(import.meta.dirname, "../..")
const directory = Path.join(root, ".generated/examples")

/** An example of this name as it is written, or bundled, which is what tests start. */
export const fileOf = (name: string, { bundled }: { readonly bundled: boolean }): string =>
  bundled ? Path.join(directory, `${Path.basename(name, ".ts")}.js`) : Path.join(root, "examples", name)

/** Bundles the examples before the tests. */
export default (): Promise<void> =>
  bundleInto(
    directory,
    Fs.globSync("*.ts", { cwd: Path.join(root, "examples") })
      .filter((name) => !name.endsWith(".test.ts") && name !== "cloudflare-worker.ts")
      .map((name) => fileOf(name, { bundled: false }))
  )
