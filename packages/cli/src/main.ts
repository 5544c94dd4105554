#!/usr/bin/env node
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { run } from "./command.ts"
import { exitCode } from "./exitCode.ts"

// Whoever read this has gone, as `head -1` does. Nobody is left to tell: the exit code is that of the signal.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    // The terminal has gone: the signal that says so ends this in order.
    if (code === "EIO" && stream.isTTY) return
    if (code !== "EPIPE" && stream === process.stdout) process.stderr.write(`error: stdout: ${message}\n`)
    process.exit(code === "EPIPE" ? exitCode.brokenPipe : exitCode.fault)
  })
}

// A terminal that is closed, and Ctrl-\, end it as Ctrl-C does: what it has made for its time is removed.
for (const signal of ["SIGHUP", "SIGQUIT"]) process.on(signal, () => process.kill(process.pid, "SIGTERM"))

NodeRuntime.runMain(Effect.provide(run, NodeServices.layer), { disableErrorReporting: true })
