/** A real Redis for the tests: a server of their own where the binary is there, or the one at `REDIS_URL`. */
import { NodeRedis } from "@effect/platform-node"
import { Effect } from "effect"
import type { Scope } from "effect"
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo } from "node:net"

const hasBinary = spawnSync("redis-server", ["--version"]).status === 0

/** Whether a server of one's own can be started, to be killed and stopped at will. */
export const canStart = hasBinary

/** Whether there is any server. Under `CI` its absence is a failed test, and no skipped one. */
export const isThere = hasBinary || process.env.REDIS_URL !== undefined || process.env.CI !== undefined

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** Resolves once somebody listens at a port. */
const listening = async (port: number) => {
  for (;;) {
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
  /** Kills it, with all that it has in memory. */
  readonly kill: Effect.Effect<void>
  /** Starts it again, at the same port, empty. */
  readonly start: Effect.Effect<void>
  /** Freezes it, or lets it go on. */
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => Effect.Effect<void>
}

/** A server that nobody else uses, and that keeps nothing. */
export const serve: Effect.Effect<Server, never, Scope.Scope> = Effect.gen(function*() {
  const port = yield* Effect.promise(freePort)
  let child: ChildProcess | undefined
  const start = Effect.promise(async () => {
    child = spawn(
      "redis-server",
      ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp"],
      { stdio: "ignore" }
    )
    await listening(port)
  })
  const kill = Effect.promise(async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill("SIGKILL")
    await once(child, "exit")
  })
  yield* Effect.addFinalizer(() => kill)
  yield* start
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    signal: (signal) => Effect.sync(() => void child?.kill(signal))
  }
})

/** The `Redis` service on a server of one's own, or on the one at `REDIS_URL`. */
export const layerOf = (url: string) => NodeRedis.layer({ url })

/** Where to find a server: one of one's own, if the binary is there. */
export const url: Effect.Effect<string, never, Scope.Scope> = hasBinary
  ? Effect.map(serve, (server) => server.url)
  : Effect.succeed(process.env.REDIS_URL ?? "redis://127.0.0.1:6379")
