import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Clock, ConfigProvider, Console, Effect, Exit, Fiber, Layer, Runtime, Sink, Stdio, Stream } from "effect"
import type { Scope } from "effect"
import * as NodeConsole from "node:console"
import { Writable } from "node:stream"
import { run } from "../../src/command.ts"
import { makeRunning } from "./running.ts"
import type { Running } from "./running.ts"

export interface Options {
  readonly stdin?: string | Uint8Array | undefined
  /** Whether stdout and stderr are a terminal. */
  readonly isTerminal?: boolean | undefined
  /** How many seconds the command's clock is ahead. */
  readonly ahead?: number | undefined
  /** Gets all of stderr, each time that something is added. */
  readonly onNote?: ((stderr: string) => Effect.Effect<unknown>) | undefined
}

const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return 130
  const error = Cause.squash(exit.cause) as { readonly [Runtime.errorExitCode]?: number }
  return error[Runtime.errorExitCode] ?? 1
}

const clockAhead = (clock: Clock.Clock, seconds: number): Clock.Clock => ({
  currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + seconds * 1e3,
  currentTimeMillis: Effect.map(clock.currentTimeMillis, (millis) => millis + seconds * 1e3),
  currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe() + BigInt(seconds) * 1_000_000_000n,
  currentTimeNanos: Effect.map(clock.currentTimeNanos, (nanos) => nanos + BigInt(seconds) * 1_000_000_000n),
  monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: clock.monotonicTimeNanos,
  sleep: (duration) => clock.sleep(duration)
})

/** Starts `run` of `src/command.ts` with these arguments and these variables, on streams of its own. */
export const startInProcess = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  options: Options = {}
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.gen(function*() {
    const ofNode = Object.keys(env).filter((name) => name.startsWith("NODE_"))
    if (ofNode.length > 0) throw new Error(`Only a process has ${ofNode.join(", ")}`)
    const { ended, print, running } = makeRunning(Effect.suspend(() => Fiber.interrupt(fiber)))
    const { onNote = () => Effect.void } = options
    const isTerminal = Effect.succeed(options.isTerminal ?? false)
    const stdio = Stdio.layerTest({
      args: Effect.succeed(args),
      stdin: Stream.make(Buffer.from((options.stdin ?? "") as string)),
      stdoutIsTerminal: isTerminal,
      stderrIsTerminal: isTerminal,
      stdout: () => Sink.forEach((chunk) => Effect.sync(() => print("stdout", chunk))),
      stderr: () =>
        Sink.forEach((chunk) =>
          Effect.suspend(() => {
            print("stderr", chunk)
            return onNote(running.stderr())
          })
        )
    })
    const stream = (name: "stdout" | "stderr") =>
      new Writable({
        write: (chunk: Uint8Array, _, done) => {
          print(name, chunk)
          done()
        }
      })
    const clock = yield* Clock.Clock
    const fiber: Fiber.Fiber<unknown, unknown> = yield* run.pipe(
      Effect.provide(Layer.merge(NodeServices.layer, stdio)),
      // A process shares no layers with the tests.
      Effect.provideService(Layer.CurrentMemoMap, Layer.makeMemoMapUnsafe()),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(env)),
      // Help and the log.
      Effect.provideService(
        Console.Console,
        new NodeConsole.Console({ stdout: stream("stdout"), stderr: stream("stderr") })
      ),
      Effect.provideService(Clock.Clock, options.ahead === undefined ? clock : clockAhead(clock, options.ahead)),
      Effect.forkScoped
    )
    fiber.addObserver((exit) => ended(codeOf(exit)))
    return running
  })
