import { MockSpotnana } from "@effect-spotnana/testing"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, References } from "effect"
import type { Scope } from "effect"
import { HttpServer } from "effect/http"
import { once } from "node:events"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { executable } from "./bundle.ts"
import { startInProcess } from "./inProcess.ts"
import type { Options as InProcessOptions } from "./inProcess.ts"
import { commandLine, startProcess } from "./process.ts"
import type { RunningProcess } from "./process.ts"
import { ended } from "./running.ts"
import type { Ended, Running } from "./running.ts"

export const clientId = "client"
export const clientSecret = "c4n4ry-s3cr3t/+="

export type Env = Readonly<Record<string, string | undefined>>

interface Variables {
  /** Variables in addition to those of the user. */
  readonly env?: Env | undefined
}

interface Encoded {
  /** How stdout is decoded. Default: UTF-8. */
  readonly encoding?: BufferEncoding | undefined
}

export interface Options extends InProcessOptions, Variables {}

export interface ProcessOptions extends Variables {
  readonly stdin?: string | Uint8Array | undefined
}

/**
 * A user of this machine with a home, a working directory, and no variables but those of the test.
 *
 * Use `run`, or `start` for a command that does not end by itself. Both run the command line in the process of the test:
 * a process of its own costs half a second of CPU time. Use the others only to test what a process has: signals, a
 * terminal, pipes, its memory, its exit, variables of Node, and several processes at a time.
 */
export interface User {
  readonly home: string
  /** The working directory, also that of the test's process while the test runs. */
  readonly cwd: string
  /** Where the command line keeps the state of this user. */
  readonly state: string
  /** The path of a file in the working directory. */
  readonly file: (name: string) => string
  readonly read: (name: string) => string
  readonly write: (name: string, content: string, mode?: number) => void
  readonly mode: (name: string) => number
  readonly list: (name: string) => ReadonlyArray<string>
  /** Runs the command line to its end, in this process. */
  readonly run: (args: ReadonlyArray<string>, options?: Options & Encoded) => Effect.Effect<Ended>
  /** Starts the command line in this process. It ends with the test. */
  readonly start: (args: ReadonlyArray<string>, options?: Options) => Effect.Effect<Running, never, Scope.Scope>
  /** Runs the executable to its end, as a process. */
  readonly runProcess: (args: ReadonlyArray<string>, options?: ProcessOptions & Encoded) => Effect.Effect<Ended>
  /** Starts the executable as a process, whose stdin stays open. It ends with the test. */
  readonly startProcess: (
    args: ReadonlyArray<string>,
    options?: ProcessOptions
  ) => Effect.Effect<RunningProcess, never, Scope.Scope>
  /** Runs another program to its end. */
  readonly exec: (command: string, args: ReadonlyArray<string>, options?: ProcessOptions) => Effect.Effect<Ended>
  /**
   * Runs the executable to its end on a terminal; see `hasTerminal`. Stdout has what was printed to stdout and stderr,
   * unless `redirection` sends one of them to a file.
   */
  readonly runOnTerminal: (
    args: ReadonlyArray<string>,
    options?: ProcessOptions & { readonly redirection?: string | undefined }
  ) => Effect.Effect<Ended>
  /** Starts the executable on a terminal of 100 columns. */
  readonly startOnTerminal: (
    args: ReadonlyArray<string>,
    options?: ProcessOptions
  ) => Effect.Effect<RunningProcess, never, Scope.Scope>
}

/** A directory that is removed at the end of the test. */
export const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spotnana-auth-")))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

/** Makes a directory the working directory of this process, until the end of the test. */
const enter = (directory: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = process.cwd()
      process.chdir(directory)
      return before
    }),
    (before) => Effect.sync(() => process.chdir(before))
  )

export const makeUser = (env: Env = {}): Effect.Effect<User, never, Scope.Scope> =>
  Effect.gen(function*() {
    const home = yield* temporary
    const cwd = Path.join(home, "work")
    Fs.mkdirSync(cwd)
    yield* enter(cwd)
    const variablesOf = (options: Variables): Record<string, string> => {
      const entries = Object.entries({ HOME: home, ...env, ...options.env })
      return Object.fromEntries(entries.flatMap(([name, value]) => value === undefined ? [] : [[name, value]]))
    }
    const start: User["start"] = (args, options = {}) => startInProcess(args, variablesOf(options), options)
    const spawn = (command: string, args: ReadonlyArray<string>, options: ProcessOptions) =>
      startProcess(command, args, { cwd, env: variablesOf(options), stdin: options.stdin })
    const exec = (command: string, args: ReadonlyArray<string>, options: ProcessOptions & Encoded = {}) =>
      Effect.scoped(
        Effect.flatMap(spawn(command, args, { stdin: "", ...options }), (running) => ended(running, options.encoding))
      )
    const onTerminal = (command: string) => ["-qec", command, "/dev/null"]
    const withTerm = <O extends Variables>(options: O): O => ({ ...options, env: { TERM: "xterm", ...options.env } })
    const file = (name: string): string => Path.resolve(cwd, name)
    return {
      home,
      cwd,
      state: Path.join(home, ".local/state/spotnana-auth"),
      file,
      read: (name) => Fs.readFileSync(file(name), "utf8"),
      write: (name, content, mode = 0o600) => {
        Fs.writeFileSync(file(name), content)
        Fs.chmodSync(file(name), mode)
      },
      mode: (name) => Fs.statSync(file(name)).mode & 0o777,
      list: (name) => Fs.existsSync(file(name)) ? Fs.readdirSync(file(name)) : [],
      run: (args, options) =>
        Effect.scoped(Effect.flatMap(start(args, options), (running) => ended(running, options?.encoding))),
      start,
      runProcess: (args, options) => exec(process.execPath, [executable, ...args], options),
      startProcess: (args, options = {}) => spawn(process.execPath, [executable, ...args], options),
      exec,
      runOnTerminal: (args, { redirection = "", ...options } = {}) =>
        exec("script", onTerminal(`${commandLine(args)} ${redirection}`), withTerm(options)),
      startOnTerminal: (args, options = {}) =>
        Effect.map(
          spawn("script", onTerminal(`stty cols 100; exec ${commandLine(args)}`), withTerm(options)),
          (running) => ({
            ...running,
            interrupt: Effect.andThen(Effect.sync(() => running.child.stdin?.write("\x03")), running.end)
          })
        )
    }
  })

/** Starts a command for a new user who has only these variables, as `start` of the user does. */
export const start = (args: ReadonlyArray<string>, env: Env = {}) =>
  Effect.flatMap(makeUser(env), (user) => user.start(args))

/** A Spotnana on a loopback socket. */
export const Spotnana = MockSpotnana.layerServer.pipe(
  Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret })),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
  Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
)

/** The variables that make the command line a client of that Spotnana. */
export const variables = HttpServer.addressFormattedWith((baseUrl) =>
  Effect.succeed({
    SPOTNANA_CLIENT_ID: clientId,
    SPOTNANA_CLIENT_SECRET: clientSecret,
    SPOTNANA_BASE_URL: baseUrl
  })
)

/** A user with credentials for that Spotnana in the environment. */
export const configuredUser = Effect.flatMap(variables, makeUser)

/** An address at which nobody listens. */
export const deadAddress: Effect.Effect<string> = Effect.promise(async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return `http://127.0.0.1:${port}`
})
