import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, References } from "effect"
import { HttpServer } from "effect/http"
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { endWithTest, inGroup } from "../../../../scripts/processes.ts"
import { executable } from "./bundle.ts"

export const clientId = "client"
export const clientSecret = "c4n4ry-s3cr3t/+="

/** The executable. */
export const main = executable

/** What a process has of the environment of the tests. With compiled modules it starts in three quarters of the time. */
export const ofTests = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }

export interface Ended {
  readonly stdout: Buffer
  readonly stderr: string
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals
}

export interface Options {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly stdin?: string | Uint8Array | undefined
  /** Told of the process as it starts. */
  readonly onStart?: ((child: ChildProcess) => void) | undefined
}

/** A user of this machine with a home, a working directory, and nothing in the environment. */
export interface User {
  readonly home: string
  readonly cwd: string
  /** Where this user's state is. */
  readonly state: string
  readonly run: (args: ReadonlyArray<string>, options?: Options) => Effect.Effect<Ended>
  /** Any other command, in the same place. */
  readonly exec: (command: string, args: ReadonlyArray<string>, options?: Options) => Effect.Effect<Ended>
  readonly write: (file: string, content: string, mode?: number) => Effect.Effect<void>
}

export const makeUser = (env: Readonly<Record<string, string | undefined>> = {}) =>
  Effect.acquireRelease(
    Effect.sync((): User => {
      const home = Fs.mkdtempSync(Path.join(Os.tmpdir(), "spotnana-auth-"))
      const cwd = Path.join(home, "work")
      Fs.mkdirSync(cwd)
      const exec: User["exec"] = (command, args, options) =>
        Effect.promise(async (signal) => {
          const child = endWithTest(
            spawn(command, args, {
              ...inGroup,
              cwd,
              env: { ...ofTests, HOME: home, ...env, ...options?.env },
              stdio: ["pipe", "pipe", "pipe"],
              signal
            })
          )
          options?.onStart?.(child)
          const stdout: Array<Buffer> = []
          const stderr: Array<Buffer> = []
          child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk))
          child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
          // Who does not read it may be gone before it is written.
          child.stdin.on("error", () => {})
          child.stdin.end(options?.stdin ?? "")
          const [code, endedBy] = await once(child, "close")
          return { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString(), code: code ?? endedBy }
        })
      return {
        home,
        cwd,
        state: Path.join(home, ".local/state/spotnana-auth"),
        exec,
        run: (args, options) => exec(process.execPath, [main, ...args], options),
        write: (file, content, mode = 0o600) =>
          Effect.sync(() => {
            Fs.writeFileSync(Path.join(cwd, file), content)
            Fs.chmodSync(Path.join(cwd, file), mode)
          })
      }
    }),
    ({ home }) => Effect.sync(() => Fs.rmSync(home, { recursive: true, force: true }))
  )

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

/** A user who has credentials for that Spotnana in the environment. */
export const configuredUser = Effect.flatMap(variables, makeUser)

/** Whether a terminal can be had to run something on: util-linux has `script`, other systems have another one of that name. */
export const hasTerminal = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") ??
  false

/** Runs the command line on a terminal, where stdout and stderr are one unless `redirection` says otherwise. */
export const onTerminal = (
  { exec }: User,
  args: ReadonlyArray<string>,
  { redirection = "", ...options }: Options & { readonly redirection?: string } = {}
) => {
  const command = [process.execPath, main, ...args].map((arg) => `'${arg}'`).join(" ")
  return exec("script", ["-qec", `${command} ${redirection}`, "/dev/null"], {
    ...options,
    env: { TERM: "xterm", ...options.env }
  })
}

/** The environment of a process whose clock goes that many seconds ahead. */
export const later = (seconds: number): Readonly<Record<string, string>> => {
  const script = `const now = Date.now; Date.now = () => now() + ${seconds * 1000}`
  return { NODE_OPTIONS: `--import=data:text/javascript;base64,${Buffer.from(script).toString("base64")}` }
}

/** An address at which nobody listens. */
export const deadAddress: Effect.Effect<string> = Effect.promise(async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return `http://127.0.0.1:${port}`
})
