/** A process that a test speaks with line by line, and stops as an operating system would. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { text } from "node:stream/consumers"
import { endWithRun, inGroup } from "../../scripts/processes.ts"

export interface Conversation {
  /** Sends a line. */
  readonly say: (line: string) => Effect.Effect<void>
  /** The next line that it prints. */
  readonly hear: Effect.Effect<string>
  /** Not one instruction of it is carried out until `thaw`. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Waits until it has ended by itself. */
  readonly end: Effect.Effect<{ readonly exitCode: number | null; readonly stderr: string }>
}

export const start = (
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>
): Effect.Effect<Conversation, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => endWithRun(spawn(command, args, { ...inGroup, env, stdio: ["pipe", "pipe", "pipe"] }))),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    (child): Conversation => {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const stderr = text(child.stderr)
      const exit = once(child, "exit")
      return {
        say: (line) => Effect.sync(() => void child.stdin.write(`${line}\n`)),
        hear: Effect.promise(async () => {
          const { done, value } = await lines.next()
          return done === true ? Promise.reject(new Error(`It ended: ${await stderr}`)) : value
        }),
        freeze: Effect.sync(() => void child.kill("SIGSTOP")),
        thaw: Effect.sync(() => void child.kill("SIGCONT")),
        end: Effect.promise(async () => {
          child.stdin.end()
          const [exitCode] = await exit
          return { exitCode, stderr: await stderr }
        })
      }
    }
  )
