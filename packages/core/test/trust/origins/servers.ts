import { Effect } from "effect"
import type { Scope } from "effect"
import { once } from "node:events"
import * as Http from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Https from "node:https"
import type { AddressInfo } from "node:net"
import * as Tls from "node:tls"
import { makeCertificate } from "../../support/certificate.ts"
import type { Certificate } from "../../support/certificate.ts"

/** One request as it arrived: request line, headers and body, nothing interpreted. */
export type Ledger = Array<string>

export interface Server {
  readonly scheme: "http" | "https"
  readonly port: number
  readonly ledger: Ledger
  /** What it answers; to be set by the test. */
  handle: (request: IncomingMessage, response: ServerResponse) => void
}

let certified: Promise<Certificate> | undefined

/** A certificate for this machine that this process trusts, and nobody else. */
const certificate = () =>
  certified ??= makeCertificate().then((certificate) => {
    Tls.setDefaultCACertificates([...Tls.getCACertificates(), certificate.cert])
    return certificate
  })

/** A server at a loopback port of its own that writes down whatever arrives. */
export const serve = (scheme: "http" | "https"): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const self: Server = { scheme, port: 0, ledger: [], handle: (_, response) => response.end() }
        const listener = (request: IncomingMessage, response: ServerResponse) => {
          let text = `${request.method} ${request.url}\n${request.rawHeaders.join("\n")}\n\n`
          request.on("data", (chunk) => {
            text += chunk
          })
          request.on("end", () => {
            self.ledger.push(text)
            self.handle(request, response)
          })
        }
        const http = scheme === "http"
          ? Http.createServer(listener)
          : Https.createServer(await certificate(), listener)
        http.listen(0, "127.0.0.1")
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
