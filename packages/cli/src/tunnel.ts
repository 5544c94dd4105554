import type * as Https from "node:https"
import type * as Net from "node:net"
import type { Duplex } from "node:stream"
import type * as Tls from "node:tls"
import type { Outbound } from "./outbound.ts"

/** Not imports, which would also load all of Node's WebSocket code. */
const http = () => process.getBuiltinModule("node:http")
const https = () => process.getBuiltinModule("node:https")

/** The proxy answered, but did not open a connection. */
export class TunnelRefused extends Error {
  readonly code = "ETUNNEL"
  readonly status: number
  constructor({ address }: Outbound, status: number) {
    super(`the proxy ${address} answered ${status} instead of opening a connection`)
    this.status = status
  }
}

/** How long a proxy may take to reach the API. */
const patience = 15_000

/**
 * Opens a connection to `host:port` through a proxy (RFC 9110 §9.3.6), and passes on the result. The returned function
 * cancels it.
 */
export const openTunnel = (
  proxy: Outbound,
  target: string,
  done: (result: Error | Net.Socket) => void
): () => void => {
  const request = (proxy.isSecure ? https() : http()).request({
    host: proxy.host,
    port: proxy.port,
    method: "CONNECT",
    path: target,
    headers: {
      host: target,
      ...(proxy.authorization === undefined ? undefined : { "proxy-authorization": proxy.authorization })
    },
    agent: false,
    timeout: patience
  })
  request.once("connect", ({ statusCode = 0 }, socket: Net.Socket, head) => {
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy()
      return done(new TunnelRefused(proxy, statusCode))
    }
    socket.setTimeout(0)
    if (head.length > 0) socket.unshift(head)
    done(socket)
  })
  request.once("timeout", () => request.destroy(new Error(`the proxy ${proxy.address} gave no answer`)))
  request.on("error", done)
  request.end()
  return () => request.destroy()
}

/** Connections as those of `https.Agent`, each through a proxy. */
export const makeTunnelAgent = (proxy: Outbound, options: Https.AgentOptions): Https.Agent => {
  class TunnelAgent extends https().Agent {
    override createConnection(
      target: Https.RequestOptions,
      done: (error: Error | null, socket: Duplex) => void = () => {}
    ): undefined {
      const host = String(target.host)
      const authority = `${host.includes(":") ? `[${host}]` : host}:${target.port}`
      openTunnel(proxy, authority, (result) => {
        if (result instanceof Error) return done(result, undefined!)
        const overTunnel: Https.RequestOptions & Pick<Tls.ConnectionOptions, "socket"> = { ...target, socket: result }
        done(null, super.createConnection(overTunnel)!)
      })
    }
  }
  return new TunnelAgent(options) as Https.Agent
}
