import { NodeServices } from "@effect/platform-node"
import { Cause, ConfigProvider, Effect, Exit, Layer, Runtime, Sink, Stdio, Stream } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { run } from "../../src/command.ts"
import { variables } from "./cli.ts"

/** What a command printed, and its exit code. */
export interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

export interface Options {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly stdin?: string | Uint8Array | undefined
  readonly isTerminal?: boolean | undefined
  /** Told of all that is on stderr, whenever that is more. */
  readonly onNote?: ((stderr: string) => Effect.Effect<unknown>) | undefined
}

const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return 130
  const error = Cause.squash(exit.cause) as { readonly [Runtime.errorExitCode]?: number }
  return error[Runtime.errorExitCode] ?? 1
}

/**
 * A user with a home directory who runs the command line without a process of its own, which takes a second to start. Files
 * are named by their whole path.
 */
export const makeUser = (env: Readonly<Record<string, string | undefined>> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spotnana-auth-"))),
    (home) => Effect.sync(() => Fs.rmSync(home, { recursive: true, force: true }))
  ).pipe(Effect.map((home) => {
    const file = (name: string): string => Path.join(home, name)
    return {
      file,
      read: (name: string): string => Fs.readFileSync(file(name), "utf8"),
      write: (name: string, content: string, mode = 0o600): void => Fs.writeFileSync(file(name), content, { mode }),
      mode: (name: string): number => Fs.statSync(file(name)).mode & 0o777,
      list: (name: string): ReadonlyArray<string> => Fs.existsSync(file(name)) ? Fs.readdirSync(file(name)) : [],
      run: (args: ReadonlyArray<string>, options: Options = {}): Effect.Effect<Ended> =>
        Effect.suspend(() => {
          const said = { stdout: [] as Array<Buffer>, stderr: "" }
          const bytes = (chunk: string | Uint8Array) => Buffer.from(chunk as string)
          const variables = Object.entries({ HOME: home, ...env, ...options.env }).flatMap(([name, value]) =>
            value === undefined ? [] : [[name, value] as const]
          )
          const stdio = Stdio.layerTest({
            args: Effect.succeed(args),
            stdin: Stream.make(bytes(options.stdin ?? "")),
            stdoutIsTerminal: Effect.succeed(options.isTerminal ?? false),
            stdout: () => Sink.forEach((chunk) => Effect.sync(() => void said.stdout.push(bytes(chunk)))),
            stderr: () =>
              Sink.forEach((chunk) =>
                Effect.suspend(() => {
                  said.stderr += bytes(chunk).toString()
                  return options.onNote?.(said.stderr) ?? Effect.void
                })
              )
          })
          return run.pipe(
            Effect.provide(Layer.merge(NodeServices.layer, stdio)),
            Effect.provideService(
              ConfigProvider.ConfigProvider,
              ConfigProvider.fromEnvRecord(Object.fromEntries(variables))
            ),
            Effect.exit,
            Effect.map((exit) => ({
              stdout: Buffer.concat(said.stdout).toString(),
              stderr: said.stderr,
              code: codeOf(exit)
            }))
          )
        })
    }
  }))

/** One who has credentials for the Spotnana of `support/cli.ts`. */
export const configuredUser = Effect.flatMap(variables, makeUser)
