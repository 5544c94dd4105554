import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { configDefaults, defineConfig } from "vitest/config"
import { figuresReporter } from "./scripts/figures.ts"

// One rule says what `pnpm test` runs and what only `pnpm test:full` does: the name of the file. CONTRIBUTING.md has the reasons.
const tests = ["packages/*/test/**/*.test.ts", "examples/**/*.test.ts", "scripts/**/*.test.ts"]
const full = ["**/*.full.test.ts"]
const effect3 = ["packages/effect3/test/**/*.test.ts"]
const globalSetup = ["packages/cli/test/support/bundle.ts", "examples/support/bundle.ts"]

export default defineConfig({
  logLevel: "error",
  test: {
    allowOnly: false,
    silent: "passed-only",
    reporters: ["default", "json", figuresReporter],
    // Each of the two runs names a file of its own; this is for the others.
    outputFile: { json: ".generated/tests/other.json" },
    // Many tests wait for processes and sockets: with one worker a core, a quarter of a small machine is idle.
    maxWorkers: availableParallelism() * 2,
    // Processes that the tests start keep compiled modules: they start in six tenths of the time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL(".generated/compile-cache", import.meta.url)) },
    // Files share the modules of their worker: loading them once for each file takes a third of the time.
    isolate: false,
    // It imports JSON in the way of bundlers, which Node does not know.
    server: { deps: { inline: [/@actions\/workflow-parser/] } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          globalSetup,
          include: tests,
          exclude: [...configDefaults.exclude, ...full, ...effect3],
          // Time is simulated: this is only for a machine that is slow, and for a test that hangs.
          testTimeout: 300_000
        }
      },
      {
        extends: true,
        test: {
          name: "effect3",
          include: effect3,
          // `TestClock` of Effect 3 waits for milliseconds at each step: the tests of a file do so at the same time.
          sequence: { concurrent: true },
          maxConcurrency: 100,
          testTimeout: 300_000
        }
      },
      {
        extends: true,
        test: {
          name: "full",
          globalSetup,
          include: full,
          // Thousands of exchanges, packages that are installed: only for a machine that is slow, and for a test that hangs.
          testTimeout: 600_000,
          hookTimeout: 600_000
        }
      }
    ]
  }
})
