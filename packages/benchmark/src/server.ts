// The token endpoint and the API of a run, in their own process, so that their work does not count for a client. As
// simple as possible.
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { apiBody, json } from "./support/stub.ts"

/** How the server behaves. */
export interface Behaviour {
  /** The lifetime of a token, in seconds. */
  readonly lifetime: number
  /** How long the token endpoint takes, in milliseconds. */
  readonly tokenLatency: number
  /** How long the API takes, in milliseconds. */
  readonly apiLatency: number
  /** The token endpoint answers 503. */
  readonly down: boolean
}

/** The requests since the last reset. */
export interface Counts {
  readonly tokenRequests: number
  readonly apiRequests: number
  /** Answers 401. */
  readonly rejected: number
  /** When the token requests came, in milliseconds since the reset. */
  readonly tokenRequestsAt: ReadonlyArray<number>
  /** The same, by client id. */
  readonly tokenRequestsOf: Readonly<Record<string, ReadonlyArray<number>>>
}

/** The functions that the process of the benchmark may call. */
export type Command =
  | { readonly _tag: "Configure"; readonly behaviour: Partial<Behaviour> }
  | { readonly _tag: "Revoke" }
  | { readonly _tag: "Hold" }
  | { readonly _tag: "Release" }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "Counts" }

/** The token that is never refused: that of the clients without authentication. */
export const constantBearer = "constant-0123456789abcdef0123456789abcdef"

export const defaults: Behaviour = { lifetime: 3600, tokenLatency: 0, apiLatency: 0, down: false }

let behaviour = defaults
let resetAt = performance.now()
let tokenRequestsAt: Array<number> = []
let tokenRequestsOf: Record<string, Array<number>> = {}
let apiRequests = 0
let rejected = 0
let issued = 0
const valid = new Map<string, number>()
/** The answers of the API that are held back. */
let held: Array<() => void> | undefined

const answer = (response: Http.ServerResponse, status: number, body: string) => {
  response.writeHead(status, { ...json, "content-length": body.length })
  response.end(body)
}

/** The constant token stays, and is looked up like the others. */
const revoke = () => {
  valid.clear()
  valid.set(constantBearer, Infinity)
}
revoke()

const isValid = (authorization: string | undefined): boolean => {
  const bearer = authorization?.slice("Bearer ".length) ?? ""
  return (valid.get(bearer) ?? 0) > performance.now()
}

/** The client id of a token request, from Basic authentication or from a body of any format. */
const clientIdOf = async (request: Http.IncomingMessage): Promise<string> => {
  const basic = Buffer.from(request.headers.authorization?.slice("Basic ".length) ?? "", "base64").toString()
  let body = ""
  for await (const chunk of request) body += String(chunk)
  return /benchmark\d+/.exec(basic)?.[0] ?? /benchmark\d+/.exec(body)?.[0] ?? "unknown"
}

const token = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
  const now = performance.now()
  const clientId = await clientIdOf(request)
  tokenRequestsAt.push(now - resetAt)
  ;(tokenRequestsOf[clientId] ??= []).push(now - resetAt)
  const { down, lifetime, tokenLatency } = behaviour
  if (down) return answer(response, 503, JSON.stringify({ error: "temporarily_unavailable" }))
  if (tokenLatency > 0) await sleep(tokenLatency)
  issued += 1
  const value = `token-${issued}-0123456789abcdef0123456789abcdef`
  valid.set(value, now + lifetime * 1000)
  answer(response, 200, JSON.stringify({ access_token: value, token_type: "Bearer", expires_in: lifetime }))
}

const api = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
  request.resume()
  apiRequests += 1
  const holding = held
  if (holding !== undefined) await new Promise<void>((resume) => holding.push(resume))
  if (behaviour.apiLatency > 0) await sleep(behaviour.apiLatency)
  if (isValid(request.headers.authorization)) return answer(response, 200, apiBody)
  rejected += 1
  response.setHeader("www-authenticate", "Bearer error=\"invalid_token\"")
  answer(response, 401, JSON.stringify({ errorMessages: [{ message: "Access Token Invalid" }] }))
}

const release = () => {
  const released = held ?? []
  held = undefined
  for (const resume of released) resume()
}

const server = Http.createServer((request, response) => {
  // Some clients add their own query.
  void (request.url?.includes("/oauth2-token") === true ? token(request, response) : api(request, response))
})

const obey = (command: Command): Counts => {
  switch (command._tag) {
    case "Configure":
      behaviour = { ...behaviour, ...command.behaviour }
      break
    case "Revoke":
      revoke()
      break
    case "Hold":
      held ??= []
      break
    case "Release":
      release()
      break
    case "Reset":
      release()
      // Some clients keep their connections. With thousands of them, the next client would get none.
      server.closeIdleConnections()
      behaviour = defaults
      revoke()
      resetAt = performance.now()
      tokenRequestsAt = []
      tokenRequestsOf = {}
      apiRequests = 0
      rejected = 0
      break
    case "Counts":
  }
  return { tokenRequests: tokenRequestsAt.length, apiRequests, rejected, tokenRequestsAt, tokenRequestsOf }
}

// Started as a process of its own by `support/server.ts`, which imports it too.
if (import.meta.main) {
  // Longer than any pause in a scenario: a connection that is closed during a request would count as a failure of the
  // client.
  server.keepAliveTimeout = 120_000
  process.on("message", (command: Command) => process.send?.(obey(command)))
  process.on("disconnect", () => process.exit())
  server.listen(
    { port: 0, host: "127.0.0.1", backlog: 4096 },
    () => process.send?.({ port: (server.address() as AddressInfo).port })
  )
}
