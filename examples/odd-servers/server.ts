/** A server that differs from the RFCs, on a loopback port: a token endpoint at `/login`, and an API everywhere else. */
import { Effect } from "effect"
import type { Scope } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What is odd about it. */
export interface Oddities {
  /** What the token endpoint answers where this token is the next. */
  readonly login: (
    request: { readonly authorization: string | undefined; readonly body: string },
    token: string
  ) => Answer
  /** What the API answers to a request without a token that lives. */
  readonly dead: Answer
}

export interface OddServer {
  readonly baseUrl: string
  /** How many requests the token endpoint got. */
  readonly tokenRequests: () => number
  /** Ends the life of every token so far. */
  readonly revoke: () => void
}

const start = ({ dead, login }: Oddities) =>
  Effect.promise(async () => {
    let tokenRequests = 0
    let revoked = 0
    const answerTo = (url: string, authorization: string | undefined, body: string): Answer => {
      if (url.startsWith("/login")) return login({ authorization, body }, `token-${++tokenRequests}`)
      const number = Number(/^Bearer token-(\d+)$/.exec(authorization ?? "")?.[1] ?? 0)
      return number > revoked ? { status: 200, body: { companies: 120 } } : dead
    }
    const server = createServer((request, response) => {
      let text = ""
      request.setEncoding("utf8")
      request.on("data", (chunk: string) => {
        text += chunk
      })
      request.on("end", () => {
        const { body, headers, status } = answerTo(request.url ?? "", request.headers.authorization, text)
        response.writeHead(status, { "content-type": "application/json", ...headers })
        response.end(body === undefined ? "" : JSON.stringify(body))
      })
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    const odd: OddServer = {
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      tokenRequests: () => tokenRequests,
      revoke: () => void (revoked = tokenRequests)
    }
    return { odd, server }
  })

/** Serves until the scope is closed. */
export const serve = (oddities: Oddities): Effect.Effect<OddServer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(start(oddities), ({ server }) =>
      Effect.promise(() => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      })),
    ({ odd }) => odd
  )
