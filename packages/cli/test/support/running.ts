import { Effect } from "effect"
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { endWithTest, inGroup } from "../../../../scripts/processes.ts"
import { main, ofTests } from "./cli.ts"

/** A command that goes on until it is ended. */
export interface Running {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** Waits until both streams together have a match, and gives it back. */
  readonly match: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
  /** Waits for the end, and says how it came. */
  readonly end: Effect.Effect<number | NodeJS.Signals>
  /** Ends it as Ctrl-C does. */
  readonly interrupt: Effect.Effect<number | NodeJS.Signals>
}

export type Env = Readonly<Record<string, string | undefined>>

/** A directory that is gone after the test. */
export const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spotnana-auth-"))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

const follow = (child: ChildProcess): Running => {
  const text = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk
      child.emit("text")
    })
  }
  child.stdin?.on("error", () => {})
  const ended = once(child, "close").then(([code, signal]): number | NodeJS.Signals => code ?? signal)
  const end = Effect.promise(() => ended)
  return {
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    match: (pattern) =>
      Effect.promise(async (signal) => {
        for (;;) {
          const found = pattern.exec(text.stdout + text.stderr)
          if (found !== null) return found
          if (child.exitCode !== null) throw new Error(`It ended: ${text.stdout}${text.stderr}`)
          await Promise.race([once(child, "text", { signal }), ended])
        }
      }),
    end,
    interrupt: Effect.andThen(Effect.sync(() => child.kill("SIGINT")), end)
  }
}

const released = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill("SIGKILL")
    await once(child, "exit")
  })

const spawned = (
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly env: Env; readonly cwd?: string | undefined }
) =>
  Effect.gen(function*() {
    const home = yield* temporary
    return yield* Effect.acquireRelease(
      Effect.sync(() =>
        endWithTest(
          spawn(command, args, {
            ...inGroup,
            cwd: options.cwd ?? home,
            env: { ...ofTests, HOME: home, ...options.env },
            stdio: "pipe"
          })
        )
      ),
      released
    )
  })

/** Starts the executable, with no more of an environment than is said here. It does not outlive the test. */
export const start = (args: ReadonlyArray<string>, env: Env = {}, options?: { readonly cwd?: string }) =>
  Effect.map(spawned(process.execPath, [main, ...args], { env, ...options }), follow)

/** The same on a terminal of 100 columns; see `hasTerminal`. */
export const startOnTerminal = (args: ReadonlyArray<string>, env: Env = {}) =>
  Effect.gen(function*() {
    const command = [process.execPath, main, ...args].map((arg) => `'${arg}'`).join(" ")
    const child = yield* spawned("script", ["-qec", `stty cols 100; exec ${command}`, "/dev/null"], {
      env: { TERM: "xterm", ...env }
    })
    const running = follow(child)
    return { ...running, interrupt: Effect.andThen(Effect.sync(() => child.stdin.write("\x03")), running.end) }
  })
