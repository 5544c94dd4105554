// Processes that tests start. None of them outlives its test, whether that passes, fails or is timed out, nor the run,
// should that be killed itself.
import { spawn } from "node:child_process"
import type { ChildProcess, SpawnOptions } from "node:child_process"
import { once } from "node:events"
import { onTestFinished, TestRunner } from "vitest"

const isWindows = process.platform === "win32"

/** An option of `spawn` and `fork`: the process and all that it starts are one group, which is killed as a whole. */
export const inGroup = { detached: !isWindows } as const

// It reads the groups that are running (`+ 12`, `- 12`). Its input ends when this process does, however that comes.
const watch = `
trap '' HUP INT TERM
groups=' '
while read -r change group; do
  case $change in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -KILL "-$group"; done 2>/dev/null
`

let watching: ((line: string) => void) | undefined

/** Tells a process that outlives this one which groups to kill then. */
const tell = (change: "+" | "-", group: number): void => {
  if (isWindows) return
  if (watching === undefined) {
    const watcher = spawn("sh", ["-c", watch], { detached: true, stdio: ["pipe", "ignore", "ignore"] })
    watcher.unref()
    watcher.stdin.on("error", () => {})
    if ("unref" in watcher.stdin && typeof watcher.stdin.unref === "function") watcher.stdin.unref()
    watching = (line) => watcher.stdin.write(line)
  }
  watching(`${change} ${group}\n`)
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

/** Kills a process that was started, and its group, of which some may go on when it has ended itself. */
const kill = (child: ChildProcess): void => {
  const pid = child.pid!
  for (const target of [...(isWindows ? [] : [-pid]), ...(hasEnded(child) ? [] : [pid])]) {
    try {
      process.kill(target, "SIGKILL")
    } catch {
      // It has ended already.
    }
  }
}

/**
 * Kills a process, and all that it has started, when the process of the tests ends, however that comes.
 *
 * For what several tests share, and a scope ends. The process is to be started with {@link inGroup}: without it, what it
 * has started itself goes on.
 */
export const endWithRun = <Child extends ChildProcess>(child: Child): Child => {
  const { pid } = child
  if (pid === undefined) return child
  tell("+", pid)
  child.once("exit", () => tell("-", pid))
  return child
}

/** Kills a process, and all that it has started, when the test ends, and in any case as {@link endWithRun} does. */
export const endWithTest = <Child extends ChildProcess>(child: Child): Child => {
  endWithRun(child)
  if (child.pid !== undefined && TestRunner.getCurrentTest() !== undefined) {
    onTestFinished(async () => {
      const exit = hasEnded(child) ? undefined : once(child, "exit")
      kill(child)
      await exit
    })
  }
  return child
}

export interface Ended {
  /** The exit code; `null` where a signal ended it. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end, as `spawnSync` does, but so that a test that waits for it can be timed out. */
export const runToEnd = async (
  command: string,
  args: ReadonlyArray<string>,
  options: Pick<SpawnOptions, "cwd" | "env"> = {}
): Promise<Ended> => {
  const child = endWithTest(spawn(command, args, { ...options, ...inGroup, stdio: ["ignore", "pipe", "pipe"] }))
  const text = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => void (text[name] += chunk))
  }
  const [status] = await once(child, "close")
  return { status, ...text }
}
