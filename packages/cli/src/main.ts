#!/usr/bin/env node
import type { exitCode } from "./exitCode.ts"

const interrupted: typeof exitCode.interrupted = 130

// From here on a signal ends the process with this exit code, also while the rest is loaded. While the command runs, it
// has a listener of its own, and ends in order.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(process.exitCode ?? interrupted)
  })
}

// A closed terminal and Ctrl-\ end the process like Ctrl-C, so that its temporary files are removed.
for (const signal of ["SIGHUP", "SIGQUIT"]) process.on(signal, () => process.emit("SIGTERM"))

await import("./runMain.ts")
