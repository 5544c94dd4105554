import { Effect } from "effect"
import type { Scope } from "effect"
import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { bundled } from "../../../../../scripts/bundled.ts"
import { endWithRun, inGroup } from "../../../../../scripts/processes.ts"
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
  readonly log?: string
  readonly id?: number
  readonly report?: Report
}

/** The key that all workers encrypt with. */
export const key = Buffer.alloc(32, 7).toString("base64")

const launch = async (): Promise<ChildProcess> => {
  const program = await bundled(new URL("./worker.ts", import.meta.url))
  return endWithRun(fork(program, [], {
    ...inGroup,
    env: { ...process.env, SPOTNANA_TOKEN_STORE_KEYS: key },
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  }))
}

let lastId = 0

const tell = (
  child: ChildProcess,
  told: { readonly open: Options } | { readonly task: Task } | { readonly close: true }
) =>
  Effect.callback<Report>((resume) => {
    const id = ++lastId
    const listen = (message: Message) => {
      if (message.id !== id) return
      child.off("message", listen)
      resume(Effect.succeed(message.report!))
    }
    child.on("message", listen)
    child.send({ id, ...told })
  })

/** Makes a client in a process; hands the process back with its scope, and says then whether somebody signalled to it. */
const open = (
  options: Options,
  take: () => Promise<ChildProcess>,
  giveBack: (child: ChildProcess, isSignalled: boolean) => Effect.Effect<void>
): Effect.Effect<Worker, never, Scope.Scope> =>
  Effect.gen(function*() {
    let isSignalled = false
    const child = yield* Effect.acquireRelease(Effect.promise(take), (child) => giveBack(child, isSignalled))
    const logs: Array<string> = []
    const listen = ({ log }: Message) => {
      if (log !== undefined) logs.push(log)
    }
    child.on("message", listen)
    yield* Effect.addFinalizer(() => Effect.sync(() => void child.off("message", listen)))
    yield* tell(child, { open: options })
    const ask = (task: Task) => tell(child, { task })
    return {
      rehearse: ask("rehearse"),
      get: ask("get"),
      call: ask("call"),
      warm: ask("warm"),
      logs,
      signal: (signal) =>
        Effect.sync(() => {
          isSignalled = true
          child.kill(signal)
        })
    }
  })

const inParallel = (count: number, worker: Effect.Effect<Worker, never, Scope.Scope>) =>
  Effect.all(Array.from({ length: count }, () => worker), { concurrency: "unbounded" })

const kill = (child: ChildProcess) => Effect.sync(() => void child.kill("SIGKILL"))

/** Starts many processes at once, and waits until each is ready for its first task. */
export const startAll = (count: number, options: Options): Effect.Effect<ReadonlyArray<Worker>, never, Scope.Scope> =>
  inParallel(count, open(options, launch, kill))

/** Processes that several tests use, each test with clients of its own: to start a process takes longer than a test. */
export interface Pool {
  /** Makes a client in a process that nobody uses, or in a new one. */
  readonly start: (options: Options) => Effect.Effect<Worker, never, Scope.Scope>
  readonly startAll: (count: number, options: Options) => Effect.Effect<ReadonlyArray<Worker>, never, Scope.Scope>
  /** Ends the processes. */
  readonly end: () => void
}

export const makePool = (): Pool => {
  const all: Array<ChildProcess> = []
  const idle: Array<ChildProcess> = []
  const take = async () => {
    const waiting = idle.pop()
    if (waiting !== undefined) return waiting
    const child = await launch()
    all.push(child)
    return child
  }
  const giveBack = (child: ChildProcess, isSignalled: boolean) =>
    isSignalled ? kill(child) : tell(child, { close: true }).pipe(
      Effect.timeout("30 seconds"),
      Effect.matchEffect({ onFailure: () => kill(child), onSuccess: () => Effect.sync(() => void idle.push(child)) })
    )
  const start = (options: Options) => open(options, take, giveBack)
  return {
    start,
    startAll: (count, options) => inParallel(count, start(options)),
    end: () => {
      for (const child of all) child.kill("SIGKILL")
    }
  }
}

/** What all of them answer, asked at the same moment. */
export const together = (tasks: ReadonlyArray<Effect.Effect<Report>>): Effect.Effect<ReadonlyArray<Report>> =>
  Effect.all(tasks, { concurrency: "unbounded" })
