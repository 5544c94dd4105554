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

/** Collects what a command prints. */
export const makePrinted = () => {
  const chunks = { stdout: [] as Array<Uint8Array>, stderr: [] as Array<Uint8Array> }
  const events = new EventEmitter()
  const text = (name: "stdout" | "stderr", encoding?: BufferEncoding) => Buffer.concat(chunks[name]).toString(encoding)
  return {
    add: (name: "stdout" | "stderr", chunk: string | Uint8Array): void => {
      chunks[name].push(Buffer.from(chunk as string))
      events.emit("text")
    },
    /** The command, with a way to wait for its end and one to interrupt it. */
    running: (end: Running["end"], interrupt: Effect.Effect<unknown>): Running => ({
      stdout: (encoding) => text("stdout", encoding),
      stderr: () => text("stderr"),
      match: (pattern) => {
        const both = () => text("stdout") + text("stderr")
        const matched = Effect.promise(async (signal) => {
          for (;;) {
            const found = pattern.exec(both())
            if (found !== null) return found
            await once(events, "text", { signal })
          }
        })
        const ended = Effect.flatMap(end, (code) =>
          Effect.suspend(() => {
            const found = pattern.exec(both())
            return found === null ? Effect.die(new Error(`It ended with ${code}: ${both()}`)) : Effect.succeed(found)
          }))
        return Effect.raceFirst(matched, ended)
      },
      end,
      interrupt: Effect.andThen(interrupt, end)
    })
  }
}

/** Waits for the end of a command. */
export const ended = (running: Running, encoding?: BufferEncoding): Effect.Effect<Ended> =>
  Effect.map(running.end, (code) => ({ stdout: running.stdout(encoding), stderr: running.stderr(), code }))
