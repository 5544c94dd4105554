// The types are of the description.
import { expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { runToEnd } from "../../scripts/processes.ts"

const directory = import.meta.dirname

it("spotnana.gen.ts is what `pnpm generate` makes of the description", async () => {
  const { stderr, stdout } = await runToEnd(
    process.execPath,
    ["node_modules/openapi-typescript/bin/cli.js", "openapi.json"],
    { cwd: directory }
  )
  expect(stderr).toBe("")
  expect(stdout).toBe(readFileSync(join(directory, "spotnana.gen.ts"), "utf8"))
})
