import * as Path from "node:path"
import { bundleInto } from "../../../../scripts/bundled.ts"

const root = Path.resolve(import.meta.dirname, "../../../..")

/** The bundled executable, which the tests start. */
export const executable = Path.join(root, ".generated/cli/main.js")

/** Bundles the executable before the tests. */
export default (): Promise<void> => bundleInto(Path.dirname(executable), [Path.join(root, "packages/cli/src/main.ts")])
