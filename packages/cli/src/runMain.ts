import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import { run } from "./command.ts"
import { exitCode } from "./exitCode.ts"

// The reader of the output has closed it, as `head -1` does. The command then ends like at Ctrl-C, so that its temporary
// files are removed. Nothing can be printed any more, so the exit code is that of the signal.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    // The terminal was closed. The signal for that ends the process in order.
    if (code === "EIO" && stream.isTTY) return
    if (code !== "EPIPE" && stream === process.stdout) process.stderr.write(`error: stdout: ${message}\n`)
    process.exitCode ??= code === "EPIPE" ? exitCode.brokenPipe : exitCode.fault
    process.emit("SIGTERM")
  })
}

NodeRuntime.runMain(Effect.provide(run, NodeServices.layer), {
  disableErrorReporting: true,
  teardown: (exit, onExit) => Runtime.defaultTeardown(exit, (code) => onExit(Number(process.exitCode ?? code)))
})
