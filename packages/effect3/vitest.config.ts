import { defineConfig } from "vitest/config"

// Effect 3 has test tools of its own, for an older vitest than that of the other packages. `TestClock` of Effect 3 waits for
// milliseconds at each step: the tests of a file do so at the same time.
export default defineConfig({
  logLevel: "error",
  test: {
    allowOnly: false,
    silent: "passed-only",
    include: ["test/**/*.test.ts"],
    reporters: ["default", "json"],
    outputFile: { json: "../../.generated/tests/effect3.json" },
    // As for the other packages: all cores, and files share the modules of their worker.
    maxWorkers: "100%",
    isolate: false,
    sequence: { concurrent: true },
    maxConcurrency: 100,
    testTimeout: 60_000
  }
})
