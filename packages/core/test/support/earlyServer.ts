// A Spotnana in a thread of its own, as a real one is in another process: what it does meets an upload at any moment.
// It answers an upload to /v2/documents as soon as its headers are there.
import { once } from "node:events"
import { createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import * as Tls from "node:tls"
import { parentPort, workerData } from "node:worker_threads"
import type { Certificate } from "./certificate.ts"

/** What it has done so far. */
export interface Seen {
  readonly uploads: ReadonlyArray<number>
  readonly tokens: number
}

/** Whether it reads what is still on its way once it has answered, closes the connection at once, or even before. */
export type Ending = "reads on" | "closes" | "closes without an answer"

const { certificate, ending }: { readonly certificate?: Certificate; readonly ending: Ending } = workerData
let tokens = 0
const uploads: Array<number> = []

const respond = (socket: Socket, status: number, json: unknown) => {
  const body = JSON.stringify(json)
  socket.write(`HTTP/1.1 ${status} x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`)
  socket.write(`connection: close\r\n\r\n${body}`)
}

const onConnection = (socket: Socket) => {
  let head = ""
  const onData = (chunk: Buffer) => {
    head += chunk.toString("latin1")
    if (!head.includes("\r\n\r\n")) return
    socket.off("data", onData).resume()
    if (head.startsWith("POST /v2/auth/")) {
      respond(socket, 200, { access_token: `token-${tokens++}`, token_type: "Bearer", expires_in: 3600 })
      socket.end()
      return
    }
    if (ending === "closes without an answer") {
      socket.destroy()
      return
    }
    const status = /authorization: bearer token-0\r\n/i.test(head) ? 401 : 413
    if (head.startsWith("POST /v2/documents")) uploads.push(status)
    respond(socket, status, { message: "early" })
    if (ending === "closes") socket.destroySoon()
    else socket.end()
  }
  // A client may break off its upload, or not.
  socket.on("error", () => {}).on("data", onData)
}

const options = { allowHalfOpen: true, ...certificate }
const server = certificate ? Tls.createServer(options, onConnection) : createServer(options, onConnection)

parentPort!.on("message", () => parentPort!.postMessage({ uploads, tokens } satisfies Seen))
server.listen(0, "127.0.0.1")
await once(server, "listening")
parentPort!.postMessage((server.address() as AddressInfo).port)
