// A subject, for the suite: a process that executes commands.
import { spawn } from "node:child_process"
import type { ChildProcessWithoutNullStreams } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { bundled } from "../../../scripts/bundled.ts"
import { endWithRun, inGroup } from "../../../scripts/processes.ts"
import type { Command, Reply, Request, Results } from "./Protocol.ts"
import { Violation, within } from "./Violation.ts"

/** A subject on which the suite runs. */
export interface Subject {
  readonly name: string
  /** The module that calls `serve`. */
  readonly module: URL
  readonly args: ReadonlyArray<string>
  /**
   * How long to wait for anything that it must do, in milliseconds. It matters only on a slow machine, and for a
   * subject that hangs.
   */
  readonly patience: number
}

export class SubjectProcess {
  readonly #patience: number
  readonly #child: ChildProcessWithoutNullStreams
  readonly #exit: Promise<number | null>
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #lastId = 0
  #output = ""

  /** Starts a process. */
  static async start(subject: Subject): Promise<SubjectProcess> {
    return new SubjectProcess(subject, await bundled(subject.module))
  }

  private constructor({ args, patience }: Subject, program: string) {
    this.#patience = patience
    const child = spawn(process.execPath, [program, ...args], { ...inGroup, stdio: "pipe" })
    this.#child = endWithRun(child)
    this.#exit = once(child, "close").then(([code]) => {
      for (const [id, reply] of this.#waiting) {
        reply({ id, problem: `it ended with ${code}:\n${this.#output.slice(-1_000)}` })
      }
      return code as number | null
    })
    // A process that has ended reads nothing. Its exit shows what happened.
    child.stdin.on("error", () => {})
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (this.#output += text))
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#output += `${line}\n`
      if (!line.startsWith("{\"id\":")) return
      const reply: Reply = JSON.parse(line)
      this.#waiting.get(reply.id)?.(reply)
      this.#waiting.delete(reply.id)
    })
  }

  /** Everything that the process has written to stdout and stderr. */
  get output(): string {
    return this.#output
  }

  async tell<C extends Command>(command: C): Promise<Results[C["type"]]> {
    const request: Request = { id: ++this.#lastId, command }
    const replied = new Promise<Reply>((resolve) => this.#waiting.set(request.id, resolve))
    this.#child.stdin.write(`${JSON.stringify(request)}\n`)
    const what = command.type === "call" ? `the call of ${command.call.url}` : `the command "${command.type}"`
    const { problem, result } = await within(this.#patience, `${what} to end`, replied)
    if (problem !== undefined) throw new Violation(`${what} to be obeyed`, problem)
    return result as Results[C["type"]]
  }

  /** Suspends the process, as an operating system or a hypervisor does. */
  suspend(): void {
    this.#child.kill("SIGSTOP")
  }

  resume(): void {
    this.#child.kill("SIGCONT")
  }

  /** Ends its stdin, and waits until the process has ended by itself. Returns the exit code. */
  async ended(): Promise<number | null> {
    this.#child.stdin.end()
    return within(this.#patience, "the process to end by itself", this.#exit)
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.#exit
  }
}
