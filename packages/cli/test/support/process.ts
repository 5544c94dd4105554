import { Effect } from "effect"
import type { Scope } from "effect"
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { endWithTest, inGroup } from "../../../../scripts/processes.ts"
import { executable } from "./bundle.ts"
import { makeRunning } from "./running.ts"
import type { Running } from "./running.ts"

export interface RunningProcess extends Running {
  readonly child: ChildProcess
}

/** What a process has of the environment of the tests. With compiled modules it starts in three quarters of the time. */
export const ofTests = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }

/** The command line for `bash` and `script`. */
export const commandLine = (args: ReadonlyArray<string>): string =>
  [process.execPath, executable, ...args].map((arg) => `'${arg}'`).join(" ")

/** Starts a process. It ends with the scope. */
export const startProcess = (
  command: string,
  args: ReadonlyArray<string>,
  options: {
    readonly cwd: string
    readonly env: Readonly<Record<string, string | undefined>>
    /** Without it, stdin stays open. */
    readonly stdin?: string | Uint8Array | undefined
  }
): Effect.Effect<RunningProcess, never, Scope.Scope> =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        endWithTest(
          spawn(command, args, {
            ...inGroup,
            cwd: options.cwd,
            env: { ...ofTests, ...options.env },
            stdio: ["pipe", "pipe", "pipe"]
          })
        )
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          child.kill("SIGKILL")
          await once(child, "exit")
        })
    )
    const { ended, print, running } = makeRunning(Effect.sync(() => child.kill("SIGINT")))
    for (const name of ["stdout", "stderr"] as const) child[name].on("data", (chunk: Buffer) => print(name, chunk))
    child.once("close", (code, signal) => ended(code ?? signal!))
    // A process that does not read its input may end before it is written.
    child.stdin.on("error", () => {})
    if (options.stdin !== undefined) child.stdin.end(options.stdin)
    return { ...running, child }
  })

/** Whether a command can be run on a terminal: `script` of util-linux does that, and on other systems it is another program. */
export const hasTerminal = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") ??
  false

/** The environment of a process whose clock is this many seconds ahead. */
export const later = (seconds: number): Readonly<Record<string, string>> => {
  const script = `const now = Date.now; Date.now = () => now() + ${seconds * 1000}`
  return { NODE_OPTIONS: `--import=data:text/javascript;base64,${Buffer.from(script).toString("base64")}` }
}
