import { Effect } from "effect"
import type { Scope } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** One request as it arrived: request line, headers and body, nothing interpreted. */
export type Ledger = Array<string>

export interface Server {
  readonly port: number
  readonly ledger: Ledger
  /** What it answers; to be set by the test. */
  handle: (request: IncomingMessage, response: ServerResponse) => void
}

/** A server at a loopback port of its own that writes down whatever arrives. */
export const serve = (host: string): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const self: Server = { port: 0, ledger: [], handle: (_, response) => response.end() }
        const http = createServer((request, response) => {
          let text = `${request.method} ${request.url}\n${request.rawHeaders.join("\n")}\n\n`
          request.on("data", (chunk) => {
            text += chunk
          })
          request.on("end", () => {
            self.ledger.push(text)
            self.handle(request, response)
          })
        })
        http.listen(0, host)
        await once(http, "listening")
        return { http, self: Object.assign(self, { port: (http.address() as AddressInfo).port }) }
      }),
      ({ http }) =>
        Effect.promise(() => {
          http.closeAllConnections()
          return new Promise((resolve) => http.close(resolve))
        })
    ),
    ({ self }) => self
  )
