// Effect has no service that shows a server's certificate.
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Net from "node:net"
import * as Tls from "node:tls"

/** What a TLS server shows of itself. */
export interface Certificate {
  /** Why it is not to be trusted, in Node's word for it. */
  readonly problem: string | undefined
  readonly protocol: string
  readonly issuer: string
  /** The names that it is for. */
  readonly names: string
  readonly expiresAt: Option.Option<DateTime.Utc>
}

export class ConnectionFailed extends Data.TaggedError("ConnectionFailed")<{
  readonly code: string
  readonly message: string
}> {}

const until = <A>(
  socket: Net.Socket,
  event: "connect" | "secureConnect",
  value: () => A
): Effect.Effect<A, ConnectionFailed> =>
  Effect.callback((resume) => {
    socket.once(event, () => resume(Effect.sync(value)))
    socket.once("error", ({ code = "", message }: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ConnectionFailed({ code, message: message || code }))))
  })

const opened = <A, E>(open: () => Net.Socket, use: (socket: Net.Socket) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(Effect.sync(open), use, (socket) => Effect.sync(() => socket.destroy()))

/** Connects, and hangs up. */
export const connect = (host: string, port: number): Effect.Effect<void, ConnectionFailed> =>
  opened(() => Net.connect({ host, port }), (socket) => until(socket, "connect", () => {}))

const textOf = (value: string | ReadonlyArray<string> | undefined): string => value === undefined ? "" : String(value)

/** Shakes hands, looks at the certificate, and hangs up. Nothing is sent: so one that cannot be trusted can be shown. */
export const handshake = (host: string, port: number): Effect.Effect<Certificate, ConnectionFailed> => {
  const name = Net.isIP(host) === 0 ? { servername: host } : {}
  return opened(
    () => Tls.connect({ host, port, ...name, rejectUnauthorized: false }),
    (socket) =>
      until(socket, "secureConnect", () => {
        const tls = socket as Tls.TLSSocket
        const { issuer, subject, subjectaltname, valid_to } = tls.getPeerCertificate()
        return {
          // An error or its code, whatever the types say.
          problem: tls.authorized ? undefined : String(tls.authorizationError),
          protocol: tls.getProtocol() ?? "TLS",
          issuer: textOf(issuer?.O ?? issuer?.CN) || "an unnamed issuer",
          names: subjectaltname?.replaceAll(/\b(DNS|IP Address):/g, "") || textOf(subject?.CN) || "no name",
          expiresAt: DateTime.make(valid_to)
        }
      })
  )
}
