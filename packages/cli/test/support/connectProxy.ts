import { Effect } from "effect"
import { once } from "node:events"
import * as Http from "node:http"
import * as Net from "node:net"
import type { AddressInfo } from "node:net"

/** A request for a connection, as the proxy got it. */
export interface Connect {
  readonly target: string
  readonly authorization: string | undefined
}

/** An HTTP proxy that opens connections, to this machine whatever their host; or answers with a status and opens none. */
export const connectProxy = ({ status = 200 }: { readonly status?: number } = {}) =>
  Effect.gen(function*() {
    const connects: Array<Connect> = []
    const sockets = new Set<Net.Socket>()
    const requests: Array<string> = []
    const server = yield* Effect.acquireRelease(
      Effect.sync(() =>
        Http.createServer((request, response) => {
          requests.push(request.url ?? "")
          response.writeHead(400).end()
        })
      ),
      (server) =>
        Effect.sync(() => {
          for (const socket of sockets) socket.destroy()
          server.closeAllConnections()
          server.close()
        })
    )
    server.on("connect", (request, client: Net.Socket, head: Buffer) => {
      const target = request.url ?? ""
      connects.push({ target, authorization: request.headers["proxy-authorization"] })
      sockets.add(client.on("error", () => {}))
      if (status !== 200) {
        client.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      const api = Net.connect(Number(target.replace(/^.*:/, "")), "127.0.0.1", () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n")
        api.write(head)
        client.pipe(api).pipe(client)
      })
      sockets.add(api.on("error", () => client.destroy()))
    })
    yield* Effect.promise(() => once(server.listen(0, "127.0.0.1"), "listening"))
    const { port } = server.address() as AddressInfo
    return { connects, requests, address: `127.0.0.1:${port}` }
  })
