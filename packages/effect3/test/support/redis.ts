/** A real Redis for the tests: a server of their own where the binary is there, or the one at `REDIS_URL`. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Net from "node:net"
import type { AddressInfo } from "node:net"
import { connect } from "./nodeRedis.ts"

const hasBinary = spawnSync("redis-server", ["--version"]).status === 0

/** Whether there is any server. Under `CI` its absence is a failed test, and no skipped one. */
export const isThere = hasBinary || process.env["REDIS_URL"] !== undefined || process.env["CI"] !== undefined

const freePort = async () => {
  const server = Net.createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

const listening = async (port: number) => {
  for (;;) {
    const socket = Net.connect(port, "127.0.0.1")
    const isOpen = await new Promise((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    )
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

// It ends when its input does: with this process too, however that ends.
const script =
  `redis-server --port "$0" --bind 127.0.0.1 --save "" --appendonly no >/dev/null & cat >/dev/null; kill $!`

/** A server that nobody else uses, and that keeps nothing. */
const serve = Effect.acquireRelease(
  Effect.promise(async () => {
    const port = await freePort()
    const child = spawn("sh", ["-c", script, String(port)], { stdio: ["pipe", "ignore", "ignore"] })
    await listening(port)
    return { child, port }
  }),
  ({ child }) =>
    Effect.promise(async () => {
      child.stdin.end()
      await once(child, "exit")
    })
)

/** Where to find a server: one of one's own, if the binary is there. */
export const url: Effect.Effect<string, never, Scope.Scope> = hasBinary
  ? Effect.map(serve, ({ port }) => `redis://127.0.0.1:${port}`)
  : Effect.succeed(process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379")

/** The client of node-redis, as the documentation shows it. */
export const client = (url: string) => connect({ url, disableOfflineQueue: true })
