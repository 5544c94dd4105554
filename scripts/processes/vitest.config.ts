import { defineConfig } from "vitest/config"

// Long enough for a process to start on a machine that has much else to do.
export default defineConfig({ test: { include: ["scripts/processes/hangs.ts"], testTimeout: 3_000 } })
