// Effect has no service that shows a server's certificate.
import { printable } from "@effect-spotnana/engine/Text"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Net from "node:net"
import * as Tls from "node:tls"
import type { Outbound } from "./outbound.ts"
import { openTunnel, TunnelRefused } from "./tunnel.ts"

/** The certificate of a TLS server. */
export interface Certificate {
  /** Why it cannot be trusted, as Node's error code. */
  readonly problem: string | undefined
  readonly protocol: string
  readonly issuer: string
  /** The names for which it is valid. */
  readonly names: string
  readonly expiresAt: Option.Option<DateTime.Utc>
}

export class ConnectionFailed extends Data.TaggedError("ConnectionFailed")<{
  readonly code: string
  readonly message: string
  /** The status with which a proxy refused to open a connection. */
  readonly status?: number | undefined
}> {}

const failed = (error: NodeJS.ErrnoException): ConnectionFailed => {
  const { code = "", message } = error
  return new ConnectionFailed({
    code,
    message: message || code,
    status: error instanceof TunnelRefused ? error.status : undefined
  })
}

const until = <A>(
  socket: Net.Socket,
  event: "connect" | "secureConnect",
  value: () => A
): Effect.Effect<A, ConnectionFailed> =>
  Effect.callback((resume) => {
    socket.once(event, () => resume(Effect.sync(value)))
    socket.once("error", (error) => resume(Effect.fail(failed(error))))
  })

/** Where to connect to, and through which proxy. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly proxy: Outbound | undefined
}

/** What `Tls.connect` uses: an address, or the connection that a proxy has opened. */
type Way = { readonly host: string; readonly port: number } | { readonly socket: Net.Socket }

const wayTo = ({ host, port, proxy }: Target): Effect.Effect<Way, ConnectionFailed> =>
  proxy === undefined ? Effect.succeed({ host, port }) : Effect.callback((resume) => {
    const giveUp = openTunnel(
      proxy,
      `${Net.isIPv6(host) ? `[${host}]` : host}:${port}`,
      (result) => resume(result instanceof Error ? Effect.fail(failed(result)) : Effect.succeed({ socket: result }))
    )
    return Effect.sync(giveUp)
  })

const opened = <A>(
  open: Effect.Effect<Net.Socket, ConnectionFailed>,
  use: (socket: Net.Socket) => Effect.Effect<A, ConnectionFailed>
): Effect.Effect<A, ConnectionFailed> =>
  Effect.acquireRelease(open, (socket) => Effect.sync(() => socket.destroy()), { interruptible: true }).pipe(
    Effect.flatMap(use),
    Effect.scoped
  )

/** Connects, and closes the connection. */
export const connect = (host: string, port: number): Effect.Effect<void, ConnectionFailed> =>
  opened(Effect.sync(() => Net.connect({ host, port })), (socket) => until(socket, "connect", () => {}))

// One line of a text in a certificate, which may be anything.
const textOf = (value: string | ReadonlyArray<string> | undefined): string =>
  value === undefined ? "" : printable(String(value), [])

/**
 * Does the TLS handshake, reads the certificate, and closes the connection. Nothing is sent, so a certificate that
 * cannot be trusted can be shown.
 */
export const handshake = (target: Target): Effect.Effect<Certificate, ConnectionFailed> => {
  const name = Net.isIP(target.host) === 0 ? { servername: target.host } : {}
  return opened(
    Effect.map(wayTo(target), (way): Net.Socket => Tls.connect({ ...way, ...name, rejectUnauthorized: false })),
    (socket) =>
      until(socket, "secureConnect", () => {
        const tls = socket as Tls.TLSSocket
        const { issuer, subject, subjectaltname, valid_to } = tls.getPeerCertificate()
        return {
          // In fact this is an error or its code, unlike the types say.
          problem: tls.authorized ? undefined : String(tls.authorizationError),
          protocol: tls.getProtocol() ?? "TLS",
          issuer: textOf(issuer?.O ?? issuer?.CN) || "an unnamed issuer",
          names: textOf(subjectaltname?.replaceAll(/\b(DNS|IP Address):/g, "")) || textOf(subject?.CN) || "no name",
          expiresAt: DateTime.make(valid_to)
        }
      })
  )
}
