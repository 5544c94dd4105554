/** A real Redis for the tests: a server of their own where the binary is there, or the one at `REDIS_URL`. */
import { NodeRedis } from "@effect/platform-node"
import { Effect } from "effect"
import type { Scope } from "effect"
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { randomInt } from "node:crypto"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { endWithRun, inGroup } from "../../../../scripts/processes.ts"
import type { Certificate } from "./certificate.ts"

/** The servers that speak the protocol, by their binaries. */
export type Binary = "redis-server" | "valkey-server"

/** Whether one of these can be started. Valkey is not everywhere where Redis is. */
export const has = (binary: Binary) => spawnSync(binary, ["--version"]).status === 0

const hasBinary = has("redis-server")

/** Whether a server of one's own can be started, to be killed and stopped at will. */
export const canStart = hasBinary

/** Whether there is any server. Under `CI` its absence is a failed test, and no skipped one. */
export const isThere = hasBinary || process.env.REDIS_URL !== undefined || process.env.CI !== undefined

/** A port at which nobody listens, below those that systems give to outgoing connections: one of these could take it. */
export const freePort = async (): Promise<number> => {
  const port = 10_000 + randomInt(20_000)
  const server = createServer().listen(port, "127.0.0.1")
  const isFree = await new Promise((resolve) =>
    server.once("listening", () => resolve(true)).once("error", () => resolve(false))
  )
  if (isFree !== true) return freePort()
  server.close()
  await once(server, "close")
  return port
}

/** Resolves once somebody listens at a port, if it is not for a process that has ended. */
export const listening = async (port: number, child?: ChildProcess) => {
  for (;;) {
    if (child !== undefined && (child.exitCode !== null || child.signalCode !== null)) {
      throw new Error(`The server for port ${port} ended before it listened.`)
    }
    const socket = connect(port, "127.0.0.1")
    const isOpen = await new Promise((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    )
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export interface Server {
  readonly url: string
  readonly port: number
  /** Kills it, with all that it has in memory. */
  readonly kill: Effect.Effect<void>
  /** Starts it again, at the same port, empty. */
  readonly start: Effect.Effect<void>
  /** Freezes it, or lets it go on. */
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => Effect.Effect<void>
}

export interface Options {
  /** Default: `redis-server`. */
  readonly binary?: Binary | undefined
  /** Speaks TLS only, with this certificate. */
  readonly tls?: Certificate | undefined
  /** Further lines of its configuration: `["--maxmemory", "1mb"]`. */
  readonly args?: ReadonlyArray<string> | undefined
  /** It is a sentinel, with this configuration. */
  readonly sentinel?: string | undefined
}

/** A server that nobody else uses, and that keeps nothing. */
export const serve = ({ args = [], binary = "redis-server", sentinel, tls }: Options = {}): Effect.Effect<
  Server,
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const port = yield* Effect.promise(freePort)
    const dir = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "redis-"))),
      (dir) => Effect.promise(() => rm(dir, { recursive: true, force: true }))
    )
    const where = tls === undefined ? ["--port", `${port}`] : ["--port", "0", "--tls-port", `${port}`]
    if (tls !== undefined) {
      const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")]
      yield* Effect.promise(() => Promise.all([writeFile(cert, tls.cert), writeFile(key, tls.key)]))
      where.push("--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
    }
    const file = join(dir, "sentinel.conf")
    if (sentinel !== undefined) {
      yield* Effect.promise(() => writeFile(file, `port ${port}\nbind 127.0.0.1\ndir ${dir}\n${sentinel}`))
    }
    const settings = sentinel === undefined
      ? [...where, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir, ...args]
      : [file, "--sentinel"]
    let child: ChildProcess | undefined
    const start = Effect.promise(async () => {
      child = endWithRun(
        spawn(binary, settings, { ...inGroup, stdio: "ignore" })
      )
      await listening(port, child)
    })
    const kill = Effect.promise(async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      child.kill("SIGKILL")
      await once(child, "exit")
    })
    yield* Effect.addFinalizer(() => kill)
    yield* start
    return {
      url: `${tls === undefined ? "redis" : "rediss"}://127.0.0.1:${port}`,
      port,
      start,
      kill,
      signal: (signal) => Effect.sync(() => void child?.kill(signal))
    }
  })

/** The `Redis` service on a server of one's own, or on the one at `REDIS_URL`. */
export const layerOf = (url: string) => NodeRedis.layer({ url })

/** Where to find a server: one of one's own, if the binary is there. */
export const url: Effect.Effect<string, never, Scope.Scope> = hasBinary
  ? Effect.map(serve(), (server) => server.url)
  : Effect.succeed(process.env.REDIS_URL ?? "redis://127.0.0.1:6379")
