import { defineConfig } from "vitest/config"
import { figuresReporter } from "./scripts/figures.ts"

export default defineConfig({
  test: {
    allowOnly: false,
    reporters: ["default", ["json", { outputFile: ".generated/tests.json" }], figuresReporter],
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: ["packages/core/test/trust/**"],
          // Time is simulated: this is only for a machine that is slow, and for a test that hangs.
          testTimeout: 30_000,
          sequence: { groupOrder: 1 }
        }
      },
      {
        test: {
          name: "trust",
          include: ["packages/core/test/trust/**/*.test.ts"],
          // Thousands of histories and exchanges: only for a machine that is slow, and for a test that hangs.
          testTimeout: 600_000,
          sequence: { groupOrder: 2 }
        }
      },
      {
        logLevel: "error",
        test: {
          name: "pack",
          include: ["scripts/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // It imports JSON in the way of bundlers, which Node does not know.
          server: { deps: { inline: [/@actions\/workflow-parser/] } },
          // After the others: packing and installing would take their time from them.
          sequence: { groupOrder: 3 }
        }
      }
    ]
  }
})
