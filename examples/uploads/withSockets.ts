/** An agent of `node:http` or `node:https` with such sockets: that of docs/troubleshooting.md. */
import type { Agent } from "node:http"
import { Socket } from "node:net"
import { readOn } from "./readOn.ts"

export const withSockets = <A extends Agent>(agent: A): A => {
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, done) => {
    const socket = connect(options, done)
    if (socket instanceof Socket) readOn(socket)
    return socket
  }
  return agent
}
