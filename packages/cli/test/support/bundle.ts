import * as Path from "node:path"
import { rolldown } from "rolldown"

const root = Path.resolve(import.meta.dirname, "../../../..")

/** The bundled executable, which the tests start. */
export const executable = Path.join(root, ".generated/cli/main.js")

/** Bundles the executable before the tests: it starts in a fifth of the time that its 600 modules take. */
export default async function setup(): Promise<void> {
  const bundle = await rolldown({ input: Path.join(root, "packages/cli/src/main.ts"), platform: "node" })
  await bundle.write({ dir: Path.dirname(executable) })
  await bundle.close()
}
