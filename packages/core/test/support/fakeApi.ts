import { Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Clock, Effect, Layer } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { clientId, clientSecret } from "./harness.ts"

/** What a server answers: a status, a body, headers. */
export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A request as the server sees it. */
export interface Seen {
  readonly at: number
  readonly method: string
  readonly path: string
  readonly bearer: string | undefined
}

/** How a server behaves that is written for one test. Times are milliseconds since the beginning. */
export interface Server {
  /** Of the n-th token request, from 0. */
  readonly token: (n: number, at: number) => Answer
  readonly api: (request: Seen) => Answer
  readonly latency?: { readonly token?: number; readonly api?: number | ((request: Seen) => number) }
}

/** A token answer with tokens that are named by number. */
export const issue = (n: number, expiresIn = 3600): Answer => ({
  status: 200,
  body: { access_token: `token-${n}`, token_type: "Bearer", expires_in: expiresIn }
})

export const ok: Answer = { status: 200, body: {} }
export const unauthorized: Answer = { status: 401, body: { message: "Access Token Invalid" } }

/** The library on a server that is written for one test, and what arrived there. */
export const onServer = (server: Server, options?: SpotnanaHttpClient.Options<false>) => {
  const seen: Array<Seen> = []
  let tokenRequests = 0
  const client = HttpClient.make((request, url) =>
    Effect.gen(function*() {
      const at = yield* Clock.currentTimeMillis
      const isToken = url.pathname.endsWith("/oauth2-token")
      const bearer = request.headers.authorization?.replace(/^Bearer /, "")
      const sent: Seen = { at, method: request.method, path: url.pathname, bearer }
      seen.push(sent)
      const answer = isToken ? server.token(tokenRequests++, at) : undefined
      const { api, token } = server.latency ?? {}
      const latency = isToken ? token : typeof api === "function" ? api(sent) : api
      if (latency !== undefined) yield* Effect.sleep(latency)
      const { body, headers, status } = answer ?? server.api(sent)
      return HttpClientResponse.fromWeb(
        request,
        new Response(body === undefined ? undefined : JSON.stringify(body), { status, headers: { ...headers } })
      )
    })
  )
  const layer = SpotnanaHttpClient.layer({
    clientId,
    clientSecret,
    environment: Environment.makeUnsafe({ baseUrl: "https://api.example" }),
    ...options
  }).pipe(Layer.provideMerge(Layer.succeed(HttpClient.HttpClient, client)))
  return {
    layer,
    seen,
    tokenRequests: () => tokenRequests,
    subjects: Effect.all({ provider: TokenProvider.TokenProvider, client: SpotnanaHttpClient.SpotnanaHttpClient })
  }
}
