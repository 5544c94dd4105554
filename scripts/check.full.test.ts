// The types of everything, of what is installed for `test:full` only too: the benchmark and the site.
import { expect, it } from "vitest"
import { runToEnd } from "./processes.ts"

it("every file of the repository type-checks, with Effect's own diagnostics", async () => {
  const { status, stdout } = await runToEnd(process.execPath, ["scripts/tsc.ts", "-p", "tsconfig.full.json"])
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" })
})
