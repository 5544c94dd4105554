import { Effect } from "effect"
import type { Scope } from "effect"
import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"

/** An address that stays the same while the server behind it changes, as that of a managed service does. */
export interface Proxy {
  readonly url: string
  /** New connections lead to another port. */
  readonly lead: (port: number) => Effect.Effect<void>
  /** Ends the connections that there are, and refuses new ones. */
  readonly close: Effect.Effect<void>
  /** Takes connections again. */
  readonly open: Effect.Effect<void>
}

export const makeProxy = (target: number): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.gen(function*() {
    let port = 0
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(target, "127.0.0.1")
      for (const [one, other] of [[near, far], [far, near]] as const) {
        sockets.add(one)
        one.on("error", () => other.destroy()).on("close", () => {
          sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
    const open = Effect.promise(async () => {
      server.listen(port, "127.0.0.1")
      await once(server, "listening")
      port = (server.address() as AddressInfo).port
    })
    const close = Effect.promise(async () => {
      if (!server.listening) return
      const closed = once(server.close(), "close")
      for (const socket of sockets) socket.destroy()
      await closed
    })
    yield* Effect.acquireRelease(open, () => close)
    return {
      url: `redis://127.0.0.1:${port}`,
      lead: (port) => Effect.sync(() => void (target = port)),
      close,
      open
    }
  })
