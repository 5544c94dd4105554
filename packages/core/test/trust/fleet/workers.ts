import { Effect } from "effect"
import type { Scope } from "effect"
import { fork } from "node:child_process"
import { once } from "node:events"
import { bundled } from "../../../../../scripts/bundled.ts"
import { endWithTest, inGroup } from "../../../../../scripts/processes.ts"
import type { Options, Report, Task } from "./worker.ts"

/** A process of a fleet, seen from its parent. */
export interface Worker {
  readonly rehearse: Effect.Effect<Report>
  readonly get: Effect.Effect<Report>
  readonly call: Effect.Effect<Report>
  readonly warm: Effect.Effect<Report>
  readonly signal: (signal: "SIGKILL" | "SIGSTOP" | "SIGCONT") => Effect.Effect<void>
  /** What it has logged so far. */
  readonly logs: ReadonlyArray<string>
}

interface Message {
  readonly ready?: true
  readonly log?: string
  readonly task?: Task
  readonly report?: Report
}

/** The key that all workers encrypt with. */
export const key = Buffer.alloc(32, 7).toString("base64")

/** Starts a process, and waits until it is ready for its first task. */
export const start = (options: Options): Effect.Effect<Worker, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const program = await bundled(new URL("./worker.ts", import.meta.url))
        const child = endWithTest(fork(program, [JSON.stringify(options)], {
          ...inGroup,
          env: { ...process.env, SPOTNANA_TOKEN_STORE_KEYS: key },
          stdio: ["ignore", "inherit", "inherit", "ipc"]
        }))
        const logs: Array<string> = []
        child.on("message", ({ log }: Message) => {
          if (log !== undefined) logs.push(log)
        })
        for (;;) {
          const [message] = await once(child, "message") as [Message]
          if (message.ready === true) return { child, logs }
        }
      }),
      ({ child }) => Effect.sync(() => void child.kill("SIGKILL"))
    ),
    ({ child, logs }): Worker => {
      const ask = (task: Task) =>
        Effect.callback<Report>((resume) => {
          const listen = (message: Message) => {
            if (message.task !== task) return
            child.off("message", listen)
            resume(Effect.succeed(message.report!))
          }
          child.on("message", listen)
          child.send(task)
        })
      return {
        rehearse: ask("rehearse"),
        get: ask("get"),
        call: ask("call"),
        warm: ask("warm"),
        logs,
        signal: (signal) => Effect.sync(() => void child.kill(signal))
      }
    }
  )

/** Starts many at once. */
export const startAll = (count: number, options: Options): Effect.Effect<ReadonlyArray<Worker>, never, Scope.Scope> =>
  Effect.all(Array.from({ length: count }, () => start(options)), { concurrency: "unbounded" })

/** What all of them answer, asked at the same moment. */
export const together = (tasks: ReadonlyArray<Effect.Effect<Report>>): Effect.Effect<ReadonlyArray<Report>> =>
  Effect.all(tasks, { concurrency: "unbounded" })
