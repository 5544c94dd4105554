// A server that plays Spotnana at one origin and another server at a second origin, as the scenario defines, and
// records the requests. `MockSpotnana` has its own rules. Here, a scenario decides about every single request.
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:http"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { within } from "./Violation.ts"

/** One request as it arrived, and how it was answered. */
export interface Seen {
  readonly origin: "home" | "elsewhere"
  readonly isToken: boolean
  readonly method: string
  readonly path: string
  /** The token by its number: `token 1` is the first that was issued. */
  readonly bearer: string
  readonly authorization: string | undefined
  readonly body: string
  /** When it arrived, in milliseconds of the monotonic clock. */
  readonly at: number
  /** When it was answered. */
  answeredAt: number | undefined
  answer: number | "dropped" | "none yet" | "given up"
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Decides about the n-th request of its kind, from 1. `drop` breaks the connection. */
export type Handler = (request: Seen, n: number) => Answer | "drop" | Promise<Answer | "drop">

export const ok: Answer = { status: 200, body: {} }
export const unauthorized: Answer = { status: 401, body: { message: "Access Token Invalid" } }
export const redirect = (location: string, status = 307): Answer => ({ status, headers: { location } })

/** Something that requests wait for until the scenario opens it. */
export const gate = (): { readonly opened: Promise<void>; readonly open: () => void } => {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

export class Spotnana {
  readonly #patience: number
  readonly clientId = "conformance"
  /** Unique, so that it can be found in the output of a process that scenarios share. */
  secret = `s3cr3t-${randomBytes(9).toString("base64url")}/+=`
  readonly secrets: Array<string> = [this.secret]
  /** Seconds that the next token lives. */
  lifetime = 3600
  token: Handler = (request) => this.judge(request)
  api: Handler = () => ok
  elsewhere: Handler = () => ok
  readonly seen: Array<Seen> = []
  readonly #tokens: Array<string> = []
  readonly #counts = { token: 0, api: 0, elsewhere: 0 }
  readonly #servers: ReadonlyArray<Server> = (["home", "elsewhere"] as const).map((origin) =>
    // Without a time-out for idle connections. After a pause of this process, it would end connections on which a
    // request waits.
    createServer({ keepAliveTimeout: 0 }, (request, response) => void this.#serve(origin, request, response))
  )
  readonly #watchers = new Set<() => void>()
  connections = 0

  /** How long it waits for what it must see, in milliseconds. */
  constructor(patience: number) {
    this.#patience = patience
  }

  async listen(): Promise<this> {
    for (const server of this.#servers) {
      server.on("connection", (socket) => {
        this.connections += 1
        socket.on("close", () => {
          this.connections -= 1
          this.#changed()
        })
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
    }
    return this
  }

  close(): void {
    for (const server of this.#servers) {
      server.closeAllConnections()
      server.close()
    }
  }

  #url(index: number): string {
    return `http://127.0.0.1:${(this.#servers[index]!.address() as AddressInfo).port}`
  }
  get homeUrl(): string {
    return this.#url(0)
  }
  get elsewhereUrl(): string {
    return this.#url(1)
  }

  /** A new token, with the number that comes next. */
  issue(): Answer {
    const token = `t0k3n-${randomBytes(12).toString("base64url")}`
    this.#tokens.push(token)
    this.secrets.push(token)
    return this.repeat()
  }
  /** The token that was issued last, again. */
  repeat(): Answer {
    return { status: 200, body: { access_token: this.#tokens.at(-1), token_type: "Bearer", expires_in: this.lifetime } }
  }
  /** A new token for a correct token request (RFC 6749 §4.4.2) with the right credentials. */
  judge({ body, method }: Seen): Answer {
    const form = Object.fromEntries(new URLSearchParams(body))
    const isRight = method === "POST" && form.grant_type === "client_credentials" &&
      form.client_id === this.clientId && form.client_secret === this.secret
    return isRight ? this.issue() : { status: 401, body: { error: "invalid_client" } }
  }
  rotateSecret(): void {
    this.secret = `s3cr3t-${randomBytes(9).toString("base64url")}/+=`
    this.secrets.push(this.secret)
  }

  /** How many tokens were issued: the number of the last one. */
  get issued(): number {
    return this.#tokens.length
  }
  get tokenRequests(): ReadonlyArray<Seen> {
    return this.seen.filter(({ isToken }) => isToken)
  }
  /** The requests for a path, at any origin. */
  of(path: string): ReadonlyArray<Seen> {
    return this.seen.filter((request) => request.path === path)
  }
  /** The tokens of the requests for a path, in the order of arrival. */
  bearers(path: string): ReadonlyArray<string> {
    return this.of(path).map(({ bearer }) => bearer)
  }

  /** Waits until something is seen. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const { opened, open } = gate()
    const look = () => void (holds() && open())
    this.#watchers.add(look)
    look()
    await within(this.#patience, what, opened).finally(() => this.#watchers.delete(look))
  }

  /** The requests, one line for each. Consecutive equal requests have one line. Tokens are shown by number. */
  report(): string {
    const lines: Array<{ readonly text: string; times: number }> = []
    for (const { answer, bearer, isToken, method, origin, path } of this.seen) {
      const text = `${method} ${path} (${origin})${isToken ? "" : `, ${bearer}`}: ${answer}`
      const last = lines.at(-1)
      if (last?.text === text) last.times += 1
      else lines.push({ text, times: 1 })
    }
    const shown = lines.map(({ text, times }) => `  ${text}${times > 1 ? `, ${times} times` : ""}`)
    return shown.length <= 40 ? shown.join("\n") : [...shown.slice(0, 20), "  …", ...shown.slice(-20)].join("\n")
  }

  #changed(): void {
    for (const look of this.#watchers) look()
  }

  #bearerOf(authorization: string | undefined): string {
    if (authorization === undefined) return "no bearer"
    const index = this.#tokens.findIndex((token) => authorization === `Bearer ${token}`)
    return index < 0 ? "another authorization" : `token ${index + 1}`
  }

  async #serve(origin: Seen["origin"], request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ""
    const { authorization } = request.headers
    const isToken = origin === "home" && path === "/v2/auth/oauth2-token"
    const at = performance.now()
    const body = await text(request).catch(() => "a body that broke off")
    const seen: Seen = {
      origin,
      isToken,
      method: request.method ?? "",
      path,
      bearer: this.#bearerOf(authorization),
      authorization,
      body,
      at,
      answeredAt: undefined,
      answer: "none yet"
    }
    this.seen.push(seen)
    response.on("close", () => {
      if (seen.answer === "none yet") seen.answer = "given up"
      this.#changed()
    })
    const kind = isToken ? "token" : origin === "home" ? "api" : "elsewhere"
    const answered = this[kind](seen, ++this.#counts[kind])
    this.#changed()
    const answer = await answered
    if (response.destroyed) return
    seen.answeredAt = performance.now()
    seen.answer = answer === "drop" ? "dropped" : answer.status
    this.#changed()
    if (answer === "drop") return void request.socket.destroy()
    const { headers, status } = answer
    const content = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {})
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(content)
  }
}
