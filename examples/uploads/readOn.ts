/** Sockets that get the answer of a server that closes early: those of docs/troubleshooting.md. */
import type { Socket } from "node:net"

// Node closes a socket at the first failed write, and loses what it has not read by then. So this function reports the
// failure only when everything is read.
export const readOn = (socket: Socket): void => {
  const settle = (done: (error?: Error | null) => void) => (error?: Error | null) => {
    if (!error || socket.readableEnded) done(error)
    else socket.once("end", () => socket.destroy())
  }
  const write = socket._write.bind(socket)
  const writeAll = socket._writev?.bind(socket)
  socket._write = (chunk, encoding, done) => write(chunk, encoding, settle(done))
  if (writeAll) socket._writev = (chunks, done) => writeAll(chunks, settle(done))
}
