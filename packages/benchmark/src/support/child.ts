// A separate process, whose functions can be called.
import { fork } from "node:child_process"
import { once } from "node:events"

/** What a process offers: functions of one argument, whose results are JSON. */
export type Api = Readonly<Record<string, (input: never) => Promise<unknown>>>

export interface Child<A extends Api> {
  /** One call at a time. */
  readonly call: <K extends keyof A & string>(name: K, input: Parameters<A[K]>[0]) => Promise<Awaited<ReturnType<A[K]>>>
  readonly close: () => Promise<void>
}

interface Call {
  readonly name: string
  readonly input: never
}

/** Starts a module that calls `serve`, with access to the garbage collector. */
export const startChild = <A extends Api>(module: URL, args: ReadonlyArray<string>): Child<A> => {
  const child = fork(module, args, {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  const ended = once(child, "exit").then(([code, signal]: Array<unknown>) => {
    throw new Error(`${module.pathname} ${args.join(" ")} ended: ${String(code ?? signal)}`)
  })
  ended.catch(() => {})
  return {
    call: async (name, input) => {
      const answered = once(child, "message")
      child.send({ name, input })
      const [message] = await Promise.race([answered, ended])
      return message
    },
    close: async () => {
      if (child.connected) child.disconnect()
      await ended.catch(() => {})
    }
  }
}

/** Answers the calls of the process that started this one. It ends when that process ends, or when a call fails. */
export const serve = (api: Api): void => {
  const answer = async ({ input, name }: Call) => process.send?.((await api[name]?.(input)) ?? null)
  process.on("message", (call: Call) => void answer(call))
  process.on("disconnect", () => process.exit())
}
