#!/usr/bin/env node
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { run } from "./command.ts"
import { exitCode } from "./exitCode.ts"

// Whoever read this has gone, as `head -1` does. Nobody is left to tell: the exit code is that of the signal.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE" && stream === process.stdout) process.stderr.write(`error: stdout: ${message}\n`)
    process.exit(code === "EPIPE" ? exitCode.brokenPipe : exitCode.fault)
  })
}

NodeRuntime.runMain(Effect.provide(run, NodeServices.layer), { disableErrorReporting: true })
