import { Effect } from "effect"
import type { Scope } from "effect"
import { once } from "node:events"
import { createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { gzipSync } from "node:zlib"

export const token = "t0k3n-from-the-wire"

export const goodBody = JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: 3600 })

export const huge = 100 * 1024 * 1024

const bomb = gzipSync(Buffer.alloc(huge))

const head = (status: number, headers: Readonly<Record<string, string | number>>): string =>
  `HTTP/1.1 ${status} Whatever\r\n` +
  Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("") + "\r\n"

// Each fault has a connection of its own. A client takes a 304 for complete without its body, and would use the connection
// again on which that body is still to come: the answer to the next request would begin with the rest of it.
const json = { "content-type": "application/json", connection: "close" }

const whole = (type: string, body: string | Buffer) => (socket: Socket, status: number): void => {
  socket.write(head(status, { "content-type": type, "content-length": Buffer.byteLength(body), connection: "close" }))
  socket.end(body)
}

/** Sends without end, as fast as the client reads. */
const pour = (socket: Socket, total: number): void => {
  const chunk = Buffer.alloc(65_536, "x")
  let sent = 0
  const more = () => {
    while (sent < total && socket.writable) {
      sent += chunk.length
      if (!socket.write(chunk)) return void socket.once("drain", more)
    }
    socket.end()
  }
  more()
}

/** Something every now and then, until the client has had enough. */
const drip = (socket: Socket, text: string): void => {
  const timer = setInterval(() => socket.write(text), 20)
  socket.once("close", () => clearInterval(timer))
}

type Answer = (socket: Socket, status: number, secret: string) => void

/** The bodies that each status comes with. */
export const bodies = {
  "a token": whole("application/json", goodBody),
  "RFC 6749 §5.2": (socket, status, secret) =>
    whole("application/json", JSON.stringify({ error: "invalid_client", error_description: `not ${secret}` }))(
      socket,
      status
    ),
  "Spotnana's error": (socket, status, secret) =>
    whole(
      "application/json",
      JSON.stringify({ debugIdentifier: "d-1", errorMessages: [{ errorCode: "ODD", message: `not ${secret}` }] })
    )(socket, status),
  "HTML": (socket, status, secret) => whole("text/html", `<html><body>${secret}</body></html>`)(socket, status),
  "nothing": whole("application/json", ""),
  "invalid UTF-8": whole("application/json", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])),
  "a truncated chunk": (socket, status) => {
    socket.write(head(status, { ...json, "transfer-encoding": "chunked" }) + "40\r\n{\"access_token\":")
    socket.end()
  },
  "Content-Length too large": (socket, status) => {
    socket.write(head(status, { ...json, "content-length": goodBody.length + 10 }) + goodBody)
    socket.end()
  },
  "Content-Length too small": (socket, status) => {
    socket.write(head(status, { ...json, "content-length": goodBody.length - 10, connection: "close" }) + goodBody)
    socket.end()
  },
  "a gzip bomb": (socket, status) => {
    socket.write(head(status, { ...json, "content-encoding": "gzip", "content-length": bomb.length }))
    socket.end(bomb)
  },
  "an endless drip": (socket, status) => {
    socket.write(head(status, { ...json, "transfer-encoding": "chunked" }))
    drip(socket, "1\r\n \r\n")
  },
  "100 MB": (socket, status) => {
    socket.write(head(status, { ...json, "content-length": huge }))
    pour(socket, huge)
  }
} satisfies Record<string, Answer>

/** What may become of a connection, with the status 200 where it gets so far. */
export const connections = {
  "reset before an answer": (socket) => socket.resetAndDestroy(),
  "reset in the headers": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-ty", () => socket.resetAndDestroy())
  },
  "reset in the body": (socket) => {
    socket.write(head(200, { ...json, "content-length": 100 }) + "{\"access", () => socket.resetAndDestroy())
  },
  "closed without an answer": (socket) => socket.end(),
  "never answered": () => {},
  "slow headers": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nx-slow: ")
    drip(socket, "x")
  },
  "headers without end": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n")
    pour(socket, huge)
  },
  "no HTTP": (socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n\r\n"),
  "103 before the answer": (socket) => {
    socket.write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
    whole("application/json", goodBody)(socket, 200)
  }
} satisfies Record<string, Answer>

export interface Server {
  readonly port: number
  /** Connections that are open. */
  readonly open: ReadonlySet<Socket>
  /** The most bytes that went out in answer to each path. */
  readonly sent: ReadonlyMap<string, number>
}

/** Bodies given by a test, by name. */
export type Texts = ReadonlyMap<string, string>

/** Answers `/status/body`, `/connection/name` and `/text/name`; with `?once` only the first time, and well thereafter. */
export const serve = (secret: string, texts: Texts): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const open = new Set<Socket>()
        const done = new Set<string>()
        const sent = new Map<string, number>()
        const server = createServer((socket) => {
          open.add(socket)
          socket.on("error", () => {})
          socket.once("close", () => {
            open.delete(socket)
            sent.set(asked, Math.max(sent.get(asked) ?? 0, socket.bytesWritten))
          })
          let received = ""
          let asked = ""
          socket.on("data", (chunk) => {
            received += chunk.toString("latin1")
            // Such as a TLS handshake.
            if (!/^[A-Z]/.test(received)) return socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")
            const end = received.indexOf("\r\n\r\n")
            const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0)
            if (end < 0 || received.length < end + 4 + length) return
            const target = /^\w+ (\S+)/.exec(received)?.[1] ?? ""
            received = ""
            asked = target
            const [path = "", query] = target.split("?")
            const [, first = "", second = ""] = path.split("/").map(decodeURIComponent)
            if (query !== undefined && done.has(target)) return whole("application/json", goodBody)(socket, 200)
            done.add(target)
            if (first === "text") return whole("application/json", texts.get(second) ?? "")(socket, 200)
            if (first === "connection") return (connections as Record<string, Answer>)[second]!(socket, 200, secret)
            return (bodies as Record<string, Answer>)[second]!(socket, Number(first), secret)
          })
        })
        server.listen(0, "127.0.0.1")
        await once(server, "listening")
        return { server, self: { port: (server.address() as AddressInfo).port, open, sent } }
      }),
      ({ self, server }) =>
        Effect.promise(() => {
          for (const socket of self.open) socket.destroy()
          return new Promise((resolve) => server.close(resolve))
        })
    ),
    ({ self }) => self
  )
