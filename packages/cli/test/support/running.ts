import { Effect } from "effect"
import { EventEmitter, once } from "node:events"

/** What a command has printed, and its end. */
export interface Ended {
  readonly stdout: string
  readonly stderr: string
  /** The exit code, or the signal that ended the process. */
  readonly code: number | NodeJS.Signals
}

/** A command that runs until it is ended. It ends with the test in any case. */
export interface Running {
  readonly stdout: (encoding?: BufferEncoding) => string
  readonly stderr: () => string
  /** Waits until stdout or stderr has a match, and returns it. */
  readonly match: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
  /** Waits for the end, and returns the exit code. */
  readonly end: Effect.Effect<Ended["code"]>
  /** Ends the command as Ctrl-C does, and returns the exit code. */
  readonly interrupt: Effect.Effect<Ended["code"]>
}

/** A command from its start: what it prints is added, and then its end. */
export const makeRunning = (interrupt: Effect.Effect<unknown>) => {
  const chunks = { stdout: [] as Array<Uint8Array>, stderr: [] as Array<Uint8Array> }
  const changes = new EventEmitter()
  let code: Ended["code"] | undefined
  const text = (name: "stdout" | "stderr", encoding?: BufferEncoding) => Buffer.concat(chunks[name]).toString(encoding)
  /** Looks again at each change, until there is something. */
  const until = <A>(look: () => A | null | undefined) =>
    Effect.promise(async (signal) => {
      for (;;) {
        const found = look()
        if (found !== null && found !== undefined) return found
        await once(changes, "change", { signal })
      }
    })
  const end = until(() => code)
  const running: Running = {
    stdout: (encoding) => text("stdout", encoding),
    stderr: () => text("stderr"),
    match: (pattern) =>
      until(() => {
        const printed = text("stdout") + text("stderr")
        const found = pattern.exec(printed)
        if (found === null && code !== undefined) throw new Error(`It ended with ${code}: ${printed}`)
        return found
      }),
    end,
    interrupt: Effect.andThen(interrupt, end)
  }
  return {
    running,
    print: (name: "stdout" | "stderr", chunk: string | Uint8Array): void => {
      chunks[name].push(Buffer.from(chunk as string))
      changes.emit("change")
    },
    ended: (by: Ended["code"]): void => {
      code = by
      changes.emit("change")
    }
  }
}

/** Waits for the end of a command. */
export const ended = (running: Running, encoding?: BufferEncoding): Effect.Effect<Ended> =>
  Effect.map(running.end, (code) => ({ stdout: running.stdout(encoding), stderr: running.stderr(), code }))
